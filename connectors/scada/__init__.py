"""Feeds: one module each, frames out. So far the simulator's."""
