"""`forewarn tune`, `suggestions`, `quality`, `model defects`: their options; the work is in modules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import AsJson, Instance, out

tuning = typer.Typer(no_args_is_help=True)
suggestions = typer.Typer(no_args_is_help=True, help="Suggested process settings: which, what came of them, answers.")
quality = typer.Typer(no_args_is_help=True, help="Parts that stations made, and what was found of them.")
defects = typer.Typer(no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A CSV file.", exists=True, dir_okay=False)]
Which = Annotated[str, typer.Argument(help="Id of a suggestion, or its beginning.")]
By = Annotated[str, typer.Option(help="Who says so; whoever is signed in where not given.")]
Why = Annotated[str, typer.Option(help="Why: it ranks what is suggested later, and people read it.")]
OfAsset = Annotated[str, typer.Option(help="One station; all of them where not given.")]


@tuning.command(epilog="Example: FOREWARN_PLANT=plant.toml forewarn tune")
def tune(instance: Instance = "default") -> None:
    """Suggest process settings by parts and their quality results, until stopped. One process is enough.

    Nothing is written to a machine: people answer, set, and parts show what came of it.
    """
    settings = _settings(instance)
    import asyncio

    from connectors.kafka.clients import check_reachable
    from pipelines.cli import tuning_run as work

    check_reachable(settings.cluster)
    raise typer.Exit(asyncio.run(work.run(settings)))


@suggestions.command(
    "list", epilog="Examples: forewarn suggestions list   |   forewarn suggestions list --json | jq .ranks"
)
def list_suggestions(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Show suggestions, what came of those taken, what rails refused, and how answers rank the next."""
    _suggesting().show(_settings(instance), out, as_json=as_json)


@suggestions.command(epilog="Example: forewarn suggestions show 3f2a")
def show(which: Which, as_json: AsJson = False, instance: Instance = "default") -> None:
    """Show one suggestion: change, why, what is expected, rails that bind, until when, how it is reverted, effect."""
    _suggesting().detail(_settings(instance), which, out, as_json=as_json)


@suggestions.command(epilog="Example: forewarn suggestions accept 3f2a --by anna")
def accept(which: Which, by: By = "", why: Why = "", as_json: AsJson = False, instance: Instance = "default") -> None:
    """Say that people will change the setting so; where two must approve, the second one's word counts."""
    _answer(instance, which, "accepted", why, by, (), as_json)


@suggestions.command(epilog="Example: forewarn suggestions reject 3f2a --why 'tip is due for dressing'")
def reject(
    which: Which, why: Annotated[str, typer.Option(help="Why: it ranks what is suggested later.")], by: By = "",
    as_json: AsJson = False, instance: Instance = "default",
) -> None:  # fmt: skip
    """Say that the setting stays."""
    _answer(instance, which, "rejected", why, by, (), as_json)


@suggestions.command(epilog="Example: forewarn suggestions modify 3f2a --set current_ka=9.1")
def modify(
    which: Which,
    to: Annotated[list[str], typer.Option("--set", help="PARAMETER=NUMBER in its place; many.")],
    by: By = "", why: Why = "", as_json: AsJson = False, instance: Instance = "default",
) -> None:  # fmt: skip
    """Say that people will change it to other values, if they pass the rails as the suggestion did."""
    _answer(instance, which, "modified", why, by, tuple(to), as_json)


@suggestions.command(
    epilog="Examples: forewarn suggestions stop --why 'new tool'   |   forewarn suggestions stop --asset weld-01"
)
def stop(
    asset: OfAsset = "", why: Why = "", by: By = "", as_json: AsJson = False, instance: Instance = "default"
) -> None:
    """The kill switch: suggest nothing more, and withdraw what is open."""
    _suggesting().switch(_settings(instance), asset, why, by, out, is_stopped=True, as_json=as_json)


@suggestions.command(epilog="Example: forewarn suggestions go --asset weld-01")
def go(
    asset: OfAsset = "", why: Why = "", by: By = "", as_json: AsJson = False, instance: Instance = "default"
) -> None:
    """Let suggestions go on after a stop of the same station, or of all."""
    _suggesting().switch(_settings(instance), asset, why, by, out, is_stopped=False, as_json=as_json)


@suggestions.command(epilog="Example: forewarn suggestions trial 3f2a --out trial.md")
def trial(
    which: Annotated[str, typer.Argument(help="Id of a request for a trial, or its beginning.")],
    file: Annotated[
        Path | None, typer.Option("--out", help="A Markdown file to write; printed where not given.")
    ] = None,
    instance: Instance = "default",
) -> None:
    """Write a request for a trial as a document for management of change."""
    _suggesting().trial(_settings(instance), which, file, out)


@quality.command(
    epilog="Example: forewarn quality parts parts.csv   (columns: asset,part,product,time[,units,lot,operator],…)"
)
def parts(file: File, as_json: AsJson = False, instance: Instance = "default") -> None:
    """Publish parts of a CSV file: what each was made at, a column for each parameter and each measured value.

    A column `set_NAME` is what a parameter was set to, where NAME is what was measured. Operators are told by
    pseudonyms alone, made with FOREWARN_MASK_KEY.
    """
    _quality().put_parts(_settings(instance), file, out, as_json=as_json)


@quality.command(
    epilog="Example: forewarn quality results results.csv   (columns: asset,defects,found, part or time[,units,kind])"
)
def results(file: File, as_json: AsJson = False, instance: Instance = "default") -> None:
    """Publish what was found of parts: joined by the part's id, or by the time at which it was made."""
    _quality().put_results(_settings(instance), file, out, as_json=as_json)


@quality.command(epilog="Example: forewarn quality share --epsilon 0.5 --account build/privacy.json --out shared.json")
def share(
    epsilon: Annotated[float, typer.Option(min=0.001, help="What this release costs of the budget.")],
    account: Annotated[Path, typer.Option(help="File of the budget, made at the first release and written by each.")],
    file: Annotated[Path, typer.Option("--out", help="JSON file of the release, for other plants.")],
    budget: Annotated[float, typer.Option(min=0.001, help="All that may ever be spent; counts at the first.")] = 1.0,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Write counts of parts and defects by setting with noise that hides each part (differential privacy, OpenDP)."""
    settings = _settings(instance)
    from pipelines.cli import sharing

    sharing.share(settings, sharing.Wish(epsilon, account, file, budget), out, as_json=as_json)


@defects.command(
    "defects",
    epilog="Examples: forewarn model defects weld-01 --product bracket --out build/models   |   forewarn model defects "
    "weld-01 --product bracket --publish --promote --every 1h",
)
def train_defects(
    asset: Annotated[str, typer.Argument(help="A station of the plant file.")],
    product: Annotated[str, typer.Option(help="The product whose parts are learned from.")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the model and its card.")] = Path(
        "build/models"
    ),
    publish: Annotated[bool, typer.Option(help="Offer it as a release, by the gate that all releases pass.")] = False,
    promote: Annotated[bool, typer.Option(help="With --publish: have it serve, once workers have it loaded.")] = False,
    every: Annotated[str, typer.Option(help="Learn anew after so long, as new results come, until stopped: 1h.")] = "",
    key: Annotated[str, typer.Option(help="NAME:FILE of the key that signs it; none: unsigned.")] = "",
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Learn the chance of a defect from parts and results, held to parts that it had not seen."""
    if promote and not publish:
        raise typer.BadParameter("--promote goes with --publish")
    settings = _settings(instance)
    from pipelines.cli import defect_training as work

    wanted = work.Wanted(asset, product, out_folder, key, is_published=publish, is_promoted=promote)
    work.train(settings, wanted, every, out, as_json=as_json)


def _answer(instance: str, which: str, said: str, why: str, by: str, values: tuple[str, ...], as_json: bool) -> None:
    from models.records import Verdict

    _suggesting().answer(_settings(instance), which, Verdict(said), why, by, values, out, as_json=as_json)


def _suggesting() -> Any:
    from pipelines.cli import suggesting

    return suggesting


def _quality() -> Any:
    from pipelines.cli import quality_files as work

    return work


def _settings(instance: str) -> Any:
    from pipelines.settings import Settings

    return Settings(instance=instance)
