"""A station's tuning as one state: parts, results and answers in; suggestions, effects and refusals out. Pure.

At most one suggestion is open. What is accepted is measured from then on; what does not deliver is withdrawn, and the
model that proposed it is not asked again. State is a function of records: whoever reads the topics from their
beginning is where the one before was. Long, since it is one state, of which each part of a step reads most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.plant.durations import seconds
from models.plant.tuning import Station
from models.records import (
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
)
from models.tuning import proposing
from models.tuning.answering import alike, revised
from models.tuning.answering import answered as heard
from models.tuning.arms import at_setting, count, kinds_told, seen_of
from models.tuning.joining import Joiner
from models.tuning.journal import Journal, Rows
from models.tuning.lately import changes_of, costs_of, reach_of
from models.tuning.measuring import Running, failed, measured
from models.tuning.rails import Change, Context, OnTrialTogether, PassedTogether, Refused
from models.tuning.ranking import Answered, Way, answered
from models.tuning.search import RECENT, ROOM, Ask, Found, Nothing, Space, Tried, search
from models.tuning.stated import limits_of

AGAIN_US = 3600 * 1_000_000
"""A search at the latest after so long by the plant's time, where one came to nothing: conditions go on. Our choice."""
TELL_SHARE = 0.25
"""The effect is told anew after so many of the least evidence more, and where its verdict changes."""


class Served(NamedTuple):
    """The model in charge: its version, how it is asked, and names of its inputs, where it has any."""

    version: str
    ask: Ask
    inputs: tuple[str, ...] = ()


class Demoted(NamedTuple):
    """A model whose suggestion did not deliver, and why."""

    version: str
    why: str


class Beside(NamedTuple):
    """What a step needs of elsewhere: the model, parts of the machine beside, whether the kill switch is on."""

    model: Served | None = None
    pair: Rows | None = None
    is_stopped: bool = False
    is_busy: bool = False
    """Whether a suggestion is open at the station for another product."""


Out = Record | Demoted


class Tuner:
    """Of one station and product."""

    def __init__(self, plant: str, asset: str, product: str, station: Station, joiner: Joiner | None = None) -> None:
        self.plant, self.asset, self.product = plant, asset, product
        self.figures = tuple(station.takes)
        self.journal = Journal(tuple(station.parameters), tuple(station.inputs), self.figures)
        self.joiner = joiner or joiner_of(station)
        self.suggestions: dict[str, Suggestion] = {}
        self.answers: dict[str, list[SuggestionAnswer]] = {}
        self.running: Running | None = None
        self.demoted: dict[str, str] = {}
        """Versions that are not asked any more, and why."""
        self.nothing = ""
        """Why the last search came to nothing; empty where it did not."""
        self._failed: Suggestion | None = None
        self._conditions: Mapping[str, float] = {}
        self._conditions_us = -1
        self._not_so: set[tuple[str, int]] = set()
        self._refused: tuple[object, ...] = ()
        self._trial_until_us = 0
        self._searched: tuple[object, ...] = ()
        self._searched_us = 0
        self.change_station(station)

    def change_station(self, station: Station) -> None:
        """Go over to edited limits; parameters and inputs stay as they were begun with."""
        self.station = station
        self._space = Space(
            self.journal.parameters,
            station.parameters,
            self.journal.inputs,
            station.recipes.get(self.product, {}),
            station.target,
            station.explores,
        )
        self._limits = limits_of(station, self.product)
        self._valid_us = seconds(station.valid) * 1_000_000
        self._searched = ()

    @property
    def open(self) -> Suggestion | None:
        """The suggestion that waits for an answer."""
        return next((one for one in self.suggestions.values() if one.state is SuggestionState.OPEN), None)

    @property
    def liked(self) -> dict[Way, Answered]:
        """What people answered, by parameter and direction."""
        return answered(self.suggestions.values())

    def take(self, record: Record) -> None:
        """Fold a record of this station; says nothing. A repeat changes nothing."""
        match record:
            case Part():
                if self.joiner.take_part(record, self.journal) and record.time_us >= self._conditions_us:
                    self._conditions, self._conditions_us = record.measured, record.time_us
            case QualityResult():
                self.joiner.take_result(record)
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
            case SuggestionRefused():
                if record.suggestion:
                    self._not_so.add((record.by, record.time_us))
                else:
                    self._refused = record.rail, frozenset(one.parameter for one in record.settings)
            case TrialRequest():
                self._refused = ()
                self._trial_until_us = max(self._trial_until_us, record.made_us + self._valid_us)

    def step(self, now_us: int, beside: Beside) -> list[Out]:
        """What is to be said now; what is said is taken at once."""
        return list(self.saying(now_us, beside))

    def saying(self, now_us: int, beside: Beside) -> Iterator[Out]:
        """The same one by one: what was said before a fault is not lost with it."""
        self.joiner.settle(now_us)
        self._know_running()
        for said in (self._answers_to, self._ended, self._measured, self._suggested):
            for one in said(now_us, beside):
                if isinstance(one, Demoted):
                    self.demoted[one.version] = one.why
                else:
                    self.take(one)
                    self._know_running()
                yield one

    def setting_now(self) -> tuple[float, ...] | None:
        """At which the last part was made; None before any was."""
        rows = self.journal.rows
        return rows.settings[int(rows.setting[-1])] if len(rows.setting) else None

    def _moved(self, record: Suggestion) -> None:
        """What is accepted is measured from now on; what failed is not, nor is its model asked again."""
        if record.state is SuggestionState.ACCEPTED:
            self.running = Running(record, (), ())
        elif record.state is SuggestionState.OPEN:
            self._refused = ()
        elif record.failed:
            self.demoted[record.model] = record.ended
            self._failed = record
            if self.running is not None and self.running.suggestion.id == record.id:
                self.running = None

    def _know_running(self) -> None:
        """Full settings of what runs, by parts."""
        of = self.running
        if of is None or of.before:
            return
        before = self._setting_at(of.suggestion.made_us)
        if before is not None:
            moved = _proposed(of.suggestion)
            names = self.journal.parameters
            after = tuple(moved.get(name, value) for name, value in zip(names, before, strict=True))
            self.running = of._replace(before=before, after=after)

    def _setting_at(self, time_us: int) -> tuple[float, ...] | None:
        rows = self.journal.rows
        at = int(np.searchsorted(rows.time_us, time_us, side="right")) - 1
        return rows.settings[int(rows.setting[at])] if at >= 0 else None

    def _answers_to(self, now_us: int, beside: Beside) -> list[Out]:
        one = self.open
        if one is None or one.id not in self.answers or beside.is_stopped or self._outside(one, now_us):
            return []

        def judge(wished: Mapping[str, float]) -> PassedTogether | OnTrialTogether | Refused:
            of = self._of(now_us, beside.is_stopped, one.model)
            return proposing.judged(of._replace(valid_us=max(1, one.valid_until_us - now_us)), wished)

        found = heard(one, self.answers[one.id], judge, frozenset(self._not_so), now_us)
        taken = any(isinstance(each, Suggestion) and each.state is SuggestionState.ACCEPTED for each in found)
        return [*(self._last_effect(now_us, beside.pair) if taken else ()), *found]

    def _last_effect(self, now_us: int, pair: Rows | None) -> list[Out]:
        """What came of the change before, which is measured no more once another is taken."""
        of = self.running
        if of is None or of.told is None or not of.goes_on:
            return []
        return [self._effect(of, now_us, pair, is_final=True)]

    def _ended(self, now_us: int, beside: Beside) -> list[Out]:
        """An open suggestion that nobody took in time, or that was made before everything was stopped."""
        one = self.open
        if one is None:
            return []
        if beside.is_stopped:
            return [revised(one, SuggestionState.WITHDRAWN, now_us, "suggestions are stopped")]
        if now_us >= one.valid_until_us:
            return [revised(one, SuggestionState.EXPIRED, now_us, "not taken in time")]
        now = self._now()
        if any(abs(now.get(each.parameter, each.now) - each.now) > 1e-6 for each in one.settings):
            return [revised(one, SuggestionState.WITHDRAWN, now_us, "the settings are others by now")]
        why = self._outside(one, now_us)
        return [revised(one, SuggestionState.WITHDRAWN, now_us, why)] if why else []

    def _outside(self, one: Suggestion, now_us: int) -> str:
        return proposing.outside(self._of(now_us, False, one.model), one)

    def _measured(self, now_us: int, beside: Beside) -> list[Out]:
        """What came of the accepted change, where there is news; one that does not deliver is withdrawn."""
        of = self.running
        if of is None or not of.goes_on:
            return []
        said = self._effect(of, now_us, beside.pair)
        if not of.is_news(said, TELL_SHARE * self.station.evidence):
            return []
        if said.verdict is EffectVerdict.DELIVERS:
            return [replace(said, is_final=True)]
        if said.verdict is EffectVerdict.NOT_YET:
            return [said]
        gone = failed(of, said, now_us)
        return [said, gone, Demoted(gone.model, gone.ended)]

    def _effect(self, of: Running, now_us: int, pair: Rows | None, *, is_final: bool = False) -> SuggestionEffect:
        units = {name: self.station.takes.get(name, "1") for name in self.figures}
        return measured(of, self.journal.rows, pair, units, now_us, is_final=is_final)

    def _suggested(self, now_us: int, beside: Beside) -> list[Out]:
        """A new suggestion, a request for a trial, or the rail that refused; nothing without news to search by."""
        model = beside.model
        if model is None or beside.is_stopped or beside.is_busy or self.open or model.version in self.demoted:
            return []
        if self._is_awaited(now_us) or self._is_to_go_back(now_us) or not self._is_time(model.version, now_us):
            return []
        found = self._found(model, now_us)
        self.nothing = found.why if isinstance(found, Nothing) else ""
        return [] if isinstance(found, Nothing) else self._past_rails(found, model, now_us)

    def _is_awaited(self, now_us: int) -> bool:
        """Whether people took a change that no part shows yet, and may still set it: all is as it was before."""
        of = self.running
        if of is None or not of.before or now_us >= of.suggestion.moved_us + self._valid_us:
            return False
        return alike(self._now(), dict(zip(self.journal.parameters, of.before, strict=True)))

    def _is_to_go_back(self, now_us: int) -> bool:
        """Whether what failed is still set: people are to go back first, and what is suggested there would cross it."""
        of = self._failed
        if of is None or now_us >= of.moved_us + self._valid_us:
            return False
        now = self._now()
        return alike({one.parameter: now.get(one.parameter, one.now) for one in of.settings}, _proposed(of))

    def _misfit(self, model: Served) -> str:
        """Why a model cannot be asked, or no parameter moved, since a plant file says something else by now."""
        gone = [name for name in self.journal.parameters if name not in self.station.parameters]
        moved = [self._space.moves(name) for name in self.journal.parameters if name not in gone]
        new = {one.input for one in moved} | {one.per for one in moved if one.per}
        if gone or not new <= set(self.journal.inputs):
            what = ", ".join(gone or sorted(new - set(self.journal.inputs)))
            return f"the plant file says something else of {what} than at the start: start the role anew"
        if model.inputs and model.inputs != self.journal.inputs:
            return f"{model.version} takes {', '.join(model.inputs)}, the station has {', '.join(self.journal.inputs)}"
        return ""

    def _is_time(self, version: str, now_us: int) -> bool:
        """Whether there is enough to go by, and since the last search a new model, other settings, or some time."""
        setting = self.setting_now()
        if setting is None or self._evidence(setting) < self.station.evidence:
            return False
        if (version, setting) == self._searched and now_us < self._searched_us + AGAIN_US:
            return False
        self._searched, self._searched_us = (version, setting), now_us
        return True

    def _found(self, model: Served, now_us: int, only: Mapping[str, float] | None = None) -> Found | Nothing:
        """The best move; with `only`, that one where it is worth it."""
        rows, liked = self.journal.rows, self.liked
        if misfit := self._misfit(model):
            return Nothing(misfit, None)
        whole = rows.where(np.isfinite(rows.measured).all(axis=1) & self._here(rows))
        if len(whole.time_us) < RECENT:
            return Nothing(f"fewer than {RECENT} parts at this setting have all inputs measured", None)
        last = whole.measured[-max(RECENT, self.station.evidence) :]
        parts = last[np.linspace(0, len(last) - 1, RECENT).round().astype(int)]
        most = tuple((cost, most) for _, cost, most in costs_of(self.journal.rows, self.figures))
        no_trial = now_us < self._trial_until_us
        reach = reach_of(self._changes(now_us), self._limits, now_us, no_trial=no_trial)
        tried = Tried(rows.settings[int(rows.setting[-1])], parts, most, reach, not self._was_near(), seen_of(rows))
        return search(self._space, tried, model.ask, lambda name, by: liked.get((name, by > 0), Answered()).liked, only)

    def _was_near(self) -> bool:
        """Whether a change was taken that was to bring the rate near to what is good enough."""
        taken = (one for one in self.suggestions.values() if one.state is SuggestionState.ACCEPTED)
        return any(one.expected[0].after <= ROOM * self.station.target for one in taken)

    def _past_rails(self, found: Found, model: Served, now_us: int) -> list[Out]:
        of = self._of(now_us, False, model.version)
        passed = proposing.judged(of, found.settings)
        if isinstance(passed, Refused):
            same = str(passed.rail), frozenset(found.settings)
            return [] if same == self._refused else [proposing.refused(of, found.settings, passed)]
        if not alike(passed.values, found.settings):  # what rails left of it is another move, with an effect of its own
            left = self._found(model, now_us, passed.values)
            if isinstance(left, Nothing):
                self.nothing = f"of {', '.join(found.settings)} rails leave too little: {left.why}"
                return []
            found = left
        said, seen = self._said(found), self._seen()
        if not isinstance(passed, PassedTogether):
            return [proposing.trial(of, passed, said, seen, self.liked)]
        return [proposing.suggestion(of, passed, said, seen, self.liked)]

    def _said(self, found: Found) -> proposing.Said:
        costs = tuple(
            (name, cost, found.takes[at])
            for at, (name, cost, _) in enumerate(costs_of(self.journal.rows, self.figures))
        )
        return proposing.Said(found.before, found.after, found.sure, found.aim, costs)

    def _here(self, rows: Rows) -> np.ndarray:
        """Parts made at the setting of now, bool [n]."""
        return at_setting(rows, rows.settings[int(rows.setting[-1])])

    def _seen(self) -> tuple[int, int, str]:
        rows = self.journal.rows
        here = self._here(rows)
        of = count(rows, here)
        return of.parts, of.defects, kinds_told(rows, here)

    def _changes(self, now_us: int) -> tuple[Change, ...]:
        return changes_of(self.journal.rows, self._space.names, self._limits, now_us)

    def _evidence(self, setting: tuple[float, ...]) -> int:
        rows = self.journal.rows
        return count(rows, at_setting(rows, setting)).parts

    def _now(self) -> dict[str, float]:
        setting = self.setting_now()
        return {} if setting is None else dict(zip(self._space.names, setting, strict=True))

    def _of(self, now_us: int, is_stopped: bool, version: str) -> proposing.Of:
        now = self._now()
        context = Context(
            is_stopped=is_stopped, settings=now, changes=self._changes(now_us), open=frozenset(), one_per_asset=True,
            conditions=self._conditions,
        )  # fmt: skip
        setting = self.setting_now()
        evidence = self._evidence(setting) if setting is not None else 0
        return proposing.Of(
            self.plant, self.asset, self.product, self.station, now, now_us, self._valid_us, self._limits, context,
            evidence, version,
        )  # fmt: skip


def _proposed(of: Suggestion) -> dict[str, float]:
    return {one.parameter: one.proposed for one in of.settings}


def joiner_of(station: Station) -> Joiner:
    """What joins results and parts of a station, within its times."""
    return Joiner(seconds(station.tolerance) * 1_000_000, seconds(station.late) * 1_000_000)
