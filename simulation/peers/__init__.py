"""Simulated peers over real HTTP on loopback: a shop, a marketplace, a trading partner, an ERP with its warehouses.

Each is a Starlette application with its state in memory: in a thread (``serve.running``), as a process
(``python -m simulation.peers KIND``), or several of them (``fleet``). ``control`` has the doors that no real channel
has: faults and their plan, the clock, buyers, counters. ``remote`` goes through them from outside.
"""
