"""From files and messages to facts: good rows go on, bad ones are named, nothing is lost."""
