"""Master data: SKUs, units, cross-references, locations, channels, suppliers, rates; with effective dates."""
