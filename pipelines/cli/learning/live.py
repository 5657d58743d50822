"""Rounds of learning on for a running plant: rows of its history, its releases, and the topic that tells of it all."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console

from connectors.kafka.plain import LogProducer, read
from connectors.releases.registry import Registry
from models.alerting.verdict import Bars, Reason, Verdict, verdict
from models.failure.hazard import Card, read_card
from models.passed import Refit
from models.records import Drift, HealthyBaseline, ModelUpdate, decode, encode
from models.release import Channel, Part, Role, decoded
from onnx_export import hazard_own, starter
from onnx_export.reasons import ParityError
from onnx_export.refit import Asked
from pipelines.backfill.kept import forget
from pipelines.cli import training
from pipelines.cli.board import now_us, offices
from pipelines.cli.comparing import NothingSaid, Pair, of_live
from pipelines.cli.learning.round import Look, Made, NotMade
from pipelines.cli.learning.rows import material_of
from pipelines.cli.learning.student import DAY_US, Material, Spans, Student
from pipelines.cli.promoting import SAID, Step, step_of
from pipelines.cli.released import named_file, place_of
from pipelines.cli.releasing import Signer, tell
from pipelines.plant_file import read_plant
from pipelines.releases.moves import ReleaseError, Who
from pipelines.releases.publish import made, published
from pipelines.settings import Settings
from pipelines.topics import Topic, named

BY = "learning on"
Told = Drift | ModelUpdate


class Wanted(NamedTuple):
    """A command line: whose model, which rows, who signs what is made, and what is asked of a candidate.

    Rows are those of `data`, a backfill's folder; where that is empty, of InfluxDB, made anew each round.
    """

    name: str
    data: str
    labels: Path | None
    every_min: int
    signer: Signer
    bars: Bars
    learned_until_us: int | None
    reference_days: int
    recent_days: int
    memory_mib: int
    simulated: str | None
    out: Path


class Live:
    """The ports of a round (`round.Ports`)."""

    def __init__(self, settings: Settings, wanted: Wanted, console: Console, errors: Console) -> None:
        self._settings, self._wanted, self._console, self._errors = settings, wanted, console, errors
        self._offices = offices(settings)
        board = self._offices.board()
        version = board.version_of(wanted.name, Role.CHAMPION) or named_file(settings, wanted.name)
        self._place = place_of(settings, version)
        onnx, card = ((self._place.folder / f"{self._place.stem}.{end}").read_bytes() for end in ("onnx", "json"))
        release = board.releases.get(version)
        self._made_us = decoded(bytes(release.manifest)).made_us if release else None
        cases = self._place.folder / f"{self._place.stem}.cases.json"
        self._cases = cases.read_bytes() if cases.is_file() else b""
        self.student = Student(onnx, read_card(card), self._offices.plant.plant, self._cases)
        self._candidate = board.version_of(wanted.name, Role.SHADOW)
        self._files: Path | None = None

    def candidate(self) -> str:
        """The release that runs beside the champion; empty for none."""
        return self._candidate

    def verdict(self) -> Verdict | None:
        """Over it, by what came since; None while nothing was said beside the champion."""
        try:
            found = of_live(self._settings, self._wanted.labels, self._errors, self._wanted.name)
        except NothingSaid:
            return None
        return verdict(found.trial, self._wanted.bars)

    def promote(self, version: str, why: str) -> None:
        """Have the name mean it. Raises ReleaseError where a person took it back, or it was changed meanwhile."""
        pair = Pair(self.student.card.version, version)
        step = step_of(Reason.BETTER, pair, self._offices.board(), {self._wanted.name})
        if step is not Step.PROMOTES:
            raise ReleaseError(SAID[step].format(name=self._wanted.name, **pair._asdict()))
        tell(self._offices.promote(version, Who(BY, why)), self._console)

    def end(self, why: str) -> None:
        """Have it run beside the champion no more."""
        tell(self._offices.end_shadow(self._wanted.name, Who(BY, why)), self._console)

    def look(self) -> Look:
        """For drift, in the rows that there are now."""
        return self.student.look(self.rows, self.spans, told_of(self._settings, self._wanted.name), now_us())

    def learn(self, since_us: int, grows: bool) -> Made:
        """Refit on rows since then, leaves or by more trees, and keep what was made for `offer`. Raises NotMade."""
        command = f"forewarn model update {self._wanted.name}"
        asked = Asked(command=command, grows=grows, simulated=self._wanted.simulated)
        found, files = self.student.learn(self.rows, self.spans, since_us, asked)
        self._write(files.onnx, files.card, self._cases)
        return found

    def train(self) -> Made:
        """Train anew on all rows, and keep what was made for `offer`. Raises NotMade."""
        try:
            training.train(self._training._replace(data=self._data), self._console, self._errors)
        except hazard_own.NotTrained as refused:
            raise NotMade(str(refused.reason), str(refused), 0) from refused
        except ParityError as refused:
            raise NotMade("not-exported", str(refused), 0) from refused
        self._files = self._wanted.out / f"{self._wanted.name}.onnx"
        card = read_card(self._files.with_suffix(".json").read_bytes())
        return Made(card.version, {}, f"trained anew: {card.trained_on}", int(card.scores["failures"]))

    def offer(self, found: Made) -> None:
        """Have it run beside the champion. Raises NotMade where it does not come to that."""
        assert self._files is not None, f"{found.version} was made before it is offered"
        paths = {Part.ONNX: self._files, Part.CARD: self._files.with_suffix(".json")}
        cases = self._files.with_suffix(".cases.json")
        paths |= {Part.CASES: cases} if cases.is_file() else {}
        files = {part: path.read_bytes() for part, path in paths.items()}
        release = made(self._offices.plant.plant, files, now_us(), self._wanted.signer.licence, self._wanted.signer)
        keeper = Registry(self._settings.registry_url)
        try:
            said = published(self._offices, keeper, release, files, Channel.CANDIDATE, Who(BY, found.said))
        except ReleaseError as refused:
            raise NotMade("not-taken", str(refused), found.events) from refused
        tell(said, self._console)
        if self._offices.board().version_of(self._wanted.name, Role.SHADOW) != found.version:
            raise NotMade("not-taken", f"{found.version} runs beside nothing: {said[-1]}", found.events)

    @property
    def spans(self) -> Spans:
        """What is looked at: from when the model is known to have learned until, or the beginning of the rows on."""
        wanted = self._wanted
        first_us = int(self.rows.history.window_end_us.min(initial=now_us()))
        until_us = self._learned_until_us or first_us + wanted.reference_days * DAY_US
        return Spans(until_us, wanted.reference_days, wanted.recent_days)

    @property
    def _learned_until_us(self) -> int | None:
        """When what the model learned ends: as it was said, by its card, by its release; None where nobody knows."""
        refit = self.student.card.refit
        refitted_us = refit.until_us if isinstance(refit, Refit) else None
        return self._wanted.learned_until_us or refitted_us or self._made_us

    @cached_property
    def rows(self) -> Material:
        """Read once a round."""
        with training.showing(self._errors) as show:
            return material_of(self._data, self.student.card, self._wanted.memory_mib, show, tuple(self._baselines()))

    @cached_property
    def _data(self) -> str:
        """The folder of the rows, made of InfluxDB's history where none is given."""
        wanted = self._wanted
        if wanted.data:
            return wanted.data
        begin_us = begin_of(self._learned_until_us, now_us(), wanted.reference_days, wanted.recent_days)
        span = training.Span(day_of(begin_us), day_of(now_us()), wanted.labels, wanted.every_min)
        forget(self._training.runs / "rows")  # of the round before, which may have been broken off
        return training.of_influx(self._settings, self._training, span, self._console, self._errors).data

    @property
    def _training(self) -> training.Wanted:
        settings, card = self._settings, self.student.card
        return training.Wanted(
            data="", plant=settings.plant, site=settings.site, asset_type=card.asset_type, out=self._wanted.out,
            runs=self._wanted.out / "runs" / card.name, name=card.name,
            spec=self._place.folder / f"{self._place.stem}.json",
            memory=f"{self._wanted.memory_mib}MiB", simulated=self._wanted.simulated,
        )  # fmt: skip

    def _baselines(self) -> Iterator[HealthyBaseline]:
        """Baselines as workers told them, the recalibrations among them."""
        for record in _records(self._settings, Topic.BASELINES):
            if isinstance(record, HealthyBaseline):
                yield record

    def _write(self, onnx: bytes, card: Card, cases: bytes) -> None:
        starter.write(self._wanted.out, onnx, card, cases)
        self._files = self._wanted.out / f"{card.name}.onnx"


def told_of(settings: Settings, name: str = "") -> list[Told]:
    """What was told of a name's drift and updates on the plant, or of all names, in order of time."""
    plant = read_plant(settings.plant, settings.site).plant
    found = [one for one in _records(settings, Topic.DRIFT) if isinstance(one, Drift | ModelUpdate)]
    mine = (one for one in found if one.plant == plant and name in ("", one.name))
    return sorted(mine, key=lambda one: one.time_us)


def publish(settings: Settings, records: Iterable[Told]) -> None:
    """Put what came of a round on the topic. Raises NotSent."""
    with LogProducer(settings.cluster) as producer:
        for one in records:
            producer.send(named(settings.topic_prefix, Topic.DRIFT), f"{one.plant}/{one.name}".encode(), encode(one))


def begin_of(learned_until_us: int | None, now_us: int, reference_days: int, recent_days: int) -> int:
    """From when on rows are asked for; of a model of which nobody knows when it learned, both times before now."""
    until_us = now_us - recent_days * DAY_US if learned_until_us is None else learned_until_us
    return until_us - reference_days * DAY_US


def day_of(time_us: int) -> str:
    """A day, as a backfill takes it."""
    return time.strftime("%Y-%m-%d", time.gmtime(time_us / 1e6))


def _records(settings: Settings, topic: Topic) -> Iterator[object]:
    """Raises ReleaseError where there is no such topic, as before workers of this version first ran."""
    try:
        for record in read(settings.cluster, named(settings.topic_prefix, topic)):
            with suppress(msgspec.DecodeError):  # of another version
                yield decode(record.value or b"")
    except LookupError as missing:
        raise ReleaseError(f"{missing} Workers make what is missing when they start") from missing
