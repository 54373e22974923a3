"""Doors: HTTP, command line, console. No rules inside."""
