"""How long an order waits until its units leave the shelf, learned from one's own orders."""
