"""A backfill from what was asked to its report: the plan, lanes in processes, what live said, the reports."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from connectors.cmms.labels import read_labels
from models.alerting.wording import clock
from models.failure.draft import Draft
from models.failure.ends import ends_of, usable
from models.failure.labels import Label
from models.records import Maintenance
from pipelines.backfill.features import FOLDER, Outcomes, label
from pipelines.backfill.kept import forget
from pipelines.backfill.plan import SCORED, Into, Plan, What
from pipelines.backfill.results import PLAN, WHOLE, Results
from pipelines.cli.backfill.asked import Asked, BackfillError, assets_of, check_replay, check_spec, cores
from pipelines.cli.backfill.live import live_or_why, read_live
from pipelines.cli.backfill.models import Turn, turns_of, version_of
from pipelines.cli.backfill.sources import Lanes, open_source
from pipelines.cli.backfill.told import show_plan
from pipelines.cli.backfill.work import Ended, Job, Told, work_lane
from pipelines.cli.feed import bar
from pipelines.cli.released import laid_or_none
from pipelines.main import provision_log, provision_store, read_plant
from pipelines.settings import Settings

DAY_US = 86_400_000_000
EVENTS_FILE = "events.parquet"
"""Failures and repairs beside rows, for `--events` of a later run."""


def planned(settings: Settings, asked: Asked, source: Lanes, turns: tuple[Turn, ...]) -> Plan:
    """What will be done. Raises BackfillError where there is nothing to do it with."""
    plant = turns[0].plant(read_plant(settings.plant, settings.site))
    assets, onto = assets_of(plant, asked.assets), check_replay(asked, settings.topic_prefix)
    if SCORED & set(asked.what) and not any(plant.types[plant.assets[asset].type].model for asset in assets):
        raise BackfillError(
            "no type of these assets has a model: give types one in the plant file, or --what ingest; or, for rows to "
            "train a first one on, --what features --spec FILE of `forewarn model new`"
        )
    if asked.warm_up_days is None:
        reads_from_us = source.reads_from(asked.from_us, assets)
    else:
        reads_from_us = max(0, asked.from_us - round(asked.warm_up_days * DAY_US))
    found = source.found(reads_from_us, asked.to_us)
    if found.first_us is not None:
        reads_from_us = max(reads_from_us, found.first_us // DAY_US * DAY_US)
    if found.rows == 0:
        span = f"from {clock(reads_from_us)} to {clock(asked.to_us)} UTC"
        raise BackfillError(f"{source.where} has no rows {span}: are times and source right?")
    versions = [{n: version_of(lister) for n, lister in turn.read(plant).items()} for turn in turns]
    return Plan(
        plant=plant.plant,
        plant_version=plant.version,
        source=asked.source,
        where=source.where,
        read_from_us=min(reads_from_us, asked.from_us),
        from_us=asked.from_us,
        to_us=asked.to_us,
        assets=assets,
        models={
            name: ", ".join(dict.fromkeys(version[of.model] for version in versions))
            for name, of in plant.types.items()
            if of.model
        },
        what=asked.what,
        into=asked.into,
        lateness_s=settings.lateness_s,
        every_min=asked.every_min,
        replays_onto=onto,
        inputs=_digest(asked, turns),
        lanes=1 if onto else source.lanes(assets, asked.processes),
        found=found,
    )


def _digest(asked: Asked, turns: tuple[Turn, ...]) -> str:
    """Of the files that were given beside history, and of when models change. Raises BackfillError."""
    try:
        given = [file.read_bytes() if file else b"" for file in (asked.shape, asked.events)]
    except OSError as wrong:
        raise BackfillError(f"{wrong.filename} cannot be read ({wrong.strerror})") from wrong
    return sha256(msgspec.json.encode((given, [turn.from_us for turn in turns], asked.warm_up_days))).hexdigest()[:12]


def backfill(
    settings: Settings, asked: Asked, console: Console, errors: Console, *, dry_run: bool, resume: bool, as_json: bool,
    engineers: float | None,
) -> int:  # fmt: skip
    """Plan, work off, report; the exit status: 1 for an end before the end, or where the report has problems."""
    check_spec(asked)
    plant = read_plant(settings.plant, settings.site)
    live = partial(read_live, settings, asked.from_us, asked.to_us, set(plant.assets), errors)
    turns = turns_of(plant, asked, settings.models, partial(laid_or_none, settings), live)
    labels = _labels(asked)
    source = open_source(settings, asked, plant)
    if not dry_run:
        with bar(errors) as progress:
            task = progress.add_task("reading files once", total=None)
            source.prepare(lambda done, of: progress.update(task, completed=done, total=of))
    plan = planned(settings, asked, source, turns)
    show_plan(plan, asked, errors if as_json and not dry_run else console, as_json=as_json and dry_run)
    if dry_run:
        return 0
    _provision(settings, plan.into)
    folder = asked.out / plan.name
    plan = _prepared(folder, plan, resume)
    if not _through(Job(settings, asked, plan, turns, 0, folder), errors):
        return 1
    models = [of for turn in turns for of in turn.read(plant).values() if not isinstance(of, Draft)]
    bases = {of.card.version: of.card.basis for of in models}
    people = engineers or plant.budget.engineers
    return _report(
        settings, plan, folder, console, errors, as_json=as_json, engineers=people, bases=bases, labels=labels
    )


def _labels(asked: Asked) -> tuple[Label, ...]:
    """The labels that count. They are no part of the plan: with --resume, a report is told again by other labels."""
    if asked.labels is None:
        return ()
    found = read_labels(asked.labels)
    labels = usable(found, proposed=asked.proposed)
    if found and not labels:
        raise BackfillError(
            f"{asked.labels} has {len(found)} labels, and none that counts: confirm some by `forewarn labels review "
            f"{asked.labels}`, or give --proposed"
        )
    return labels


def _provision(settings: Settings, into: Collection[Into]) -> None:
    """Make where results go, if it is missing. Raises where a server is away."""
    if Into.INFLUX in into:
        provision_store(settings)
    if Into.TOPICS in into:
        provision_log(settings)


def _prepared(folder: Path, plan: Plan, resume: bool) -> Plan:
    """The plan to work by, kept in its folder: what was begun goes on as it was planned then."""
    begun, whole = (folder / PLAN).is_file(), (folder / WHOLE).is_file()
    if begun and resume:  # one that came to its end is told of again
        return Results(folder).plan
    if begun and not whole:
        raise BackfillError(
            f"{folder} has this very backfill, begun and not ended: give --resume, or remove the folder"
        )
    forget(folder)
    folder.mkdir(parents=True)
    aside = folder / f".{PLAN}"
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")
    aside.replace(folder / PLAN)
    return plan


def _through(job: Job, errors: Console) -> bool:
    """Work all lanes off; whether they came to their end. If not, how to go on is said, whatever went wrong."""
    through = False
    try:
        through = _work_off(job, errors)
    except KeyboardInterrupt:  # before lanes were started
        pass
    finally:
        if not through:
            go_on = f"stopped; the same command with --resume goes on from {job.folder}"
            errors.print(go_on, highlight=False, soft_wrap=True)
    return through


class _Lanes:
    """Lanes at work in processes, some at a time."""

    def __init__(self, job: Job) -> None:
        self._job, self._context = job, multiprocessing.get_context("spawn")
        self._left = list(range(job.plan.lanes))
        self._running: dict[Connection, tuple[int, BaseProcess]] = {}
        self._stop = self._context.Event()
        self.at: dict[int, Told] = {}
        self.faults: list[Exception] = []
        self.through = 0

    def stop(self) -> None:
        """Have lanes keep what they have and end."""
        self._stop.set()
        self._left.clear()

    def step(self) -> bool:
        """Start what can be started, and hear what lanes tell; whether there is more to come."""
        while self._left and len(self._running) < self._job.asked.processes:
            self._start(self._left.pop(0))
        for ready in wait(list(self._running), timeout=0.2):
            assert isinstance(ready, Connection)
            self._hear(ready)
        return bool(self._left or self._running)

    def _start(self, lane: int) -> None:
        here, there = self._context.Pipe(duplex=False)
        args = (self._job._replace(lane=lane), there, self._stop)
        os.environ.setdefault("POLARS_MAX_THREADS", str(-(-cores() // self._job.asked.processes)))  # of the child
        process = self._context.Process(target=work_lane, args=args, name=f"lane {lane}", daemon=True)
        heard = signal.signal(signal.SIGINT, signal.SIG_IGN)  # lanes inherit this: Ctrl-C is for the parent
        process.start()
        signal.signal(signal.SIGINT, heard)
        there.close()
        self._running[here] = lane, process

    def _hear(self, ready: Connection) -> None:
        lane, process = self._running[ready]
        try:
            said = ready.recv()
        except EOFError:
            process.join()
            said = Ended(False, BackfillError(f"lane {lane} died with exit status {process.exitcode}: see --resume"))
        if isinstance(said, Told):
            self.at[lane] = said
            return
        del self._running[ready]
        process.join()
        self.through += said.is_through
        if said.fault is not None:
            self.faults.append(said.fault)
            self.stop()


def _work_off(job: Job, errors: Console) -> bool:
    lanes = _Lanes(job)
    with _bar(job.plan, errors) as show:
        while True:
            try:
                if not lanes.step():
                    break
                show(lanes.at)
            except KeyboardInterrupt:
                errors.print("stopping: lanes keep what they have ...", highlight=False)
                lanes.stop()
    if lanes.faults:
        raise lanes.faults[0]
    return lanes.through == job.plan.lanes


@contextmanager
def _bar(plan: Plan, console: Console) -> Iterator[Callable[[dict[int, Told]], None]]:
    """A bar over the time that lanes have reached, with rows and their rate."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    whole_us, began_s = plan.to_us - plan.read_from_us, time.monotonic()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("backfill", total=whole_us * plan.lanes, rate="")

        def show(at: dict[int, Told]) -> None:
            rows = sum(told.rows for told in at.values())
            done_us = sum(min(whole_us, max(0, told.until_us - plan.read_from_us)) for told in at.values())
            rate = rows / max(1e-9, time.monotonic() - began_s)
            progress.update(task, completed=done_us, rate=f"{rows:,} rows, {rate:,.0f} a second")

        yield show


def _report(
    settings: Settings, plan: Plan, folder: Path, console: Console, errors: Console, *, as_json: bool, engineers: float,
    bases: dict[str, str], labels: Sequence[Label] = (),
) -> int:  # fmt: skip
    from pipelines.cli.report import document, write_reports

    live = live_or_why(settings, plan, errors) if {What.FORECASTS, What.ALERTS} & set(plan.what) else None
    shown = Console(quiet=True) if as_json else console
    if What.INGEST in plan.what and Into.PARQUET in plan.into:
        Results(folder).events().write_parquet(folder / EVENTS_FILE)
    if What.FEATURES in plan.what:
        events = [record for record in Results(folder).records() if isinstance(record, Maintenance)]
        rows = label(folder, Outcomes(ends_of(labels, events), plan.to_us))
        shown.print(f"{rows:,} feature rows with labels in {folder / FOLDER}", highlight=False, soft_wrap=True)
    report = write_reports(Results(folder), live, shown, engineers=engineers, bases=bases, labels=labels)
    if as_json:
        console.out(document(report), highlight=False, end="")
    (folder / WHOLE).touch()
    return int(bool(report.problems))
