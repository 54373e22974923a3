"""Opinions on why something failed: causes, knowledge of codes, evidence, and the classifier."""
