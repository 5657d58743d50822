"""Feeds from files: CSV and Parquet, mapped to frames by a small TOML file."""
