"""Rounds on a running plant, one or again and again: done, told on the topic, and said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Console

from models.records import ModelUpdate, UpdateStep
from pipelines.cli.board import now_us
from pipelines.cli.labels.warned import take_warnings
from pipelines.cli.learning.live import Live, Told, Wanted, publish, told_of
from pipelines.cli.learning.round import Asked, turn
from pipelines.cli.learning.telling import said
from pipelines.cli.promoting import telling
from pipelines.cli.releasing import Signer
from pipelines.plant_file import read_plant
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings

LEARNED = frozenset({UpdateStep.OFFERED, UpdateStep.PROMOTED, UpdateStep.GIVEN_UP})
"""After one of these a model is not trained anew for as long as it is to be left; nor after training was refused."""


class May(NamedTuple):
    """What a round may do; see `round.Asked`."""

    update: bool
    promote: bool
    since_us: int | None = None
    anew: bool = False


def once(settings: Settings, wanted: Wanted, may: May, console: Console, errors: Console) -> None:
    """One round; what people found of warnings goes into the file of labels first, where there is one.

    Raises what its parts raise, ReleaseError at once for what nobody would take.
    """
    if may.update:
        check_signer(settings, wanted.signer)
    if wanted.labels is not None:
        take_warnings(settings, wanted.labels, console, as_json=False)
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
    if wanted.name in settings.auto_updated:
        check_signer(settings, wanted.signer)
    while True:
        with telling(errors, f"'{wanted.name}' does not follow its plant now"):
            anew = anew_s is not None and is_old(told_of(settings, wanted.name), anew_s, now_us())
            may = May(wanted.name in settings.auto_updated, wanted.name in settings.auto_promoted, None, anew)
            once(settings, wanted, may, console, errors)
        sleep(every_s)


def check_signer(settings: Settings, signer: Signer) -> None:
    """Raise ReleaseError for a key that cannot sign, or none where workers ask for one: before work, not after it."""
    if not signer(b"") and settings.release_keys and not settings.unsigned_releases:
        raise ReleaseError(
            "nothing signs what is made, and FOREWARN_RELEASE_KEYS says that workers take signed releases alone: give "
            "--key NAME:FILE of `forewarn model key`"
        )


def is_old(told: Sequence[Told], after_s: int, now_us: int) -> bool:
    """Whether nothing was learned for so long, since the first that was told; where nothing was, it begins now."""
    updates = [one for one in told if isinstance(one, ModelUpdate)]
    learned = [one.time_us for one in updates if one.step in LEARNED or (one.step is UpdateStep.REFUSED and one.anew)]
    began_us = max(learned, default=min((one.time_us for one in told), default=now_us))
    return now_us - began_us >= after_s * 1_000_000
