"""What may be done by itself, what needs a person, and within which limits."""
