"""What can be done about a case: one file an action."""
