"""Push intents: the last value each channel should show, until it is seen there."""
