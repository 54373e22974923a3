"""Actions carried out, step by step, to their end: through crashes too."""
