"""What a fault costs until it is fixed: units oversold, units not sold, and their money."""
