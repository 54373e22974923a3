"""Facts turned into figures a detector can judge: each as known at its row's own time."""
