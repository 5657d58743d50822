"""Sinks: one module each, found by its name, which is its `kind` in the subscriptions file.

Each has a `Config`, `BY_CASE` (whether it takes one warning at a time) and `open_sink`, whose result is a
`pipelines.deliver.ports.Sink`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from connectors.delivery import Place, SinkError
from models.misfits import Misfit, fit
from pipelines.deliver.ports import Sink

SINKS = tuple(sorted(module.name for module in iter_modules(__path__)))
"""Kinds of sinks that there are."""


def module_of(name: str, table: Mapping[str, Any]) -> Any:
    """The module of a sink's kind. Raises SinkError."""
    kind = table.get("kind")
    if kind not in SINKS:
        raise SinkError(f"sinks.{name}.kind is {kind!r}: use one of {', '.join(SINKS)}")
    try:
        return import_module(f"{__name__}.{kind}")
    except ModuleNotFoundError as missing:
        raise SinkError(
            f"sinks.{name}: the kind {kind} needs {missing.name}: run .venv/bin/pip install -e '.[deliver]' in "
            "Forewarn's folder"
        ) from missing


def config_of(name: str, table: Mapping[str, Any]) -> Any:
    """A sink's table as its module's config. Raises SinkError that begins with the place."""
    module = module_of(name, table)
    try:
        return fit({key: value for key, value in table.items() if key != "kind"}, module.Config)
    except Misfit as wrong:
        place = f"sinks.{name}.{wrong.place}" if wrong.place else f"sinks.{name}"
        raise SinkError(f"{place}: {wrong.what}") from wrong


def open_sink(name: str, table: Mapping[str, Any], place: Place) -> Sink:
    """A sink, ready to send. Raises SinkError."""
    module, config = module_of(name, table), config_of(name, table)
    try:
        found: Sink = module.open_sink(config, place)
    except SinkError as wrong:
        raise SinkError(f"sinks.{name}.{wrong}") from wrong
    return found


def by_case(tables: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Names of the sinks that take one warning at a time. Raises SinkError."""
    return frozenset(name for name, table in tables.items() if module_of(name, table).BY_CASE)
