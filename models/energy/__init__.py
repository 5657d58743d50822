"""Energy of a plant: what it takes, what it should take, and when it had better take it.

Arrays and records in, figures and records out; nothing here reads a clock or asks a meter.
"""
