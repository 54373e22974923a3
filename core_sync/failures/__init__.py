"""Failures: one failed update, rejected event or missed expectation each, with its evidence."""
