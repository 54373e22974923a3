"""From signals to a ranked feed: detect, diagnose, group, weigh, order."""
