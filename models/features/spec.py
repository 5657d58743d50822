"""The list of features: what is computed of each signal, in which order, with a hash that a model's card repeats."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType

from models.features.groups import CODE, NO_GROUPS, PER_COMPONENT, PER_FLEET, Groups
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

    `rolls_over_at` has the value at which a counter begins at 0 again, for those of which it is known. `groups` are
    more features, behind all others.
    """

    signals: tuple[str, ...]
    counters: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    shares: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    rolls_over_at: dict[str, float] = {}
    groups: Groups = NO_GROUPS

    @classmethod
    def of(cls, asset_type: AssetType, expected: tuple[Expected, ...] = (), groups: Groups = NO_GROUPS) -> Spec:
        """Features of all signals of a type but texts and states whose words are not declared."""
        signals = asset_type.signals.items()
        return cls(
            signals=tuple(name for name, signal in signals if signal.kind in LEVELS),
            counters=tuple(name for name, signal in signals if signal.kind is SignalKind.COUNTER),
            expected=expected,
            shares=tuple(column for column, _ in shares_of(asset_type)),
            events=tuple(name for name in events_of(asset_type) if name not in groups.counted),
            rolls_over_at={name: signal.rolls_over_at for name, signal in signals if signal.rolls_over_at},
            groups=groups,
        )

    @classmethod
    def of_card(cls, card: Struct) -> Spec:
        """The list that a card tells, whatever kind of model it is of."""
        told = {name: getattr(card, name) for name in cls.__struct_fields__}
        return cls(**{name: value for name, value in told.items() if value is not UNSET})

    @property
    def groups_told(self) -> Groups | UnsetType:
        """The groups as a card tells them: nothing where there are none."""
        return UNSET if self.groups == NO_GROUPS else self.groups

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        parts = (
            (self.signals, PER_SIGNAL), (self.targets, PER_TARGET), (self.counters, PER_COUNTER),
            (self.shares, PER_SHARE), (self.events, PER_EVENT),
        )  # fmt: skip
        first = tuple(f"{signal}.{what}" for names, per in parts for signal in names for what in per)
        return first + PER_ASSET + self.groups.names(self.targets)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The signals of which something is expected."""
        return tuple(one.target for one in self.expected)

    @cached_property
    def sha256(self) -> str:
        """Identity of the list and of what is expected: a model and a worker must agree on it."""
        told = self.names, self.expected, sorted(self.rolls_over_at.items()), *self.groups.constants
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Signals, counters, shares and events, in the order in which `compute` is told their columns."""
        return self.signals + self.counters + self.shares + self.events + self.groups.counted

    def column(self, name: str) -> int:
        """Place of a feature by its name."""
        return self.names.index(name)

    def columns_of(self, signal: str) -> np.ndarray:
        """Places of all features of a signal."""
        return np.array([at for at, name in enumerate(self.names) if name.rpartition(".")[0] == signal], np.int64)

    @cached_property
    def windows(self) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        """What has windows of its own, each name once: names, columns of one after the other, and where each begins.

        Of an event that did not come there is nothing missing, and slopes and changes rest on these windows.
        """
        of: dict[str, list[int]] = {}
        names = {share: share.partition("=")[0] for share in self.shares}
        names |= {name: name for name in (*self.signals, *self.counters, *self.groups.components)}
        if self.groups.product:
            names[self.groups.product] = self.groups.product
        per = {*PER_SIGNAL, *PER_COUNTER, *PER_SHARE, *PER_COMPONENT, CODE}
        for at, column in enumerate(self.names):
            name, _, what = column.rpartition(".")
            if what in per and name in names:
                of.setdefault(names[name], []).append(at)
        lengths = [len(columns) for columns in of.values()]
        begins = np.cumsum([0, *lengths[:-1]])
        return tuple(of), np.array([at for columns in of.values() for at in columns], np.int64), begins

    @cached_property
    def own(self) -> np.ndarray:
        """Columns of expected signals that say whether an asset has a usual of its own: without a fleet by a change."""
        what = PER_FLEET[0] if self.groups.fleet else "change_24h"
        return np.array([self.column(f"{target}.{what}") for target in self.targets], np.int64)

    @cached_property
    def completeness(self) -> int:
        """Column of the share of 15-min bins of the last 72 h in which anything was heard."""
        return self.column("completeness_72h")

    @cached_property
    def running(self) -> int:
        """Column of the running hours since the last repair."""
        return self.column("running_h")
