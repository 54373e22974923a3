"""How much a channel must hold back, because others draw on the same stock before it hears of it."""
