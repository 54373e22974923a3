"""What the benchmarks of the ledger share: movements, throw-away databases on disk, bare tables, peers."""
