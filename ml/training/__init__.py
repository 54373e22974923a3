"""Fitting models: data in, candidates and their figures out."""
