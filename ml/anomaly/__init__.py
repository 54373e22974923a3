"""How strange a movement or a difference between systems is, how sure that is, and why."""
