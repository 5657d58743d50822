"""Exports of maintenance systems: read as documents, by maps that say what their columns and codes mean."""
