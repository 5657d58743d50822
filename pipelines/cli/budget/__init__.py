"""`forewarn budget`: what each asset gets of the budget, and what that and other budgets would have done on history.

`history` reads a backfill's folder, `figures` works it out, `sections` says it, `written` makes a plant file of it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.console import Console

from connectors.cmms.labels import read_labels
from models.failure.ends import usable
from models.failure.hazard import Card, Hazard
from models.plant import Budget, Plant
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import PLAN, WHOLE, Results
from pipelines.cli.budget import inspected, picture, written
from pipelines.cli.budget.asked import Asked, BudgetError
from pipelines.cli.budget.figures import Figures, figures
from pipelines.cli.budget.history import read
from pipelines.cli.budget.sections import sections, title
from pipelines.cli.feed import bar
from pipelines.cli.report.page import whole
from pipelines.cli.report.texts import tell
from pipelines.main import read_model, read_plant
from pipelines.settings import Settings

PAGE = "budget.html"


def budget(settings: Settings, asked: Asked, console: Console, errors: Console, *, as_json: bool) -> Figures:
    """Work it out, tell it, write PAGE into the run's folder and thresholds where that was asked for."""
    plant = read_plant(settings.plant, settings.site)
    results = Results(asked.folder)
    found = _figures(settings, asked, plant, results, errors)
    page = whole(title(found), sections(found), (), lambda plot: picture.draw(plot, found))
    (asked.folder / PAGE).write_text(page, encoding="utf-8")
    said = written.write(found, asked.write, settings.plant) if asked.write else None
    if as_json:
        console.out(document(found), highlight=False, end="")
    else:
        tell(title(found), sections(found), console, PAGE)
        console.print(f"also in {asked.folder / PAGE}", highlight=False, markup=False, soft_wrap=True)
    if said:
        (errors if as_json else console).print(said, highlight=False, markup=False, soft_wrap=True)
    return found


def _figures(settings: Settings, asked: Asked, plant: Plant, results: Results, errors: Console) -> Figures:
    cards = _cards(plant, _plan(results), settings.models)
    limits = {of_type: card.warning_limit for of_type, card in cards.items()}
    cases = inspected.read(asked.inspected) if asked.inspected else {}
    labels = usable(read_labels(asked.labels)) if asked.labels else ()
    own = Budget(
        unfounded_per_engineer_week=asked.per_week or plant.budget.unfounded_per_engineer_week,
        engineers=asked.engineers or plant.budget.engineers,
        missed_to_unfounded=asked.missed_to_unfounded or plant.budget.missed_to_unfounded,
    )
    with bar(errors) as progress:
        task = progress.add_task("assets", total=None)

        def told(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        history = read(results, plant, limits, cases, labels, told)
    return figures(plant, history, cards, own, asked.compare, asked.failure_rate)


def _plan(results: Results) -> Plan:
    """The plan of a run that came to its end. Raises BudgetError."""
    if not (results.folder / PLAN).is_file():
        raise BudgetError(f"{results.folder} is no folder of a backfill: name one in build/backfill")
    if not (results.folder / WHOLE).is_file():
        raise BudgetError(f"the backfill in {results.folder} has not come to its end: run it once more with --resume")
    return results.plan


def _cards(plant: Plant, plan: Plan, models: Path) -> dict[str, Card]:
    """What is known of the models by asset type. Raises BudgetError for a run of another plant, or of other models."""
    if plan.plant != plant.plant:
        raise BudgetError(f"the run is of plant '{plan.plant}', the plant file of '{plant.plant}': name its file")
    cards = {}
    for of_type, version in plan.models.items():
        known = plant.types.get(of_type)
        if known is None or known.model is None:
            continue
        model = read_model(models, known.model)
        if not isinstance(model, Hazard):
            raise BudgetError(
                f"model '{known.model}' of type '{of_type}' gives no chances: name a hazard in the plant file"
            )
        card = model.card
        if card.version != version:
            raise BudgetError(
                f"the run scored type '{of_type}' by {version}, live does by {card.version}: thresholds are chances of "
                "one model, so run the backfill once more"
            )
        cards[of_type] = card
    return cards


def document(found: Figures) -> str:
    """The figures for machines."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
