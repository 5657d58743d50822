"""Settings of machines: what may be suggested to people at all. Nothing here writes to a machine."""
