"""`forewarn model train DATA`: a plant's own hazard from labelled feature rows; and what shows cards."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from models.failure.draft import Draft
from models.failure.hazard import Card
from models.failure.interval import COVERED, LAST_H
from models.inference import ModelError
from models.plant import AssetType
from pipelines.cli.feed import bar
from pipelines.plant_file import read_plant
from pipelines.settings import Settings

HOW = (
    "training on rows takes --type, and DATA or --influx with --from and --to. Rows of InfluxDB or of files are made "
    "by `forewarn backfill --from 2025-01-01 --to 2026-01-01 --source influx --what features --labels labels.jsonl "
    "--every 10`, then `forewarn model train build/backfill/RUN --plant plant.toml --type pump --out models`"
)
UNITS = {"MiB": 1, "GiB": 1 << 10}


class Wanted(NamedTuple):
    """A command line of `forewarn model train` that names rows."""

    data: str
    plant: Path
    site: str | None
    asset_type: str
    out: Path
    runs: Path
    name: str | None = None
    spec: Path | None = None
    seed: int | None = None
    memory: str = "512MiB"
    simulated: str | None = None
    trees: int | None = None


def mebibytes(text: str) -> int:
    """Of `512MiB` or `2GiB`. Raises ModelError."""
    for unit, times in UNITS.items():
        number = text.removesuffix(unit)
        if number != text and number.isdigit() and int(number):
            return int(number) * times
    raise ModelError(f"--memory {text}: write such as 512MiB or 2GiB")


def train(wanted: Wanted, console: Console, errors: Console) -> None:
    """Train a hazard of rows into a folder, with the run's figures and pictures in another."""
    with needing_train():
        from onnx_export import hazard_own, own_run, report, starter, table
    draft = draft_of(wanted)
    defaults = {"seed": wanted.seed, "trees": wanted.trees}
    asked = hazard_own.Asked(
        name=wanted.name or draft.name,
        asset_type=wanted.asset_type,
        spec=draft.spec,
        modes=draft.modes,
        command=command_of(wanted),
        simulated=wanted.simulated,
        memory_mib=mebibytes(wanted.memory),
        **{key: value for key, value in defaults.items() if value is not None},
    )
    with showing(errors) as show:
        own = hazard_own.train_own(table.data_of(wanted.data), asked, show)
    starter.write(wanted.out, own.onnx, own.card, own.says.cases)
    told = own_run.write_own(report.run_folder(own.card, wanted.runs), own)
    for line in (
        f"{wanted.out / own.card.name}.onnx: {own.card.version}, {len(own.onnx):,} bytes, warns from "
        f"{own.card.warning_limit:g}",
        f"learned from {own.card.trained_on}",
        *own_lines(own.card),
        remaining_line(own.card, own.says.remains.why_not),
        cases_line(own.card),
        f"peak memory {own.peak_mib:,.0f} MiB; {own.trained_rows:,} of {own.survey.rows:,} rows trained on",
        f"{told}: config, scores, tables and pictures",
        f"check it: forewarn model verify {wanted.out / own.card.name}.onnx",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


class Span(NamedTuple):
    """History in InfluxDB, as `forewarn backfill` takes it."""

    begin: str
    to: str
    labels: Path | None
    every_min: int


def of_influx(settings: Settings, wanted: Wanted, span: Span, console: Console, errors: Console) -> Wanted:
    """Have a backfill make rows of InfluxDB's history, and name its run as the data."""
    from pipelines.cli.backfill import asked as ask
    from pipelines.cli.backfill.run import backfill

    draft, spec = draft_of(wanted), wanted.spec
    if spec is None:
        wanted.out.mkdir(parents=True, exist_ok=True)
        spec = wanted.out / f"{draft.name}.spec.json"
        spec.write_bytes(draft.content)
    from_us, to_us, into = ask.from_and_to(span.begin, [span.to])
    asked = ask.Asked(
        from_us=from_us, to_us=to_us, source=ask.Source.INFLUX, what=ask.what(["features"]), into=into, spec=spec,
        labels=span.labels, every_min=span.every_min, processes=ask.cores(), out=wanted.runs / "rows",
    )  # fmt: skip
    settings = settings.model_copy(update={"plant": wanted.plant})
    backfill(settings, asked, console, errors, dry_run=False, resume=False, as_json=False, engineers=None)
    return wanted._replace(data=str(newest(asked.out)), spec=spec)


def newest(runs: Path) -> Path:
    """The run of a folder that came to its end last. Raises ModelError."""
    from pipelines.backfill.results import WHOLE

    whole = sorted(runs.glob(f"*/{WHOLE}"), key=lambda file: file.stat().st_mtime_ns)
    if not whole:
        raise ModelError(f"no backfill in {runs} came to its end: see what it said above")
    return whole[-1].parent


def own_lines(card: Card) -> list[str]:
    """What a card's event-wise figures come to, in words."""
    of = card.scores
    return [
        f"out of fold it warned of {of['recall']:.0%} of {of['failures']:.0f} failures, half of them "
        f"{of['lead_h_median']:.0f} h or more ahead, with {of['unfounded_a_machine_month']:.2f} unfounded warnings a "
        "machine-month"
    ]


def remaining_line(card: Card, why_not: str = "") -> str:
    """How a card tells the time to failure, in words, or why it does not."""
    of = card.interval
    if of is None:
        return f"it tells no time to failure{why_not and ': '}{why_not}"
    share = "unmeasured" if of.coverage is None else f"{of.coverage:.1%}"
    return (
        f"its interval on time to failure, told from {of.from_chance:.0%} within {LAST_H} h, rests on {of.events} lives"
        f" that ended in a failure, and held {share} of what came to machines that it was not fitted on, {of.held_out} "
        f"failures; it is to hold {COVERED:.0%}"
    )


def cases_line(card: Card) -> str:
    """Whether it tells past cases, in words."""
    if not card.cases_sha256:
        return "it tells no past cases"
    return f"it tells past cases like a machine, of {card.name}.cases.json beside it"


def draft_of(wanted: Wanted) -> Draft:
    """The feature list that rows have: of a file where one is given, else of the type. Raises ModelError."""
    asset_type = type_of(wanted.plant, wanted.site, wanted.asset_type)
    if wanted.spec is None:
        return Draft.of(wanted.asset_type, wanted.asset_type, asset_type)
    draft = read_draft(wanted.spec)
    if draft.asset_type != wanted.asset_type:
        raise ModelError(f"{wanted.spec} is of type '{draft.asset_type}', not of '{wanted.asset_type}': see --type")
    return draft


def type_of(plant: Path, site: str | None, name: str) -> AssetType:
    """A type of a plant file. Raises ModelError for a name that it does not have."""
    types = read_plant(plant, site).types
    if name not in types:
        raise ModelError(f"--type {name}: {plant} has the types {', '.join(sorted(types))}")
    return types[name]


def read_draft(file: Path) -> Draft:
    """A spec or a card from its file. Raises ModelError."""
    try:
        return Draft.read(file.read_bytes())
    except OSError as wrong:
        raise ModelError(f"{file} cannot be read ({wrong.strerror}): make one by `forewarn model new`") from wrong


def command_of(wanted: Wanted) -> str:
    """The command that makes the same bytes of the same rows, as a card tells it; where they go is no part of it."""
    words = ["forewarn", "model", "train", wanted.data, "--plant", str(wanted.plant), "--type", wanted.asset_type]
    options = {
        "--name": wanted.name, "--spec": wanted.spec, "--seed": wanted.seed, "--memory": wanted.memory,
        "--trees": wanted.trees, "--simulated": wanted.simulated,
    }  # fmt: skip
    for option, value in options.items():
        if value is not None:
            words += [option, str(value)]
    return shlex.join(words)


@contextmanager
def needing_train() -> Iterator[None]:
    """Say how to install what training needs where it is not there."""
    try:
        yield
    except ModuleNotFoundError as missing:
        raise ModelError(
            f"training needs {missing.name}: run .venv/bin/pip install -e '.[train]' in Forewarn's folder"
        ) from missing


@contextmanager
def showing(console: Console) -> Iterator[Callable[[int, int, str], None]]:
    """A bar that is told done, total and what."""
    with bar(console) as progress:
        task = progress.add_task("starting", total=None)

        def show(done: int, total: int, text: str) -> None:
            progress.update(task, completed=done, total=total, description=text)

        yield show
