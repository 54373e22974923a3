"""The promise of a channel, and the thin connectors that keep it."""
