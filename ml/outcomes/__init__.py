"""Learning from how earlier cases turned out: what was known of them when, trees on it, and those trees as files."""
