"""What is measured of the ledger, one measure a file; ``python -m benchmarks.ledger`` runs them."""
