"""What binds a proposal, and the asset as it is: the records that rails are judged by. Nothing here decides."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

HOUR_US = 3_600_000_000


class Rail(StrEnum):
    """What binds a proposal, or refuses it."""

    NUMBERS = "not-a-number"
    LIMITS = "limits-contradict"
    KILL_SWITCH = "kill-switch"
    INTERLOCK = "interlock"
    ONE_OPEN = "one-is-open"
    COOL_DOWN = "cool-down"
    EXPIRY = "expiry"
    EVIDENCE = "evidence"
    BOUNDS = "bounds"
    RECIPE = "recipe"
    QUALIFIED = "qualified-window"
    STEP = "step"
    RATE = "rate"
    FORBIDDEN = "forbidden-combination"
    NO_CHANGE = "no-change-left"
    TRIAL = "management-of-change"
    APPROVALS = "approvals"
    ONE_MOVE = "not-one-move"


class Forbidden(Struct, frozen=True, kw_only=True):
    """Settings of one asset that must never hold together: each parameter within its closed range.

    An edge may be infinite: the range is open to that side.
    """

    name: str
    ranges: dict[str, tuple[float, float]]


class Interlock(Struct, frozen=True, kw_only=True):
    """A condition without which nothing may change: the signal is known and within `low` to `high`, in its unit."""

    name: str
    signal: str
    low: float
    high: float


class Limits(Struct, frozen=True, kw_only=True):
    """What binds one parameter: bounds, the largest and the least change at once, the most change in `rate_h` hours.

    `step` and `rate` may be None: no such rail. `evidence` is the least number of observations, `cool_down_h` the rest
    after a change, `longest_h` the longest that a suggestion may hold. `recipe` is the product's window, `qualified`
    the one that was validated, and `revalidate` what a value outside of it would need. A change of more than
    `trial_above` is no suggestion but a trial to ask for (management of change, as in 29 CFR 1910.119(l)); two persons
    approve one of more than `two_above`. All are in the parameter's unit. Only ranges of forbidden combinations may
    have infinite edges.
    """

    low: float
    high: float
    step: float | None = None
    least_step: float = 0.0
    rate: float | None = None
    rate_h: float = 24.0
    evidence: int = 1
    cool_down_h: float = 0.0
    longest_h: float = 168.0
    forbidden: tuple[Forbidden, ...] = ()
    interlocks: tuple[Interlock, ...] = ()
    recipe: tuple[float, float] | None = None
    qualified: tuple[float, float] | None = None
    revalidate: str = ""
    trial_above: float | None = None
    two_above: float | None = None


class Change(Struct, frozen=True, kw_only=True):
    """A change that was made of a parameter, or of one that is not told: then it counts for all."""

    time_us: int
    before: float
    after: float
    parameter: str = ""


class Context(Struct, frozen=True, kw_only=True):
    """The asset as it is: whether suggestions are stopped, its other settings, changes made, suggestions open.

    `open` are (asset, parameter) of open suggestions; with `one_per_asset` one that is open for any parameter of the
    asset is in the way. `conditions` are what signals say now, for interlocks.
    """

    is_stopped: bool = False
    settings: Mapping[str, float] = {}
    changes: tuple[Change, ...] = ()
    open: frozenset[tuple[str, str]] = frozenset()
    conditions: Mapping[str, float] = {}
    one_per_asset: bool = False


class Proposal(Struct, frozen=True, kw_only=True):
    """A parameter of an asset, its value now and the one proposed, from `time_us` to `until_us`, on what evidence."""

    asset: str
    parameter: str
    now: float
    proposed: float
    evidence: int
    time_us: int
    until_us: int
