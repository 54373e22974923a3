"""What people and outcomes said a failure's root cause was: labels with their provenance, and the set to train on."""
