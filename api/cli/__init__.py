"""The command line: thin doors to what the API does too."""
