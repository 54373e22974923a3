"""Cases: what a person works on. A group of signals with one root cause, exposure, owner and timeline."""
