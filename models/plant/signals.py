"""What a signal of an asset type is, and how signals tell what a machine does. Structs alone: checks are elsewhere."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from msgspec import Struct

from models.plant.durations import seconds
from models.records import Name, OperatingState


class SignalKind(StrEnum):
    """What a signal's values mean."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SETPOINT = "setpoint"
    STATE = "state"
    BOOLEAN = "boolean"
    TEXT = "text"
    EVENT = "event"

    @property
    def python_type(self) -> type:
        """The type of its samples: float, bool or str."""
        if self in (SignalKind.GAUGE, SignalKind.COUNTER, SignalKind.SETPOINT):
            return float
        return bool if self is SignalKind.BOOLEAN else str


LEVELS = (SignalKind.GAUGE, SignalKind.SETPOINT)
"""Kinds whose value is a level: a mean of it says something."""


class Sampling(StrEnum):
    """When a new value arrives: by the clock, when it changed, or when a historian could not leave it out.

    A historian compresses: it leaves out a value that lies, within a deviation, on the line through its neighbours.
    """

    PERIODIC = "periodic"
    ON_CHANGE = "on-change"
    COMPRESSED = "compressed"


class Signal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signal of an asset type. `range` is what its sensor can say; outside of it a sample is not stored.

    Nothing is known of it after `max_silence`. `stuck_after` is the running time without the smallest change after
    which a sensor is held to be stuck; `max_step` the largest credible change from one minute with samples to the next
    while running. What breaks either is stored, but no feature is made of it. `expected_from` names the signals that
    say what this one should read, for whoever trains a model of the type. A counter begins anew at `rolls_over_at`,
    the first number that it cannot show; a state says one of `words`, any where none are declared. `alarms` are words
    of a state or an event whose coming is counted.
    """

    kind: SignalKind
    unit: str = ""
    sampling: Sampling = Sampling.PERIODIC
    stepped_said: bool | None = msgspec.field(default=None, name="stepped")
    max_silence: str = "10min"
    range: tuple[float, float] | None = None
    stuck_after: str | None = None
    max_step: float | None = None
    rolls_over_at: float | None = None
    words: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    expected_from: tuple[Name, ...] = ()

    @property
    def max_silence_s(self) -> int:
        """Seconds after which no value means no knowledge."""
        return seconds(self.max_silence)

    @property
    def stepped(self) -> bool:
        """Whether a value holds until the next one; else the truth between two lies on the line through them.

        Unless the file says so: a compressed number is linear, for that is how a historian chose what to leave out.
        Everything else holds. Of periodic signals nothing is asked between two samples.
        """
        if self.stepped_said is not None:
            return self.stepped_said
        return self.sampling is not Sampling.COMPRESSED or self.kind.python_type is not float


class Operating(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to tell what a machine is doing: a numeric signal against thresholds, or the words of a state tag.

    At `running_above` and over it runs, at `off_below` and under it is off, between the two it idles; a state is left
    only `hysteresis` beyond its threshold. A word that `states` does not have means unknown. `settle` is the time after
    a start that windows leave out.
    """

    signal: Name
    running_above: float | None = None
    off_below: float | None = None
    hysteresis: float = 0.0
    states: dict[OperatingState, tuple[str | bool, ...]] = {}
    settle: str = "0s"
