"""A seeded distributor with fault injection: files to start from, faults to find, peers to speak to.

It knows core_sync only. Whatever it makes is simulated, and figures measured on it say so.
"""
