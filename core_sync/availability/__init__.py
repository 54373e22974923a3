"""What each channel may promise, and why."""
