"""The feeds: one module each, found by its name. Each has a `Config` and an `open_feed`."""

from __future__ import annotations

from pkgutil import iter_modules

FEEDS = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Names of the feeds there are."""
