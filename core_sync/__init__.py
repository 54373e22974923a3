"""Facts: what happened, what is sellable, what was told to whom."""
