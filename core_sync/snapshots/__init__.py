"""What other systems say they hold, compared with the ledger at one as-of time."""
