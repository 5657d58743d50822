"""The demo's weld station: parts and results of a simulated cell, a suggestion with its rails, a yes, and its effect.

The model was learned from trials of another simulated cell (`onnx_export.starter_weld`); the role is `forewarn tune`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple, TypeVar

from rich.console import Console

from connectors.kafka.plain import LogProducer, Start, read
from models import starter
from models.physics import weld
from models.physics.weld_parts import Place, records_of
from models.records import (
    Arm,
    EffectVerdict,
    Part,
    QualityResult,
    Record,
    Suggestion,
    SuggestionEffect,
    SuggestionState,
    Verdict,
    decode,
    encode,
    key_of,
)
from models.tuning import wording
from models.tuning.ranking import answered
from pipelines.cli import suggesting
from pipelines.cli.demo_child import BUILD, child
from pipelines.settings import Settings
from pipelines.topics import Topic, named, partition_of

ASSET, PRODUCT, SEED = "weld-01", "bracket", 7
BEFORE, AFTER = 3000, 6000
"""Parts that are inspected before and after: some 1,750 in each would separate 0.8 % from 0.15 % looked at once."""
STEP_US = 3_000_000
PATIENCE_S = 40.0
Said = TypeVar("Said", Suggestion, SuggestionEffect)


class Tuned(NamedTuple):
    """What was suggested and what came of it; why there is nothing, where there is nothing."""

    suggestion: Suggestion | None = None
    effect: SuggestionEffect | None = None
    before_true: float = 0.0
    after_true: float = 0.0
    why: str = ""

    @property
    def problem(self) -> str:
        """What is wrong with it, empty where nothing is."""
        if self.suggestion is None or self.effect is None:
            return f"nothing came of tuning: {self.why}; see {BUILD}/demo-tune.log"
        if self.effect.verdict is EffectVerdict.HARMS:
            return f"what was suggested at {ASSET} did harm"
        return ""


def plant_folder(build: Path) -> Path:
    """The demo's plant: the pumps, and the weld station beside them."""
    folder = build / "demo-plant"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("pumps.toml", "weld.toml"):
        (folder / name).write_text(files(starter).joinpath(name).read_text())
    return folder


def tuned(settings: Settings, plant: str, now_us: int, console: Console) -> Tuned:
    """Have parts made, take what is suggested, and have more made at the new setting."""
    cell, first = weld.Cell(SEED), weld.START
    place = Place(plant, ASSET, PRODUCT, now_us - (BEFORE + 10) * STEP_US, STEP_US, late=2)
    with child(settings, "tune", "tune") as role:
        _put(settings, records_of(cell.make(first, BEFORE), first, place))
        one = _awaited(settings, role, Suggestion, lambda said: said.state is SuggestionState.OPEN)
        if one is None:
            return Tuned(why="nothing was suggested")
        suggesting.answer(settings, one.id, Verdict.ACCEPTED, "", "demo", (), console, as_json=False)
        taken = _awaited(settings, role, Suggestion, lambda said: said.state is SuggestionState.ACCEPTED)
        if taken is None:
            return Tuned(one, why="nobody heard that it was accepted")
        then = first._replace(**{each.parameter: each.proposed for each in one.settings})
        _put(settings, records_of(cell.make(then, AFTER), then, place))
        effect = _awaited(
            settings, role, SuggestionEffect,
            lambda said: said.suggestion == one.id and (said.is_final or said.after.parts > 0.9 * AFTER),
        )  # fmt: skip
        return Tuned(taken, effect, weld.true_rate(first), weld.true_rate(then), "its effect was not told")


def lines(found: Tuned) -> list[str]:
    """What came of it, for people."""
    one, effect = found.suggestion, found.effect
    if one is None or effect is None:
        return []
    figures = [
        f"{each.figure} {100 * (each.after / each.before - 1):+.1f} %" for each in effect.figures if each.before > 0
    ]
    return [
        f"suggested at {ASSET}: {wording.changes(one.settings)}; rails that bind: {', '.join(one.rails) or 'none'}; "
        f"{one.revalidate}",
        f"accepted, and measured: {_arm(effect.before)} defective before, {_arm(effect.after)} after: {effect.verdict}"
        f"{'; ' + ', '.join(figures) if figures else ''} (true rates of the simulated cell: "
        f"{wording.percent(found.before_true)}, {wording.percent(found.after_true)})",
        f"by answers so far, changes rank by {_ranks(one)}; one that is rejected ranks by half, then by a third",
    ]


def _ranks(one: Suggestion) -> str:
    found = answered([one])
    return ", ".join(f"{name} {'up' if up else 'down'} {of.liked:.2f}" for (name, up), of in sorted(found.items()))


def _arm(of: Arm) -> str:
    return f"{of.defects} of {of.parts} parts ({wording.percent(of.low)} to {wording.percent(of.high)})"


def _put(settings: Settings, records: Iterable[tuple[Part, QualityResult]]) -> None:
    with LogProducer(settings.cluster) as producer:
        for pair in records:
            for one in pair:
                key = key_of(one.plant, one.asset)
                place = partition_of(key, settings.partitions)
                producer.send(named(settings.topic_prefix, Topic.QUALITY), key, encode(one), place)
        producer.flush()


def _awaited(settings: Settings, role: Popen[bytes], kind: type[Said], fits: Callable[[Said], bool]) -> Said | None:
    """What the role says, within PATIENCE_S; None where it does not."""
    given_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < given_up_s and role.poll() is None:
        found = [one for one in _said(settings) if isinstance(one, kind) and fits(one)]
        if found:
            return found[-1]
        time.sleep(0.3)
    return None


def _said(settings: Settings) -> Iterable[Record]:
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.SUGGESTIONS), Start.BEGINNING):
        if record.value:
            yield decode(record.value)
