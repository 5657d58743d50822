"""A press of two settings with parts, results and answers made by hand, and models that are functions, for tuning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from models.plant.tuning import Parameter, Station
from models.records import Part, QualityResult, Record, Suggestion, SuggestionAnswer, SuggestionState, Verdict
from models.tuning.search import RECENT
from models.tuning.tuner import Beside, Out, Served, Tuner

PLANT, ASSET, PRODUCT = "shop", "press-01", "cap"
BEGIN_US, SECOND_US, HOUR_US = 1_772_000_000_000_000, 1_000_000, 3_600_000_000
INPUTS = {"heat": "Cel", "load": "kN", "room": "Cel"}
START = {"heat": 150.0, "load": 5.0}
EVIDENCE = RECENT
Change = Callable[[Parameter], Parameter]


def heat(**said: Any) -> Parameter:
    """The parameter that makes a difference."""
    whole: dict[str, Any] = {"unit": "Cel", "low": 100.0, "high": 200.0, "step": 8.0, "least_step": 2.0}
    return Parameter(**whole | said)


def load(**said: Any) -> Parameter:
    """The one beside it."""
    whole: dict[str, Any] = {"unit": "kN", "low": 1.0, "high": 9.0, "step": 2.0, "least_step": 0.5}
    return Parameter(**whole | said)


def station(**said: Any) -> Station:
    """The press as a plant file has it."""
    whole: dict[str, Any] = {
        "parameters": {"heat": heat(), "load": load()}, "inputs": INPUTS, "models": {PRODUCT: "press-defects"},
        "evidence": EVIDENCE, "late": "1h", "tolerance": "2s",
    }  # fmt: skip
    return Station(**whole | said)


def at_us(number: float) -> int:
    """When the part of a number was made: one each ten seconds."""
    return BEGIN_US + round(number * 10 * SECOND_US)


def part(number: float, settings: dict[str, float] | None = None, **said: Any) -> Part:
    """A part, measured as it was set."""
    settings = START if settings is None else settings
    whole: dict[str, Any] = {
        "plant": PLANT, "asset": ASSET, "part": f"p{number}", "product": PRODUCT, "time_us": at_us(number),
        "settings": settings, "measured": settings | {"room": 20.0},
    }  # fmt: skip
    return Part(**whole | said)


def result(number: float, defects: int = 0, **said: Any) -> QualityResult:
    """What was found of it, by its id."""
    whole: dict[str, Any] = {
        "plant": PLANT, "asset": ASSET, "part": f"p{number}", "time_us": at_us(number), "found_us": at_us(number + 1),
        "defects": defects, "kind": "crack" if defects else "",
    }  # fmt: skip
    return QualityResult(**whole | said)


def made(
    begin: int, count: int, settings: dict[str, float] | None = None, every: int = 20, **said: Any
) -> Iterator[Record]:
    """Parts with their results, of which each `every`-th is a defect."""
    for number in range(begin, begin + count):
        yield part(number, settings, **said)
        yield result(number, int(number % every == 0), asset=said.get("asset", ASSET))


def cooler(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A model: a degree less is a twentieth less of defects, and it is quite sure."""
    chances = np.clip(0.05 * np.exp((rows[:, 0].astype(float) - 150.0) / 10.0), 0.0, 1.0)
    return chances, 0.01 * chances


COOLER = Served("press-defects@1", cooler, tuple(INPUTS))
BESIDE = Beside(model=COOLER)


def tuner(*records: Record, **said: Any) -> Tuner:
    """A tuner that was told these."""
    out = Tuner(PLANT, ASSET, PRODUCT, station(**said))
    for one in records:
        out.take(one)
    return out


def ready(**said: Any) -> Tuner:
    """One that has enough to suggest by."""
    return tuner(*made(0, EVIDENCE + 4), **said)


NOW_US = at_us(EVIDENCE + 10)


def suggested(of: Tuner, now_us: int = NOW_US, beside: Beside = BESIDE) -> Suggestion:
    """What it suggests now."""
    return next(one for one in of.step(now_us, beside) if isinstance(one, Suggestion))


def answer(one: Suggestion, said: Verdict = Verdict.ACCEPTED, by: str = "anna", **more: Any) -> SuggestionAnswer:
    """What somebody says to it, a second after it was made."""
    whole: dict[str, Any] = {
        "plant": one.plant, "suggestion": one.id, "answer": said, "by": by, "time_us": one.made_us + SECOND_US,
    }  # fmt: skip
    return SuggestionAnswer(**whole | more)


def heard(of: Tuner, *answers: SuggestionAnswer, now_us: int = NOW_US, beside: Beside = BESIDE) -> list[Out]:
    """What it says to answers."""
    for one in answers:
        of.take(one)
    return of.step(now_us, beside)


def states(said: list[Out]) -> list[SuggestionState]:
    """Of the suggestions that were said."""
    return [one.state for one in said if isinstance(one, Suggestion)]
