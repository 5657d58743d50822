"""The maintenance systems: one module each, found by its name. Each has a `SYSTEM`, its `MAPS` and a `number_of`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

MODULES = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Names of the modules there are."""


def systems() -> Mapping[str, ModuleType]:
    """The modules by the names of their systems."""
    modules = [import_module(f"{__name__}.{name}") for name in MODULES]
    return {module.SYSTEM: module for module in modules}
