"""Concepts of the trade in seven languages."""
