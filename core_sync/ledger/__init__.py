"""The append-only record of stock movements, and the positions it adds up to."""
