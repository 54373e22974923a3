"""Decisions: what to do, within which limits, done once, verified and undone."""
