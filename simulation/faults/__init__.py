"""Faults: when they start, what they spoil, what is reported of them, and who cures them when."""
