"""`forewarn budget` in words and tables, the same on the terminal and on the page. Texts are plain here."""

from __future__ import annotations

from collections.abc import Iterator

from models.alerting.budget import PRIOR_WEEKS
from models.alerting.life import Threshold
from models.alerting.precision import Precision
from pipelines.cli.budget.figures import Figures, OfAsset, OfBudget, Worked
from pipelines.cli.report.sections import Grid, Plot, Section
from pipelines.cli.watching import clock

HOW = (
    "A warning is unfounded when no failure of its machine follows within 168 h of its opening, and anew for each "
    "168 h that it stays open; undecided where history ends before, or a repair came first. What was open when the "
    "span began opens in it anew.",
    "An asset's part of the budget goes by its criticality (A 4, B or nothing said 2, C 1) times the square root of "
    "its cost of downtime over the median cost, held to 1/2 ... 2.",
    f"What is expected of an asset is its own count, drawn to that of those it was chosen with as by {PRIOR_WEEKS:g} "
    "weeks of theirs.",
    "Thresholds are shown on the history that they were chosen on. On another they do worse; how much worse, the "
    "second half of history tells for those chosen on the first.",
)


MOST_CAUGHT = (
    "Thresholds are those that would have kept the budget on this history and caught most failures, of these those "
    "with the longest median lead (168 h at most), of these the most sensitive: a budget is there to be spent."
)
CHEAPEST = (
    "Thresholds are those that would have kept the budget on this history and cost least, a missed failure and an "
    "unfounded warning costing as the plant says; of these those with the longest median lead (168 h at most), of "
    "these the most sensitive. Where no failure is known, cost would choose silence: there the budget is spent."
)


def title(figures: Figures) -> str:
    """What it is about."""
    return f"Budget of {figures.plant}, on {clock(figures.from_us)} to {clock(figures.to_us)} UTC"


def sections(figures: Figures) -> tuple[Section, ...]:
    """All of it, in the order of reading."""
    return (
        Section("In short", tuple(_short(figures))),
        Section("What each asset gets", tuple(_unheard(figures)), (_grants(figures), _history(figures))),
        Section("Tighter and looser", (), (_budgets(figures),), (Plot.BUDGETS,)),
        *_costs(figures),
        Section("Precision", tuple(_precision(figures))),
        Section("How it is reckoned", (*HOW, CHEAPEST if figures.budget.missed_to_unfounded else MOST_CAUGHT)),
    )


def _short(figures: Figures) -> Iterator[str]:
    budget, chosen = figures.budget, figures.chosen
    people = "engineer" if budget.engineers == 1 else "engineers"
    yield (
        f"{budget.unfounded_per_engineer_week:g} unfounded warnings a week for each of {budget.engineers:g} {people}: "
        f"{budget.per_week:g} a week over {len(figures.assets)} assets."
    )
    yield f"As it is today, {figures.weeks:.1f} weeks of history would have had {_said(figures.today)}."
    yield f"With thresholds by this budget: {_said(chosen)}."
    yield f"Chosen on the first half of history alone, on the second they would have had {_worked(figures.held_out)}."
    if figures.others:
        yield (
            f"The run had {figures.others} unfounded warnings of rules alone: they are in these rates, and taken off "
            "the budget."
        )
    if not chosen.is_kept:
        yield "THE BUDGET CANNOT BE KEPT by any threshold that was tried; where so, the fewest unfounded are shown."
    if not chosen.worked.failures:
        yield "No failure is known of this history, so every warning counts as unfounded that is not undecided."
    for of_type, basis in sorted(figures.bases.items()):
        yield f"The model of {of_type}, {figures.models[of_type]}, learnt its chances from {basis}."
    if figures.every_min > 1:
        yield (
            f"History was scored every {figures.every_min} minutes, live scores every minute: persistences are rounded "
            "up to that."
        )


def _said(of: OfBudget) -> str:
    return f"{_worked(of.worked)}, {of.had_per_engineer_week:.2f} per engineer and week"


def _worked(worked: Worked) -> str:
    caught = f"{worked.caught} of {worked.failures} failures caught, " if worked.failures else ""
    lead = "" if worked.median_lead_h is None else f"median lead {worked.median_lead_h:.0f} h, "
    return f"{worked.warnings} warnings: {caught}{lead}{worked.unfounded} unfounded"


def _unheard(figures: Figures) -> Iterator[str]:
    unheard = [of.asset for of in figures.assets if of.weeks is None]
    if unheard:
        yield (
            f"{len(unheard)} of {len(figures.assets)} assets have no chances in this history; their part of the budget "
            "is kept for them."
        )


def _grants(figures: Figures) -> Grid:
    cost = f"{figures.currency}/h down" if figures.currency else "cost/h down"
    head = ("asset", "criticality", cost, "granted a week", "expected a week", "opens at", "clears", "chosen by")
    return Grid("Unfounded warnings, and the threshold that follows", head, tuple(map(_grant, figures.assets)))


def _grant(of: OfAsset) -> tuple[str, ...]:
    told = of.asset, of.criticality or "-", "-" if of.downtime_cost_per_h is None else f"{of.downtime_cost_per_h:g}"
    granted = f"{of.granted_per_week:.3f}"
    if of.threshold is None or of.today is None:
        return (*told, granted, "-", "-", "-", "no history")
    opens, clears = (_moved(say(of.today), say(of.threshold)) for say in (_opens, _clears))
    return (*told, granted, f"{of.expected_per_week:.3f}", opens, clears, of.chosen_with or "-")


def _opens(threshold: Threshold) -> str:
    return f"{threshold.limit:.0%} for {threshold.open_after} min"


def _clears(threshold: Threshold) -> str:
    return f"under {threshold.clear_share * threshold.limit:.1%} for {threshold.clear_after} min"


def _moved(before: object, after: object) -> str:
    return f"{after}" if before == after else f"{before} -> {after}"


def _history(figures: Figures) -> Grid:
    head = ("asset", "weeks", "warnings", "caught", "unfounded", "undecided", "median lead, h")
    rows = tuple(
        (of.asset, f"{of.weeks:.1f}", *_changes(of.worked_today, of.worked))
        for of in figures.assets
        if of.weeks is not None and of.worked_today and of.worked
    )
    return Grid("What history would have had: as it is today -> by this budget", head, rows)


def _changes(before: Worked, after: Worked) -> tuple[str, ...]:
    pairs = zip(map(str, _counts(before)), map(str, _counts(after)), strict=True)
    return tuple(_moved(was, now) for was, now in pairs)


def _counts(worked: Worked) -> tuple[object, ...]:
    caught = f"{worked.caught}/{worked.failures}"
    return worked.warnings, caught, worked.unfounded, worked.undecided, _hours(worked.median_lead_h)


def _hours(lead_h: float | None) -> str:
    return "-" if lead_h is None else f"{lead_h:.0f}"


def _budgets(figures: Figures) -> Grid:
    head = ("budget", "had per engineer and week", "unfounded", "warnings", "caught", "median lead, h", "precision")
    named = [(f"today's thresholds, budget {figures.budget.unfounded_per_engineer_week:g}", figures.today)]
    named += [(_name(of, figures), of) for of in figures.budgets]
    return Grid("Budgets per engineer and week", head, tuple(_budget(name, of) for name, of in named))


def _name(of: OfBudget, figures: Figures) -> str:
    said = f"{of.unfounded_per_engineer_week:g}" + (" (the plant's)" if of == figures.chosen else "")
    return said if of.is_kept else f"{said}, cannot be kept"


def _budget(name: str, of: OfBudget) -> tuple[str, ...]:
    worked = of.worked
    caught = f"{worked.caught} of {worked.failures}" if worked.failures else "no failure known"
    counts = f"{of.had_per_engineer_week:.2f}", f"{worked.unfounded}", f"{worked.warnings}", caught
    return (name, *counts, _hours(worked.median_lead_h), _share(worked.precision, worked))


def _share(found: Precision | None, worked: Worked) -> str:
    if found is None:
        return "no inspected case"
    return f"{found.share:.0%} ({found.low:.0%} to {found.high:.0%}), {worked.founded} of {worked.inspected} inspected"


def _costs(figures: Figures) -> Iterator[Section]:
    """What each limit would have cost, were it that of all assets."""
    ratio = figures.budget.missed_to_unfounded
    if ratio is None:
        return
    today, now = (_cost(worked, ratio) for worked in (figures.today.worked, figures.chosen.worked))
    said = (
        f"A missed failure costs as much as {ratio:g} unfounded warnings. In unfounded warnings, today's thresholds "
        f"would have cost {today:g}, those by this budget {now:g}."
    )
    head = ("limit of all assets", "cost", "missed", "unfounded", "warnings", "median lead, h")
    rows = tuple(
        (
            _opens(of.threshold), f"{of.cost:g}", f"{of.worked.failures - of.worked.caught} of {of.worked.failures}",
            f"{of.worked.unfounded}", f"{of.worked.warnings}", _hours(of.worked.median_lead_h),
        )
        for of in figures.thresholds
    )  # fmt: skip
    yield Section("Cost", (said,), (Grid("Cost by limit, whatever the budget", head, rows),))


def _cost(worked: Worked, ratio: float) -> float:
    return ratio * (worked.failures - worked.caught) + worked.unfounded


def _precision(figures: Figures) -> Iterator[str]:
    yield "Only warnings that somebody inspected count (--inspected); intervals are Wilson's, of 95 %."
    if figures.unknown:
        yield f"{figures.unknown} warnings of the file of inspected ones are none of this run, and count for nothing."
    for name, of in (("As it is today", figures.today), ("By this budget", figures.chosen)):
        worked = of.worked
        yield f"{name}: {_share(worked.precision, worked)}{_reweighted(figures, worked)}."
    history = figures.failure_rate_of_history
    yield f"In this history machines failed {history:.3g} times a machine-year, over {figures.machine_years:.1f} years."
    if figures.failure_rate is None:
        yield "That is taken for the plant's own rate; where yours is another, say it by --failure-rate."
    elif not history:
        yield "At another rate of failures nothing can be said: this history has none."
    else:
        yield (
            f"At the plant's own rate of {figures.failure_rate:g}: founded warnings go with failures, unfounded ones "
            "do not, so the odds founded : unfounded are multiplied by own rate / rate of history (Bayes)."
        )


def _reweighted(figures: Figures, worked: Worked) -> str:
    found = worked.reweighted
    if found is None:
        return ""
    return (
        f"; at {figures.failure_rate:g} failures a machine-year {found.share:.0%} ({found.low:.0%} to {found.high:.0%})"
    )
