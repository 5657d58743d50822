"""What control records do to a partition's state, a module a record; functions without a clock or a network."""
