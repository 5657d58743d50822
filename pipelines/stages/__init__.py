"""The pure steps a partition calls, in order: decode, screen, order, window, score, warn; functions over arrays."""
