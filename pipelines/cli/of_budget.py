"""`forewarn budget`: its options; the work is in `pipelines.cli.budget`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, errors, out

budget = typer.Typer()


@budget.command(
    "budget",
    epilog="Examples: forewarn budget build/backfill/475f44320915 --compare 0.5,1,2,4   |   "
    "forewarn budget build/backfill/475f44320915 --engineers 2 --write plants/thresholds.toml",
)
def show_budget(
    folder: Annotated[Path, typer.Argument(help="The folder that a backfill of forecasts left.")],
    plant: Annotated[Path | None, typer.Option(help="Plant file or folder, if not that of FOREWARN_PLANT.")] = None,
    engineers: Annotated[
        float | None, typer.Option(min=0.01, help="Reliability engineers, if not as many as the plant file says.")
    ] = None,
    per_week: Annotated[
        float | None, typer.Option(min=0.001, help="Unfounded warnings per engineer and week, if not the plant file's.")
    ] = None,
    missed_to_unfounded: Annotated[
        float | None,
        typer.Option(min=0.001, help="Unfounded warnings that a missed failure costs, if not as the plant file says."),
    ] = None,
    compare: Annotated[str, typer.Option(help="Tighter and looser budgets per engineer and week.")] = "0.5,1,2,4",
    inspected: Annotated[
        Path | None, typer.Option(help="CSV alert_id,found: founded, nothing or not-inspected; for precision.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="File of labels: those confirmed are failures and repairs, too.")
    ] = None,
    failure_rate: Annotated[
        float | None,
        typer.Option(min=1e-6, help="The plant's own failures per machine-year; precision is told for it."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the thresholds as a plant file of their own, in the plant's folder.")
    ] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Show what each asset gets of the budget of unfounded warnings, and what other budgets would have done."""
    from pipelines.cli.budget import budget as run
    from pipelines.cli.budget.asked import Asked, budgets
    from pipelines.settings import Settings

    asked = Asked(
        folder=folder,
        engineers=engineers,
        per_week=per_week,
        missed_to_unfounded=missed_to_unfounded,
        compare=budgets(compare),
        inspected=inspected,
        labels=labels,
        failure_rate=failure_rate,
        write=write,
    )
    settings = Settings(instance=instance) if plant is None else Settings(instance=instance, plant=plant)
    run(settings, asked, out, errors, as_json=as_json)
