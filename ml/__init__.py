"""Opinions: scores, classes, exposure and reasons, from facts as they were known."""
