"""`forewarn model drift`, `update`, `learn`, `history`: their options; the work is in `pipelines.cli.learning`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import AsJson, Instance, errors, out

learning = typer.Typer(no_args_is_help=True)
LEAST_EVERY_S = 600
"""From one round to the next: each reads weeks of rows. Our choice."""
ModelName = Annotated[str, typer.Argument(help="A model's name, as asset types give it.")]
Data = Annotated[
    str, typer.Option("--rows", help="A backfill's folder of features; if not given, they are made of InfluxDB.")
]
Labels = Annotated[Path | None, typer.Option(help="File of labels: those confirmed count.")]
Every = Annotated[int, typer.Option("--minutes", min=1, max=1440, help="Minutes from row to row, of InfluxDB.")]
Learned = Annotated[
    str, typer.Option("--learned-until", help="When what the model learned ends, 2026-01-01; its release knows it.")
]
Reference = Annotated[int, typer.Option(min=7, help="Days before that, which the model is held to.")]
Recent = Annotated[int, typer.Option(min=1, help="Last days, which are looked at.")]
Memory = Annotated[str, typer.Option(help="What rows may take: 512MiB, 2GiB.")]
Simulated = Annotated[str | None, typer.Option(help="What simulated the rows: its failures count as none.")]
Key = Annotated[str, typer.Option("--key", help="NAME:FILE of the key that signs what is made; none: unsigned.")]
Licence = Annotated[str, typer.Option(help="An SPDX expression.")]
BarsFile = Annotated[Path | None, typer.Option("--bars", help="TOML file of what is asked of a candidate.")]
OutFolder = Annotated[Path, typer.Option("--out", help="Folder for what is made.")]
Chart = Annotated[Path | None, typer.Option(help="Draw it into this .svg or .png file.")]
BUILD = Path("build/learning")


@learning.command(
    epilog="Examples: forewarn model drift pump   |   forewarn model drift pump --rows build/backfill/1f3a"
)
def drift(
    name: ModelName, rows: Data = "", labels: Labels = None, minutes: Every = 60, learned_until: Learned = "",
    reference: Reference = 60, recent: Recent = 14, memory: Memory = "512MiB", chart: Chart = None,
    as_json: AsJson = False, instance: Instance = "default",
) -> None:  # fmt: skip
    """Look whether machines moved away from what a model learned: what, which, since when, why. Nothing is changed."""
    live, telling = _parts()
    _check_chart(chart)
    wanted = _wanted(
        name=name, data=rows, labels=labels, every_min=minutes, learned_until=learned_until, reference_days=reference,
        recent_days=recent, memory=memory,
    )  # fmt: skip
    of = live.Live(_settings(instance), wanted, out, errors)
    seen = of.student.see(of.rows, of.spans)
    telling.show_seen(seen, out, as_json=as_json)
    if chart is not None:
        telling.draw_seen(seen, chart)


# Long, since each of its options stands here once.
@learning.command(
    epilog="Examples: forewarn model update pump --key team-a:team-a.pem   |   forewarn model update pump --rows "
    "build/backfill/1f3a --since 2026-10-01 --key team-a:team-a.pem   |   forewarn model update pump --anew"
)
def update(
    name: ModelName, rows: Data = "", labels: Labels = None, minutes: Every = 60, learned_until: Learned = "",
    reference: Reference = 60, recent: Recent = 14, memory: Memory = "512MiB", simulated: Simulated = None,
    key: Key = "", licence: Licence = "", bars: BarsFile = None, out_folder: OutFolder = BUILD,
    since: Annotated[str, typer.Option(help="Learn from rows since then, whatever moved: 2026-10-01.")] = "",
    anew: Annotated[bool, typer.Option("--anew", help="Train anew on all rows, whatever moved.")] = False,
    instance: Instance = "default",
) -> None:  # fmt: skip
    """Do one round: judge the candidate, or look for drift, refit on rows since then, and offer what passes the gate.

    It is promoted as `model judge` does: where it is better, and FOREWARN_AUTO_PROMOTE names the model.
    """
    _parts()
    from pipelines.cli.learning import rounds

    wanted = _wanted(
        name=name, data=rows, labels=labels, every_min=minutes, learned_until=learned_until, reference_days=reference,
        recent_days=recent, memory=memory, simulated=simulated, key=key, licence=licence, bars=bars, out=out_folder,
    )  # fmt: skip
    since_us = _time("--since", since)
    settings = _settings(instance)
    rounds.once(settings, wanted, rounds.May(True, name in settings.auto_promoted, since_us, anew), out, errors)


@learning.command(
    epilog="Example: FOREWARN_AUTO_UPDATE=pump FOREWARN_AUTO_PROMOTE=pump forewarn model learn pump --every 24h "
    "--key team-a:team-a.pem --labels labels.jsonl"
)
def learn(
    name: ModelName, every: Annotated[str, typer.Option(help="From one round to the next: 24h.")] = "24h",
    anew_every: Annotated[str, typer.Option(help="Train anew after so long, if at all: 180d.")] = "",
    labels: Labels = None, minutes: Every = 60, reference: Reference = 60, recent: Recent = 14,
    memory: Memory = "512MiB", key: Key = "", licence: Licence = "", bars: BarsFile = None,
    out_folder: OutFolder = BUILD, instance: Instance = "default",
) -> None:  # fmt: skip
    """Follow the plant: rounds of `model update` by itself, until ended.

    It tells of drift always, updates what FOREWARN_AUTO_UPDATE names, promotes what FOREWARN_AUTO_PROMOTE names.
    """
    import time

    _parts()
    from models.plant.durations import seconds
    from pipelines.cli.learning import rounds

    every_s = seconds(every)
    if every_s < LEAST_EVERY_S:
        raise typer.BadParameter(f"--every {every}: give {LEAST_EVERY_S} s at least")
    wanted = _wanted(
        name=name, labels=labels, every_min=minutes, reference_days=reference, recent_days=recent, memory=memory,
        key=key, licence=licence, bars=bars, out=out_folder,
    )  # fmt: skip
    rounds.follow(
        _settings(instance), wanted, every_s, seconds(anew_every) if anew_every else None, out, errors, time.sleep
    )


@learning.command(epilog="Example: forewarn model history pump --chart history.svg")
def history(
    name: Annotated[str, typer.Argument(help="A model's name; all if not given.")] = "", chart: Chart = None,
    as_json: AsJson = False, instance: Instance = "default",
) -> None:  # fmt: skip
    """Tell what moved, what was tried, and what was promoted, given up or refused, and why."""
    live, telling = _parts()
    _check_chart(chart)
    told = live.told_of(_settings(instance), name)
    telling.show_history(told, out, as_json=as_json)
    if chart is not None:
        telling.draw_history(told, chart)


def _parts() -> tuple[Any, Any]:
    """The modules of the work, which need what training needs."""
    from pipelines.cli.training import needing_train

    with needing_train():
        from pipelines.cli.learning import live, telling
    return live, telling


def _settings(instance: str) -> Any:
    from pipelines.settings import Settings

    return Settings(instance=instance)


def _check_chart(chart: Path | None) -> None:
    from pipelines.cli.reliability import check_file

    if chart is not None:
        check_file(chart)


def _time(option: str, text: str) -> int | None:
    from pipelines.cli.backfill.asked import BackfillError, moment

    found = moment(text) if text else None
    if text and found is None:
        raise BackfillError(f"{option} {text} is no time: write 2026-01-31 or 2026-01-31T06:00+01:00")
    return found


def _wanted(
    *, memory: str, key: str = "", licence: str = "", bars: Path | None = None, learned_until: str = "",
    simulated: str | None = None, out: Path = BUILD, data: str = "", **given: Any,
) -> Any:  # fmt: skip
    """A command line with its words read. Raises what tells what is wrong with one."""
    from pipelines.cli.learning.live import Wanted
    from pipelines.cli.promoting import read_bars
    from pipelines.cli.releasing import Signer
    from pipelines.cli.training import mebibytes

    return Wanted(
        memory_mib=mebibytes(memory), signer=Signer(key, licence), bars=read_bars(bars), simulated=simulated, out=out,
        learned_until_us=_time("--learned-until", learned_until), data=data, **given,
    )  # fmt: skip
