"""The HTTP API, for other programs: what Forewarn knows, and moves of models by whoever has a key."""
