"""Rounds on a running plant, one or again and again: done, told on the topic, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Console

from models.records import ModelUpdate, UpdateStep
from pipelines.cli.board import now_us
from pipelines.cli.learning.live import Live, Told, Wanted, publish, told_of
from pipelines.cli.learning.round import Asked, turn
from pipelines.cli.learning.telling import said
from pipelines.cli.promoting import telling
from pipelines.plant_file import read_plant
from pipelines.settings import Settings

LEARNED = frozenset({UpdateStep.OFFERED, UpdateStep.REFUSED, UpdateStep.PROMOTED, UpdateStep.GIVEN_UP})
"""After one of these a model is not trained anew for as long as it is to be left."""


class May(NamedTuple):
    """What a round may do; see `round.Asked`."""

    update: bool
    promote: bool
    since_us: int | None = None
    anew: bool = False


def once(settings: Settings, wanted: Wanted, may: May, console: Console, errors: Console) -> None:
    """One round. Raises what its parts raise."""
    plant = read_plant(settings.plant, settings.site).plant
    asked = Asked(plant, wanted.name, may.update, may.promote, may.since_us, may.anew)
    found = turn(Live(settings, wanted, console, errors), asked, now_us())
    told: list[Told] = [*found.drifts, found.update]
    publish(settings, told)
    for one in told:
        console.print(said(one), highlight=False, markup=False, soft_wrap=True)


def follow(
    settings: Settings, wanted: Wanted, every_s: int, anew_s: int | None, console: Console, errors: Console,
    sleep: Callable[[float], None],
) -> None:  # fmt: skip
    """Rounds until the process is ended; one that fails is told, and the next comes."""
    while True:
        with telling(errors, f"'{wanted.name}' does not follow its plant now"):
            anew = anew_s is not None and is_old(told_of(settings, wanted.name), anew_s, now_us())
            may = May(wanted.name in settings.auto_updated, wanted.name in settings.auto_promoted, None, anew)
            once(settings, wanted, may, console, errors)
        sleep(every_s)


def is_old(told: Sequence[Told], after_s: int, now_us: int) -> bool:
    """Whether nothing was learned for so long, since the first that was told; where nothing was, it begins now."""
    updates = [one for one in told if isinstance(one, ModelUpdate)]
    learned = [one.time_us for one in updates if one.step in LEARNED]
    began_us = max(learned, default=min((one.time_us for one in told), default=now_us))
    return now_us - began_us >= after_s * 1_000_000
