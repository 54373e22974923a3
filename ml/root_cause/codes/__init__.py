"""Knowledge of documented statuses and codes: what each means, and whether another try can help."""
