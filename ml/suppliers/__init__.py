"""Which deliveries come late and which SKUs run into back-orders: chances learned from what happened before."""
