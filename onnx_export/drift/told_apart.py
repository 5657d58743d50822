"""Why something moved: a sensor, a product, the weather or a machine, each with its reason; and if it may be learned.

Pure: findings and what is known of the plant in, causes out. A recalibrated sensor is told by its record, never by the
model; what looks like one without a record is asked about. A machine that degrades is never learned as normal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from models.records import OF_SENSORS, DriftCause, DriftKind, HealthyBaseline, Maintenance, Origin
from onnx_export.drift.findings import Finding, Shape, Verdict
from onnx_export.drift.rows import Role
from onnx_export.history import DAY_US

NEAR_US = 5 * DAY_US
"""What a record and a move, or two moves, may be apart and be of one thing: work is entered days later. Our choice."""
MIX_NEAR_US = 28 * DAY_US
"""The same of a mix of rows, which says less well since when: twice the recent time that is looked at. Our choice."""
MOST = 0.5
"""Share of machines over which something is of the plant, not of machines: they do not break together. Our choice."""
SAME_RELATION = 1.5
"""How many times farther residuals may lie about a gain and an offset than before, and the sensor alone explain it."""


REASONS: dict[DriftCause, str] = {
    DriftCause.SENSOR_RECALIBRATED: "{what} moved on {assets} when a sensor there was recalibrated or "
    "exchanged, by its record",
    DriftCause.SENSOR_SUSPECTED: "{what} stepped on {assets} at once, as a gain and an offset would have it, but no "
    "record tells of a recalibration: enter one, or have the sensor looked at",
    DriftCause.NEW_PRODUCT: "{what} moved on {assets}, and what is expected at that load still holds",
    DriftCause.AMBIENT: "{what} moved on {assets} together, and what is expected in that weather still holds",
    DriftCause.DEGRADATION: "{what} moved on {assets} alone, little by little: a machine that wears is not learned as "
    "normal",
    DriftCause.RELATION: "{what}: failures that are known came otherwise than was said, and no input says why",
    DriftCause.UNKNOWN: "{what} moved on {assets}, and nothing that is known of the plant explains it",
}
MAY_UPDATE: dict[DriftCause, bool] = {
    DriftCause.SENSOR_RECALIBRATED: True,
    DriftCause.SENSOR_SUSPECTED: False,
    DriftCause.NEW_PRODUCT: True,
    DriftCause.AMBIENT: True,
    DriftCause.DEGRADATION: False,
    DriftCause.RELATION: True,
    DriftCause.UNKNOWN: False,
}
"""Whether a model may be updated because of it; what is not understood is for people to look at."""


EXPLAIN_LABELS = frozenset(
    {DriftCause.SENSOR_RECALIBRATED, DriftCause.SENSOR_SUSPECTED, DriftCause.NEW_PRODUCT, DriftCause.AMBIENT}
)
"""Causes of the model's seeing other values than it learned, for which chances may be off."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What is known of an asset type: its assets, what was told of them, and the baselines that were made anew."""

    assets: tuple[str, ...]
    events: Sequence[Maintenance] = ()
    baselines: Sequence[HealthyBaseline] = ()

    def is_most(self, assets: Sequence[str]) -> bool:
        """Whether it is on too many machines to be of machines."""
        return len(assets) > max(1.0, MOST * len(self.assets))


@dataclass(frozen=True, kw_only=True)
class Told:
    """A cause, with its reason for people, the findings that it explains, and whether an update is allowed for it."""

    cause: DriftCause
    reason: str
    assets: tuple[str, ...]
    since_us: int
    because: tuple[Finding, ...]

    @property
    def may_update(self) -> bool:
        """By the cause alone: gates come after."""
        return MAY_UPDATE[self.cause]


Explains = Callable[[Sequence[Finding], Context], Sequence[Finding]]
"""Of findings that nothing explains yet, those that a cause explains."""


def told_apart(findings: Sequence[Finding], context: Context) -> tuple[Told, ...]:
    """Causes of all that moved, in the order of `RULES`; nothing where nothing did.

    What a model says moves for the reasons that its inputs do, so chances are of the first cause told. Failures that
    came otherwise than was said are of one in `EXPLAIN_LABELS`, or stand by themselves.
    """
    moved = [one for one in findings if one.verdict is Verdict.MOVED]
    inputs = [one for one in moved if one.kind is DriftKind.INPUT]
    claims: dict[DriftCause, list[Finding]] = {}
    for cause, explains in RULES:
        claimed = list(dict.fromkeys(explains(inputs, context)))
        inputs = [one for one in inputs if one not in claimed]
        if claimed:
            claims[cause] = claimed
    rest = [one for one in moved if one.kind is not DriftKind.INPUT]
    for one in sorted(rest, key=lambda one: one.kind is DriftKind.OUTPUT):  # what is said may follow from failures
        claims.setdefault(_of_the_model(one, claims), []).append(one)
    return tuple(_told(cause, found, context) for cause, found in claims.items())


def excluded(told: Sequence[Told]) -> dict[str, int]:
    """Assets whose rows are not learned as normal, and since when: they degrade."""
    out: dict[str, int] = {}
    for one in told:
        if one.cause is DriftCause.DEGRADATION:
            out |= {asset: min(one.since_us, out.get(asset, one.since_us)) for asset in one.assets}
    return out


def _of_the_model(finding: Finding, claims: Mapping[DriftCause, Sequence[Finding]]) -> DriftCause:
    """The cause of a finding on what a model says, beside those of what it sees."""
    if finding.kind is DriftKind.OUTPUT:
        return next(iter(claims), DriftCause.UNKNOWN)
    return next((cause for cause in claims if cause in EXPLAIN_LABELS), DriftCause.RELATION)


def _told(cause: DriftCause, found: Sequence[Finding], context: Context) -> Told:
    assets = tuple(sorted({asset for one in found if one.kind is DriftKind.INPUT for asset in one.assets}))
    every = not assets or len(assets) == len(context.assets)
    where = "all machines" if every else ", ".join(assets)
    what = ", ".join(dict.fromkeys(one.what for one in found))
    since_us = min(one.since_us for one in found)
    reason = REASONS[cause].format(what=what, assets=where)
    return Told(cause=cause, reason=reason, assets=assets, since_us=since_us, because=tuple(found))


def _recorded(findings: Sequence[Finding], context: Context) -> Sequence[Finding]:
    """Moves of a signal, or of what is expected from it, about the time of a record of its sensor.

    Never what moves little by little: no sensor was set anew by that, and a machine may wear beside a new sensor.
    """
    records = [(one.asset, one.mode, one.time_us) for one in context.events if one.action in OF_SENSORS]
    for one in context.baselines:
        if one.origin is Origin.RECALIBRATED:
            records += [(one.asset, signal, one.from_us) for signal in one.signals or ("",)]
    return [one for one in findings if one.shape is not Shape.RISE and _is_recorded(one, records)]


def _is_recorded(finding: Finding, records: Sequence[tuple[str, str, int]]) -> bool:
    """Whether most of the machines that it is on have one."""
    signals = {"", finding.signal, *finding.terms}
    late_us = NEAR_US if finding.is_of_machines else MIX_NEAR_US
    told = {
        asset for asset, signal, time_us in records if signal in signals and abs(time_us - finding.since_us) <= late_us
    }
    return _is_mostly(finding, told)


def _is_mostly(finding: Finding, assets: set[str]) -> bool:
    """Whether most machines that it is on are among these."""
    return 2 * len(assets & set(finding.assets)) > len(finding.assets)


def _exchanged(findings: Sequence[Finding], context: Context) -> Sequence[Finding]:
    """Steps of one signal's residual on machines of which nothing else stepped, or of a signal and what rests on it.

    Where most machines step in one hour it is not the machines, however many signals do.
    """
    steps = [one for one in findings if one.shape is Shape.STEP and one.role is Role.RESIDUAL]
    out: list[Finding] = []
    for one in steps:
        beside = [other for other in findings if other is not one and other.is_of_machines and _meet(one, other)]
        others = {other.signal for other in beside}
        alone = len(others - {one.signal}) == 0 or (len(others) == 1 and others <= set(one.terms))
        same = one.left is None or one.left <= SAME_RELATION
        if (alone and same) or context.is_most(one.assets):
            out += [one, *(other for other in beside if other.shape is Shape.STEP and other.signal in one.terms)]
    return [*out, *(one for one in findings if one not in out and _rests_on(one, out))]


def _rests_on(finding: Finding, steps: Sequence[Finding]) -> bool:
    """Whether a mix is of a signal that stepped, or of one that it is expected from, on machines where it did."""
    if finding.role is Role.AMBIENT or finding.is_of_machines:
        return False
    machines = {asset for one in steps if finding.signal in (one.signal, *one.terms) for asset in one.assets}
    return _is_mostly(finding, machines)


def _meet(one: Finding, other: Finding) -> bool:
    """Whether two findings are on the same machines at about the same time."""
    return bool(set(one.assets) & set(other.assets)) and abs(one.since_us - other.since_us) <= NEAR_US


def _degrading(findings: Sequence[Finding], context: Context) -> Sequence[Finding]:
    """Residuals of single machines that move little by little, and what moves with them."""
    residuals = [
        one for one in findings if one.role is Role.RESIDUAL and one.assets and not context.is_most(one.assets)
    ]  # fmt: skip
    slow = [one for one in residuals if one.shape is not Shape.STEP]
    machines = {asset for one in slow for asset in one.assets}
    return [*slow, *(one for one in residuals if one.shape is Shape.STEP and set(one.assets) <= machines)]


def _new_product(findings: Sequence[Finding], _context: Context) -> Sequence[Finding]:
    """Moves of the operating point, where no residual of these machines did."""
    moves = [one for one in findings if one.role is Role.OPERATING]
    residuals = [one for one in findings if one.role is Role.RESIDUAL]
    return [one for one in moves if not any(_unsettles(other, one) for other in residuals)]


def _unsettles(residual: Finding, move: Finding) -> bool:
    """Whether a residual moved where an operating point did: what is expected there does not hold."""
    return _meet(residual, move) if residual.is_of_machines else _is_mostly(move, set(residual.assets))


def _ambient(findings: Sequence[Finding], context: Context) -> Sequence[Finding]:
    """Moves of the weather on most machines together, where no residual of most machines moved."""
    moves = [one for one in findings if one.role is Role.AMBIENT]
    residuals = [one for one in findings if one.role is Role.RESIDUAL and context.is_most(one.assets)]
    return [one for one in moves if context.is_most(one.assets)] if not residuals else []


def _rest(findings: Sequence[Finding], _context: Context) -> Sequence[Finding]:
    return findings


RULES: tuple[tuple[DriftCause, Explains], ...] = (
    (DriftCause.SENSOR_RECALIBRATED, _recorded),
    (DriftCause.SENSOR_SUSPECTED, _exchanged),
    (DriftCause.DEGRADATION, _degrading),
    (DriftCause.NEW_PRODUCT, _new_product),
    (DriftCause.AMBIENT, _ambient),
    (DriftCause.UNKNOWN, _rest),
)
"""In turn: a record goes before what was only seen, and each takes what those before it left."""
