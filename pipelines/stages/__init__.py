"""The pure steps a partition calls, in order: decode, screen, order, window, score, warn. Each is a function over arrays."""
