"""Releases of models on a running plant: what the topic says of them, what a worker has loaded, who is told."""
