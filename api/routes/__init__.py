"""HTTP routes, one file a subject; each parses, makes one call, answers."""
