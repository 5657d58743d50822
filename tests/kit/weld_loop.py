"""A simulated weld cell in a closed loop: parts are made, inspected, learned from; suggestions are taken, and measured.

The loop sees part results alone. Whoever takes suggestions takes all of them, and sets back what is withdrawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from models.figures.model import FigureModel
from models.physics import weld
from models.physics.weld_parts import Place
from models.physics.weld_parts import records_of as as_records
from models.plant.tuning import Moves, Parameter, Station
from models.records import (
    Part,
    QualityResult,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    Verdict,
)
from models.tuning import effect
from models.tuning.arms import at_setting, count
from models.tuning.tuner import Beside, Served, Tuner
from onnx_export import defect_station
from pipelines.tune.served import asked

PLANT, ASSET, PRODUCT = "plant", "weld-01", "bracket"
# Resistance is no input: an expulsion lowers it, so that it tells of the defect what follows from it.
INPUTS = {"current_ka": "kA", "force_kn": "kN", "weld_ms": "ms", "since_dress": "1"}
BLOCK = 100
"""Parts between two looks."""
LEARN_EVERY = 500
LATE = 200
"""Parts that are made before a part's result comes."""
BEGIN_US = 1_772_000_000_000_000


def station(evidence: int = 1000) -> Station:
    """The cell as a plant file has it: what may be set, by how much at once, within which window."""
    steps = {"current_ka": 0.3, "force_kn": 0.3, "weld_ms": 20.0, "boost_ka": 0.1}
    moves = {"boost_ka": Moves(input="current_ka", factor=0.01, per="since_dress")}
    parameters = {
        one.name: Parameter(
            unit=one.unit, low=one.low, high=one.high, step=steps[one.name], least_step=steps[one.name] / 4,
            rate=2 * steps[one.name], rate_h=1.0, moves=moves.get(one.name), qualified=(one.low, one.high),
        )
        for one in weld.PARAMETERS
    }  # fmt: skip
    return Station(
        parameters=parameters, inputs=INPUTS, models={PRODUCT: "weld-defects"}, evidence=evidence,
        takes={"energy_kj": "kJ", "cycle_s": "s"}, target=0.0005, explores=True,
        qualification="peel test of ten parts at the new setting",
    )  # fmt: skip


class Seen(NamedTuple):
    """The loop at a number of parts: true rate, settings, true energy and cycle; what was said there."""

    parts: int
    true: float
    settings: weld.Settings
    said: tuple[object, ...]


class Ended(NamedTuple):
    """A whole run: at the end its true rate, the loop's own estimate with 95 % bounds, and all that was said."""

    seed: int
    seen: tuple[Seen, ...]
    true: float
    estimate: float
    low: float
    high: float
    settings: weld.Settings
    effects: tuple[SuggestionEffect, ...]
    refused: tuple[SuggestionRefused, ...]
    withdrawn: tuple[Suggestion, ...]
    moves: int
    slowest_s: float

    @property
    def reached(self) -> int | None:
        """Parts after which the true rate was at most 0.15 % and stayed there; None where it did not."""
        over = [one.parts for one in self.seen if one.true > 0.0015]
        if not over:
            return 0
        return next((one.parts for one in self.seen if one.parts > over[-1]), None)


def records_of(
    made: weld.Welds, settings: weld.Settings, step_us: int, plant: str = PLANT
) -> Iterator[tuple[Part, QualityResult]]:
    """Each weld as the two records of its part; the result comes LATE parts later."""
    return as_records(made, settings, Place(plant, ASSET, PRODUCT, BEGIN_US, step_us, LATE))


def run(
    seed: int, scenario: weld.Scenario, parts: int = 20_000, step_us: int = 3_000_000,
    told: Callable[[str], None] = lambda _: None, evidence: int = 1000,
) -> Ended:  # fmt: skip
    """Have the loop go on for so many parts."""
    cell, settings = weld.Cell(seed, scenario), weld.START
    tuner = Tuner(PLANT, ASSET, PRODUCT, station(evidence))
    waiting: list[QualityResult] = []
    model: Served | None = None
    seen: list[Seen] = []
    learned_at, moves, slowest_s = 0, 0, 0.0
    effects, refused, withdrawn = [], [], []
    for made in range(0, parts, BLOCK):
        now_us = BEGIN_US + (made + BLOCK) * step_us
        for part, result in records_of(cell.make(settings, BLOCK), settings, step_us):
            tuner.take(part)
            waiting.append(result)
        ripe = [one for one in waiting if one.found_us <= now_us]
        waiting = waiting[len(ripe) :]
        for result in ripe:
            tuner.take(result)
        if tuner.journal.known >= learned_at + LEARN_EVERY:
            learned_at = tuner.journal.known
            model = _learned(tuner) or model
        begun_s = time.perf_counter()
        said = tuner.step(now_us, Beside(model=model))
        slowest_s = max(slowest_s, time.perf_counter() - begun_s)
        for one in list(said):
            if isinstance(one, Suggestion) and one.state is SuggestionState.OPEN:
                tuner.take(_yes(one, now_us))
                said += tuner.step(now_us, Beside(model=model))
        for one in said:
            if isinstance(one, Suggestion) and one.state is SuggestionState.ACCEPTED:
                moves += 1
                told(f"{made + BLOCK}: {one.why}")
                settings = settings._replace(**{each.parameter: each.proposed for each in one.settings})
            if isinstance(one, Suggestion) and one.failed:
                told(f"{made + BLOCK}: WITHDRAWN {one.ended}")
                withdrawn.append(one)
                settings = settings._replace(**{each.parameter: each.now for each in one.settings})
            effects += [one] if isinstance(one, SuggestionEffect) else []
            refused += [one] if isinstance(one, SuggestionRefused) else []
        at = made + BLOCK
        if not seen or seen[-1].settings != settings or at % 1000 == 0:
            seen.append(Seen(at, weld.true_rate(settings, scenario, at), settings, tuple(said)))
            told(f"{at}: true {100 * seen[-1].true:.3f} % at {tuple(settings)} {tuner.nothing}")
    rows = tuner.journal.rows
    here = count(rows, at_setting(rows, tuple(getattr(settings, name) for name in tuner.journal.parameters)))
    low, high = effect.rate_interval(here.defects, here.parts)
    return Ended(
        seed, tuple(seen), weld.true_rate(settings, scenario, parts), here.defects / max(1, here.parts), low, high,
        settings, tuple(effects), tuple(refused), tuple(withdrawn), moves, slowest_s,
    )  # fmt: skip


def _learned(tuner: Tuner) -> Served | None:
    """A model of what is known by now; None where the gate lets none pass, and the one before serves on."""
    rows, names = tuner.journal.rows, tuner.journal.parameters
    try:
        of = FigureModel(*defect_station.made(rows, tuner.station, "weld-defects", PRODUCT, "", names))
    except defect_station.NotReleased:
        return None
    return Served(of.card.version, asked(of))


def _yes(one: Suggestion, now_us: int) -> SuggestionAnswer:
    return SuggestionAnswer(
        plant=one.plant, suggestion=one.id, answer=Verdict.ACCEPTED, by="op-0123456789abcdef", time_us=now_us
    )
