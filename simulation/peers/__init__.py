"""Simulated peers over real HTTP on loopback: a shop, a marketplace, an ERP with its warehouses.

Each is a Starlette application with its state in memory. ``/_faults`` orders what the next requests meet,
``/_log`` tells which writes were received, ``/_settle`` applies what was accepted and held back.
"""
