"""A seeded distributor with injected faults: sample, fault injector, source of training data."""
