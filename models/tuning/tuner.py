"""A station's tuning as one state: parts, results and answers in; suggestions, effects and refusals out. Pure.

At most one suggestion is open. What is accepted is measured from then on; what does not deliver is withdrawn, and the
model that proposed it is not asked again. State is a function of records: whoever reads the topics from their
beginning is where the one before was.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.plant.durations import seconds
from models.plant.tuning import Station
from models.records import (
    Arm,
    EffectVerdict,
    Part,
    QualityResult,
    Record,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    TrialRequest,
    TuningSwitch,
    Verdict,
)
from models.tuning import effect, wording
from models.tuning.arms import arms_of, at_setting
from models.tuning.costs import learned
from models.tuning.journal import Journal, Rows
from models.tuning.rails import (
    Change,
    Context,
    OnTrialTogether,
    PassedTogether,
    Proposal,
    Refused,
    judge_together,
)
from models.tuning.ranking import Answered, Way, answered
from models.tuning.search import RECENT, Ask, Found, Nothing, Space, Tried, search
from models.tuning.stated import limits_of

LOOK_SHARE = 0.1
"""A search after so many of the least evidence more: each is of hundreds of candidates. Our choice."""
AGAIN_US = 600 * 1_000_000
"""A search at the latest after so long by the plant's time, where one came to nothing: a rest may have ended."""
TELL_PARTS = 50
"""The effect is told anew after so many parts more, or where its verdict changes."""


class Served(NamedTuple):
    """The model in charge: its version, and how it is asked."""

    version: str
    ask: Ask


class Demoted(NamedTuple):
    """A model whose suggestion did not deliver, and why."""

    version: str
    why: str


class Beside(NamedTuple):
    """What a step needs of elsewhere: the model, parts of the machine beside, whether the kill switch is on."""

    model: Served | None = None
    pair: Rows | None = None
    is_stopped: bool = False


class Running(NamedTuple):
    """An accepted suggestion that is measured: full settings before and after, and what was told last."""

    suggestion: Suggestion
    before: tuple[float, ...]
    after: tuple[float, ...]
    told: SuggestionEffect | None = None


Out = Record | Demoted


class Tuner:
    """Of one station and product."""

    def __init__(self, plant: str, asset: str, product: str, station: Station) -> None:
        self.plant, self.asset, self.product = plant, asset, product
        self.journal = Journal(
            tuple(station.parameters), tuple(station.inputs), _figures(station), seconds(station.tolerance) * 1_000_000,
            seconds(station.late) * 1_000_000,
        )  # fmt: skip
        self.suggestions: dict[str, Suggestion] = {}
        self.answers: dict[str, list[SuggestionAnswer]] = {}
        self.running: Running | None = None
        self.demoted: dict[str, str] = {}
        """Versions that are not asked any more, and why."""
        self.nothing = ""
        """Why nothing was found in the last search."""
        self._conditions: Mapping[str, float] = {}
        self._read_answers = 0
        self._refused: tuple[object, ...] = ()
        self._trial_until_us = 0
        self._searched: tuple[object, ...] = ()
        self._searched_us = 0
        self.change_station(station)

    def change_station(self, station: Station) -> None:
        """Go over to edited limits. What parts measure stays as it was begun with."""
        self.station = station
        self._space = Space(
            self.journal.parameters, station.parameters, self.journal.inputs, station.recipes.get(self.product, {})
        )
        self._limits = limits_of(station, self.product)

    @property
    def open(self) -> Suggestion | None:
        """The suggestion that waits for an answer."""
        return next((one for one in self.suggestions.values() if one.state is SuggestionState.OPEN), None)

    @property
    def liked(self) -> dict[Way, Answered]:
        """What people answered, by parameter and direction."""
        return answered(self.suggestions, (one for some in self.answers.values() for one in some))

    def take(self, record: Record) -> None:
        """Fold a record of this station; says nothing. A repeat changes nothing."""
        match record:
            case Part():
                if self.journal.take_part(record):
                    self._conditions = record.measured
            case QualityResult():
                self.journal.take_result(record)
            case Suggestion():
                known = self.suggestions.get(record.id)
                if known is None or record.revision > known.revision:
                    self.suggestions[record.id] = record
                    self._moved(record)
            case SuggestionAnswer():
                said = self.answers.setdefault(record.suggestion, [])
                if record not in said:
                    said.append(record)
            case SuggestionEffect():
                if self.running is not None and self.running.suggestion.id == record.suggestion:
                    self.running = self.running._replace(told=record)
            case TrialRequest():
                self._trial_until_us = max(self._trial_until_us, record.made_us + self._valid_us)

    def step(self, now_us: int, beside: Beside) -> list[Out]:
        """What is to be said now; what is said is taken at once."""
        self.journal.settle(now_us)
        out: list[Out] = []
        for said in (self._ended, self._answered, self._measured, self._suggested):
            found = said(now_us, beside)
            for one in found:
                if isinstance(one, Demoted):
                    self.demoted[one.version] = one.why
                else:
                    self.take(one)
            out += found
        return out

    def setting_now(self) -> tuple[float, ...] | None:
        """At which the last part was made."""
        rows = self.journal.rows
        return rows.settings[int(rows.setting[-1])] if len(rows.setting) else None

    @property
    def _valid_us(self) -> int:
        return seconds(self.station.valid) * 1_000_000

    def _moved(self, record: Suggestion) -> None:
        """A suggestion is taken: from now on it is what is measured; one withdrawn is not, nor is its model asked."""
        if record.state is SuggestionState.ACCEPTED:
            before = self._setting_at(record.made_us)
            if before is not None:
                self.running = Running(record, before, self._with(before, record))
        elif record.state is SuggestionState.WITHDRAWN and record.failed:
            self.demoted[record.model] = record.ended
            if self.running is not None and self.running.suggestion.id == record.id:
                self.running = None

    def _setting_at(self, time_us: int) -> tuple[float, ...] | None:
        rows = self.journal.rows
        at = int(np.searchsorted(rows.time_us, time_us, side="right")) - 1
        return rows.settings[int(rows.setting[at])] if at >= 0 else None

    def _with(self, before: tuple[float, ...], of: Suggestion) -> tuple[float, ...]:
        moved = {one.parameter: one.proposed for one in of.settings}
        return tuple(moved.get(name, value) for name, value in zip(self._space.names, before, strict=True))

    def _ended(self, now_us: int, beside: Beside) -> list[Out]:
        """An open suggestion that is past its time, or was made before everything was stopped."""
        one = self.open
        if one is None:
            return []
        if beside.is_stopped:
            return [_revised(one, SuggestionState.WITHDRAWN, now_us, "suggestions are stopped")]
        if now_us >= one.valid_until_us and not self.answers.get(one.id):
            return [_revised(one, SuggestionState.EXPIRED, now_us, "nobody answered in time")]
        return []

    def _answered(self, now_us: int, _: Beside) -> list[Out]:
        """The first answer counts; where two must approve, the first of each; a wish for other values must pass, too."""
        one, approved = self.open, set()
        for answer in self.answers.get(one.id, ()) if one else ():
            if answer.time_us >= one.valid_until_us:
                continue
            if answer.answer is Verdict.REJECTED:
                return [_revised(one, SuggestionState.REJECTED, now_us, answer.why)]
            if answer.answer is Verdict.MODIFIED:
                found = self._modified(one, answer)
                if isinstance(found, Suggestion):
                    return [replace(found, moved_us=now_us)]
                if found.time_us not in self._wishes(one):
                    return [found]
                continue
            approved.add(answer.by)
            if len(approved) >= one.approvals:
                return [_revised(one, SuggestionState.ACCEPTED, now_us)]
        if one is not None and now_us >= one.valid_until_us:
            return [_revised(one, SuggestionState.EXPIRED, now_us, "fewer people approved in time than must")]
        return []
