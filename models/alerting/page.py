"""A warning on one page, for whoever goes to the machine: facts in, sections of plain English out.

What is not known is said to be missing, and why; nothing stands in for it. No picture is drawn here, and no file or
server is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from models.alerting.advice import ASKS
from models.alerting.lately import Changed
from models.alerting.lifecycle import SELF, is_active, is_waiting
from models.alerting.track import Track, suspected
from models.alerting.trends import Trend
from models.alerting.wording import chance, clock, likely, remaining, rests_on
from models.failure.hazard import WARNING
from models.plant import ANY_MODE, Plant, seconds
from models.plant.care import Care, care_of
from models.records import WARNING_HORIZON_H, Alert, AlertState, Rung

HOUR_US = 3_600_000_000
ADVISORY = "A maintenance advisory (NAMUR NE 107 'maintenance required'), kept off the operators' alarm list."
EVIDENCE_TOLD = 5
"""Lines of evidence that a page has room for."""
TRENDS = "Trends"
"""The section that a picture belongs to."""


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of a warning and its machine at `now_us`.

    A sentence in the place of facts says why there are none. `trends` have points up to `trends_to_us`. `like_it` is
    what was found of closed warnings of the same type and mode.
    """

    case: Alert
    plant: Plant
    now_us: int
    trends: tuple[Trend, ...] | str
    trends_to_us: int
    changed: tuple[Changed, ...] | str
    like_it: Track

    @property
    def care(self) -> Care:
        """What the plant file says of what is suspected."""
        known = self.plant.assets.get(self.case.asset)
        return care_of(self.plant.types[known.type].care, suspected(self.case)) if known else Care()


class Table(NamedTuple):
    """What it holds, its head, its rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Part(NamedTuple):
    """A section of the page."""

    title: str
    lines: tuple[str, ...]
    table: Table | None = None


def title(facts: Facts) -> str:
    """Which machine, and what is asked, in one line."""
    return f"{facts.case.asset}: {_asked(facts.case)}{_before(facts.case)}"


def parts(facts: Facts) -> tuple[Part, ...]:
    """All of it, in the order of reading."""
    return (
        Part("What it asks", tuple(_asks(facts))),
        Part("Machine", tuple(_machine(facts))),
        Part("What is suspected", tuple(_suspected(facts))),
        _trends(facts),
        Part("What to do there", tuple(_to_do(facts))),
        Part("When", tuple(_when(facts))),
        Part("What changed lately", tuple(_changed(facts))),
        Part("Track record", (_track(facts),)),
    )


def _asked(case: Alert) -> str:
    if case.outcome:
        return f"closed, {case.outcome.reason}"
    if case.state is AlertState.CLOSED:
        return "withdrawn"
    return "say what became of it" if is_waiting(case) else ASKS[case.advice]


def _before(case: Alert) -> str:
    if not is_active(case) or case.act_before_us is None:
        return ""
    return f", before {clock(case.act_before_us)} UTC"


def _asks(facts: Facts) -> Iterator[str]:
    case = facts.case
    asked = _asked(case)
    yield f"{asked[:1].upper()}{asked[1:]}{_before(case)}{_left(facts)}."
    yield ADVISORY
    told = [
        f"Case {case.id[:8]}",
        f"level {case.level}",
        f"severity {case.severity} of 1000",
        f"{case.confidence} confidence",
    ]
    told += [f"opened {clock(case.opened_us)} UTC", str(case.state)]
    told += [f"came back {case.recurred} times"] if case.recurred else []
    told += [f"assigned to {case.assigned}"] if case.assigned else ["assigned to nobody"]
    told += [f"order {case.order}"] if case.order else []
    yield ", ".join(told) + "."
    for hold in case.held:
        until = f" until {clock(hold.until_us)} UTC" if hold.until_us else ""
        yield f"Held back, {hold.kind}{until}, by {hold.by}: {hold.why}."
    if case.outcome:
        who = "Forewarn" if case.outcome.by == SELF else case.outcome.by
        yield f"Closed by {who} {clock(case.outcome.time_us)} UTC: {case.outcome.found or case.outcome.reason}."


def _left(facts: Facts) -> str:
    """How long there is left, where a time to act before is told."""
    case = facts.case
    if not is_active(case):
        return ""
    if case.act_before_us is None:
        return "; no time to act before is told, since nothing says how long is left"
    hours = (case.act_before_us - facts.now_us) // HOUR_US
    return f", in {_span(hours)}" if hours >= 0 else f", which is {_span(-hours)} ago"


def _span(hours: int) -> str:
    return f"{hours} h" if hours < 72 else f"{hours // 24} days"


def _machine(facts: Facts) -> Iterator[str]:
    plant, name = facts.plant, facts.case.asset
    known = plant.assets.get(name)
    if known is None:
        yield f"{name} is in the plant file no more, so nothing of it can be told."
        return
    place = f"assets.{name}"
    yield _or("Functional location", known.functional_location, f"{place}.functional_location")
    yield (
        f"{name}, {known.description}."
        if known.description
        else f"{name}; no plain name: {_lacks(f'{place}.description')}."
    )
    where = (("site", plant.site_of(name)), ("area", known.area), ("line", known.line))
    yield ", ".join((f"Type {known.type}", *(f"{level} {at}" for level, at in where if at))) + "."
    yield _or("Criticality", known.criticality or "", f"{place}.criticality")
    yield _or("Owner", known.owner, f"{place}.owner")


def _or(name: str, said: str, key: str) -> str:
    return f"{name}: {said or _lacks(key)}."


def _lacks(key: str) -> str:
    return f"not in the plant file ({key})"


def _suspected(facts: Facts) -> Iterator[str]:
    case, mode = facts.case, suspected(facts.case)
    yield _component(facts, mode)
    yield f"Failure mode: {mode}." if mode != ANY_MODE else "Failure mode: none; what speaks tells none apart."
    if case.modes:
        yield f"Likely modes: {likely(case.modes)}."
    yield _how_likely(case)
    if left := remaining(case):
        yield f"Left: {left}."
    said = rests_on(case)
    yield from (f"{line}." for line in said[:EVIDENCE_TOLD])
    if len(said) > EVIDENCE_TOLD:
        yield f"And {len(said) - EVIDENCE_TOLD} more: `forewarn alerts watch --all` has them."


def _component(facts: Facts, mode: str) -> str:
    known = facts.plant.assets.get(facts.case.asset)
    parts_known = facts.plant.types[known.type].components if known else {}
    found = next((name for name, words in parts_known.items() if mode in (name, *words)), None)
    if found is None or known is None:
        return f"Component: none is known of mode {mode}" + (f" (types.{known.type}.components)." if known else ".")
    own = known.components.get(found)
    return f"Component: {found}" + (f", {own.description}." if own and own.description else ".")


def _how_likely(case: Alert) -> str:
    """A chance only where a hazard speaks, with what it was learned from unless it may stand alone; else a health."""
    then = "" if is_active(case) else ", when last told"
    if case.rung is Rung.HAZARD and case.chances:
        told = chance(case.chances[WARNING], WARNING_HORIZON_H, case.basis, case.confidence)
        return f"Chance of failure: {told}{then}."
    health = next((one for one in case.evidence if one.rung is Rung.HEALTH and one.value is not None), None)
    if health is not None:
        return f"Health: {health.value:.0f} of 100, 50 is its limit{then}. No chance is told: no hazard speaks."
    return f"Neither a chance nor a health is told: this rests on {case.rung} alone."


def _trends(facts: Facts) -> Part:
    if isinstance(facts.trends, str):
        return Part(TRENDS, (facts.trends,))
    lines = [f"Hourly means of 14 days up to {clock(facts.trends_to_us)} UTC, of all rows, standing included."]
    lines += [f"No row of {one.signal} in this time." for one in facts.trends if not one.points]
    head = ("signal", "first day", "last day", "usual", "limit")
    return Part(
        TRENDS,
        tuple(lines),
        Table("Trends against what is usual and the limit", head, tuple(map(_trend, facts.trends))),
    )


def _trend(one: Trend) -> tuple[str, ...]:
    name = f"{one.signal}, {one.unit}" if one.unit else one.signal
    first, last = ("-" if value is None else f"{value:.4g}" for value in (one.first, one.last))
    usual = "no baseline is known" if one.usual is None else f"{one.usual.level:.4g}, {one.usual.says}"
    limit = "no level of its own" if one.limit is None else f"{one.limit.level:.4g}, {one.limit.says}"
    return name, first, last, usual, limit


def _changed(facts: Facts) -> Iterator[str]:
    if isinstance(facts.changed, str):
        yield facts.changed
    elif facts.changed:
        yield from (f"{clock(one.time_us)} UTC: {one.what}." for one in facts.changed)
    else:
        yield "Nothing is known: no work in 30 days, no state or setpoint set anew in 7."


def _to_do(facts: Facts) -> Iterator[str]:
    care, place = facts.care, _care_place(facts)
    yield _or("First check", care.first_check, f"{place}.first_check")
    yield _or("Tools", ", ".join(care.tools), f"{place}.tools")
    yield _or("If nobody acts", care.consequence, f"{place}.consequence")
    yield _or("May it run on", care.safe_to_run, f"{place}.safe_to_run")


def _care_place(facts: Facts) -> str:
    known = facts.plant.assets.get(facts.case.asset)
    return f"types.{known.type if known else '*'}.care.{suspected(facts.case)}"


def _when(facts: Facts) -> Iterator[str]:
    stop, case = facts.plant.next_stop(facts.now_us), facts.case
    before = case.act_before_us if is_active(case) else None
    if stop is None:
        yield f"Next planned stop: none is {'ahead in' if facts.plant.stops else 'in'} the plant file (stops)."
    else:
        late = before is not None and stop > facts.plant.day_of(before)
        yield f"Next planned stop: {stop}{', AFTER the time to act before' if late else ''}."
    care = facts.care
    if not care.spare:
        yield _or("Spare", "", f"{_care_place(facts)}.spare")
        return
    lead = _lacks(f"{_care_place(facts)}.spare_lead") if care.spare_lead is None else f"{care.spare_lead} to come"
    short = care.spare_lead and before is not None and facts.now_us + seconds(care.spare_lead) * 1_000_000 > before
    yield f"Spare: {care.spare}, {lead}{', LONGER than is left: see that it is in stock' if short else ''}."


def _track(facts: Facts) -> str:
    known = facts.plant.assets.get(facts.case.asset)
    of = f"type {known.type if known else 'unknown'}, mode {suspected(facts.case)}"
    share = facts.like_it.precision
    if share is None:
        return (
            f"No closed warning like this ({of}) was inspected yet, so nothing can be said of how often they are right."
        )
    return (
        f"Of {facts.like_it.inspected} like this ({of}) that were inspected, {facts.like_it.found} found something: "
        f"{share.share:.0%} (95 % interval {share.low:.0%} to {share.high:.0%})."
    )
