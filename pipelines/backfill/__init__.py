"""History through the partitions that live runs: where it comes from, how it is worked off, what came of it."""
