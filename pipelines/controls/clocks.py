"""Clocks of sources that jumped by whole hours: the question that is put to people, and what a decision changes.

Whether a clock jumped is judged in models.clocks; the frames that wait for the answer are told apart in decode.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.clocks import HOUR_US, MINUTE_US, MOST_SOURCES, NEVER, Decided, answered, moved
from models.records import ClockDecision, Notice, NoticeKind, notice
from pipelines.state import State

REASON = "DST or time zone?"

TOO_MANY = (
    f"its clock made room for another, as {MOST_SOURCES} sources of an asset are followed: frames in quarantine still "
    "wait for a decision"
)

QUIET_US = 10 * MINUTE_US
"""No clock of a source is judged for so long after a decision: what waited for it comes once more meanwhile."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A frame of a clock that moved by so many hours: its record goes as it is to the topic of those that wait."""

    plant: str
    asset: str
    source: str
    hours: int

    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]:
        """What is told beside the record, so that nobody has to read it to know whose it is."""
        return ("asset", self.asset.encode()), ("source", self.source.encode()), ("hours", b"%d" % self.hours)


def opening(plant: str, asset: str, source: str, hours: int, shift_us: int, since_us: int) -> Notice:
    """The question, put when the first frame comes whose times moved by `hours`; shift as decided before, if it was."""
    way = "back" if hours < 0 else "ahead"
    whole = f"{abs(hours)} {'hour' if abs(hours) == 1 else 'hours'}"
    right_h = shift_us / HOUR_US - hours
    return notice(
        NoticeKind.CLOCK_JUMP,
        plant,
        asset,
        _what(source, hours),
        since_us,
        is_open=True,
        reason=REASON,
        time_us=since_us,
        source=source,
        detail=f"times went {way} by {whole}: its frames wait in quarantine until the clock is right or it is decided "
        f"with `forewarn clock decide`; --shift={right_h:+g}h puts the times where they were",
    )


def closing(plant: str, asset: str, source: str, hours: int, since_us: int, time_us: int, why: str = "") -> Notice:
    """The end of a question: `why` it ended, or the clock is as it was."""
    return notice(
        NoticeKind.CLOCK_JUMP,
        plant,
        asset,
        _what(source, hours),
        since_us,
        is_open=False,
        reason=REASON,
        time_us=time_us,
        source=source,
        detail=why or "times are as they were before: frames in quarantine still wait for a decision",
    )


def _what(source: str, hours: int) -> str:
    return f"{source}\x1f{hours}"


def decide(state: State, decision: ClockDecision, arrived_ms: int) -> list[Notice]:
    """Do what was decided of a source's clocks; the questions that it answers, by asset and hours.

    Names that are not of the plant are passed over: what is noted of an asset stays for good.
    """
    assets = tuple(asset for asset in decision.assets if asset in state.plant.assets)
    if decision.assets and not assets:
        return []
    present_us = max(state.tick_us, arrived_ms * 1000 or NEVER)
    quiet_until_us = NEVER if present_us == NEVER else present_us + QUIET_US
    if decision.shift_us is not None:
        state.clocks.decide(decision.source, assets, Decided(decision.shift_us, quiet_until_us))
    why = (
        "decided: left alone" if decision.shift_us is None else f"decided: moved by {decision.shift_us / HOUR_US:+g} h"
    )
    out = []
    for asset, clock in state.clocks.of_source(decision.source):
        if assets and asset not in assets:
            continue
        if decision.shift_us is not None:
            moved(clock, decision.shift_us, quiet_until_us)
        ended = answered(clock, goes_on=decision.shift_us is None)
        out += [
            closing(decision.plant, asset, decision.source, hours, since_us, max(since_us, present_us), why)
            for hours, since_us in ended
        ]
    return out
