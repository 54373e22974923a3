"""Whole jobs that doors start: first sample, training, evaluation."""
