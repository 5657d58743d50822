"""The list of features: what is computed of each signal, in which order, with a hash that a model's card repeats."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec
import numpy as np
from msgspec import Struct

from models.plant import LEVELS, AssetType, Sampling, SignalKind

PER_SIGNAL = ("mean_1h", "spread_1h", "mean_24h")
"""Of each signal: over the last hour, and over the last 24 h of running."""
PER_TARGET = (
    "over_1h", "over_24h", "change_24h", "exceeds_72h",
    "slope_72h_per_h", "slope_7d_per_d", "slope_30d_per_d",
)  # fmt: skip
"""Of each signal that others say what to expect of: the residual's level, its distance from the asset's own usual, how
often it lies outside of that, and its slopes."""
PER_COUNTER = ("rate_72h_per_h",)
PER_ASSET = ("completeness_72h", "running_h", "starts")


class Expected(Struct, frozen=True):
    """What a signal should read: `intercept` and, for each other signal, coefficient times that signal's mean."""

    target: str
    intercept: float
    terms: tuple[tuple[str, float], ...]


class Spec(Struct, frozen=True, dict=True):
    """The features of one model: PER_SIGNAL of each signal, PER_TARGET of each expected one, PER_COUNTER, PER_ASSET."""

    signals: tuple[str, ...]
    counters: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()

    @classmethod
    def of(cls, asset_type: AssetType, expected: tuple[Expected, ...] = ()) -> Spec:
        """Features of a type's periodic gauges and setpoints, and of its counters."""
        kinds = [(name, signal.kind, signal.sampling) for name, signal in asset_type.signals.items()]
        # A mean of what is sent on change needs the time that each value held, which bins do not have.
        signals = tuple(n for n, kind, sampling in kinds if kind in LEVELS and sampling is Sampling.PERIODIC)
        return cls(signals, tuple(n for n, kind, _ in kinds if kind is SignalKind.COUNTER), expected)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        targets = tuple(one.target for one in self.expected)
        parts = ((self.signals, PER_SIGNAL), (targets, PER_TARGET), (self.counters, PER_COUNTER))
        return tuple(f"{signal}.{what}" for names, per in parts for signal in names for what in per) + PER_ASSET

    @cached_property
    def sha256(self) -> str:
        """Identity of the list and of what is expected: a model and a worker must agree on it."""
        told = msgspec.json.encode((self.names, self.expected))
        return hashlib.sha256(told).hexdigest()

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Signals and counters, in the order in which `compute` is told their columns."""
        return self.signals + self.counters

    def column(self, name: str) -> int:
        """Place of a feature by its name."""
        return self.names.index(name)

    def columns_of(self, signal: str) -> np.ndarray:
        """Places of all features of a signal."""
        return np.array([at for at, name in enumerate(self.names) if name.rpartition(".")[0] == signal], np.int64)

    @cached_property
    def completeness(self) -> int:
        """Column of the share of 15-min bins of the last 72 h in which anything was heard."""
        return self.column("completeness_72h")

    @cached_property
    def running(self) -> int:
        """Column of the running hours since the last repair."""
        return self.column("running_h")
