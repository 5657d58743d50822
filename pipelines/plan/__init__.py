"""The role that plans production: it follows orders, prices, warnings and profiles, and publishes plans.

It is a process of its own, so that a search never holds up a forecast.
"""
