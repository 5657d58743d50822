"""The list of features: what is computed of each signal, in which order, with a hash that a model's card repeats."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec
import numpy as np
from msgspec import Struct

from models.plant import LEVELS, AssetType, SignalKind
from models.plant.layout import events_of, shares_of

PER_SIGNAL = ("mean_1h", "spread_1h", "mean_24h")
"""Of each signal: over the last hour, and over the last 24 h of running."""
PER_TARGET = (
    "over_1h", "over_24h", "change_24h", "exceeds_72h",
    "slope_72h_per_h", "slope_7d_per_d", "slope_30d_per_d",
)  # fmt: skip
"""Of each signal that others say what to expect of: the residual's level, its distance from the asset's own usual, how
often it lies outside of that, and its slopes."""
PER_COUNTER = ("rate_72h_per_h",)
PER_SHARE = ("share_1h", "share_24h")
"""Of a truth or a declared word of a state: its share of the last hour, and of the last 24 h of running."""
PER_EVENT = ("events_24h",)
"""How often an event came in the last 24 h of running."""
PER_ASSET = ("completeness_72h", "running_h", "starts")


class Expected(Struct, frozen=True):
    """What a signal should read: `intercept` and, for each other signal, coefficient times that signal's mean."""

    target: str
    intercept: float
    terms: tuple[tuple[str, float], ...]


class Spec(Struct, frozen=True, dict=True):
    """The features of one model: PER_SIGNAL of each signal, PER_TARGET of each expected one, and so on to PER_ASSET.

    `rolls_over_at` has the value at which a counter begins at 0 again, for those of which it is known.
    """

    signals: tuple[str, ...]
    counters: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    shares: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    rolls_over_at: dict[str, float] = {}

    @classmethod
    def of(cls, asset_type: AssetType, expected: tuple[Expected, ...] = ()) -> Spec:
        """Features of all signals of a type but texts and states whose words are not declared."""
        signals = asset_type.signals.items()
        return cls(
            signals=tuple(name for name, signal in signals if signal.kind in LEVELS),
            counters=tuple(name for name, signal in signals if signal.kind is SignalKind.COUNTER),
            expected=expected,
            shares=tuple(column for column, _ in shares_of(asset_type)),
            events=events_of(asset_type),
            rolls_over_at={name: signal.rolls_over_at for name, signal in signals if signal.rolls_over_at},
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        targets = tuple(one.target for one in self.expected)
        parts = (
            (self.signals, PER_SIGNAL), (targets, PER_TARGET), (self.counters, PER_COUNTER),
            (self.shares, PER_SHARE), (self.events, PER_EVENT),
        )  # fmt: skip
        return tuple(f"{signal}.{what}" for names, per in parts for signal in names for what in per) + PER_ASSET

    @cached_property
    def sha256(self) -> str:
        """Identity of the list and of what is expected: a model and a worker must agree on it."""
        told = msgspec.json.encode((self.names, self.expected, sorted(self.rolls_over_at.items())))
        return hashlib.sha256(told).hexdigest()

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Signals, counters, shares and events, in the order in which `compute` is told their columns."""
        return self.signals + self.counters + self.shares + self.events

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
