"""What was looked at, done and told, for people, for machines, and as pictures. Nothing is looked at or done here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from models.alerting.wording import clock
from models.records import Drift, ModelUpdate
from onnx_export.drift import Finding, Verdict
from pipelines.cli.learning.student import Seen
from pipelines.cli.report.plots import BAD, GOOD, QUIET, STYLE

SHOWN = 20
"""Findings that stay that are listed for people; --json has all."""
PRECISION = "average_precision of {} data, {}"


def seen_lines(seen: Seen) -> list[str]:
    """Each cause in a line, or that nothing moved."""
    if not seen.told:
        return ["nothing moved from what the model learned"]
    return [
        f"{one.cause}: {one.reason} (since {clock(one.since_us)}); "
        f"{'a refit may learn it' if one.may_update else 'it is not learned'}"
        for one in seen.told
    ]


def show_seen(seen: Seen, console: Console, *, as_json: bool) -> None:
    """Print findings, those that moved first, and causes."""
    if as_json:
        console.out(json.dumps(_said(seen)), highlight=False)
        return
    table = Table("what", "how", "verdict", "value", "bar", "on")
    moved = [one for one in seen.findings if one.verdict is Verdict.MOVED]
    stays = sorted((one for one in seen.findings if one.verdict is not Verdict.MOVED), key=_over, reverse=True)
    for one in [*moved, *stays[:SHOWN]]:
        on = ", ".join(one.assets) if one.verdict is Verdict.MOVED else ""
        table.add_row(one.what, str(one.shape), str(one.verdict), f"{one.value:.3g}", f"{one.bar:.3g}", on)
    console.print(table)
    if len(stays) > SHOWN:
        console.print(f"and {len(stays) - SHOWN} that stay: --json has all", highlight=False)
    for line in seen_lines(seen):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def draw_seen(seen: Seen, file: Path) -> None:
    """How far each finding is from its bar, and which passed it."""
    findings = sorted((one for one in seen.findings if _over(one) > 0), key=_over)[-40:]
    colours = [BAD if one.verdict is Verdict.MOVED else QUIET for one in findings]
    with _figure(file, (8.0, 1.0 + 0.22 * max(4, len(findings)))) as axis:
        axis.barh([f"{one.what}, {one.shape}" for one in findings], [_over(one) for one in findings], color=colours)
        axis.axvline(1.0, color=QUIET, ls="--", lw=1)
        axis.set_xlabel("value over its bar")


def show_history(told: Sequence[Drift | ModelUpdate], console: Console, *, as_json: bool) -> None:
    """Print drift and updates, in order of time."""
    if as_json:
        console.out(json.dumps([msgspec.to_builtins(one) for one in told]), highlight=False)
        return
    if not told:
        console.print("nothing was told of yet: `forewarn model learn` looks by itself", highlight=False, markup=False)
    for one in told:
        console.print(f"{clock(one.time_us)}: {said(one)}", highlight=False, markup=False, soft_wrap=True)


def said(one: Drift | ModelUpdate) -> str:
    """In one line."""
    if isinstance(one, Drift):
        return f"{one.version} drifts, {one.cause}: {one.detail} (since {clock(one.since_us)})"
    whom = one.candidate or one.parent or one.name
    why = ": ".join(part for part in (one.reason, one.detail.removeprefix(f"{one.reason}: ")) if part)
    rests = f" ({one.events} independent failures)" if one.events else ""
    return f"{whom}: {one.step}{': ' if why else ''}{why}{rests}"


def draw_history(told: Sequence[Drift | ModelUpdate], file: Path) -> None:
    """Average precision of each update, of parent and candidate on old and on new data, with drift as lines."""
    offers = [
        one for one in told if isinstance(one, ModelUpdate) and PRECISION.format("new", "candidate") in one.figures
    ]
    with _figure(file, (8.0, 4.0)) as axis:
        for when, mark in (("new", "o"), ("old", "s")):
            for whose, colour in (("parent", QUIET), ("candidate", GOOD)):
                at = [one.time_us / 86_400e6 for one in offers]
                axis.plot(
                    at, [one.figures[PRECISION.format(when, whose)] for one in offers], mark, color=colour,
                    label=f"{whose} on {when} data",
                )  # fmt: skip
        for one in told:
            if isinstance(one, Drift):
                axis.axvline(one.since_us / 86_400e6, color=BAD, lw=0.8, ls=":")
        axis.set(xlabel="days since 1970; dotted: drift since", ylabel="average precision within 72 h", ylim=(0, 1))
        axis.legend(loc="lower right")


@contextmanager
def _figure(file: Path, size_in: tuple[float, float]) -> Iterator[Any]:
    """Axes of a picture that is written at the end, in the format that its file's name ends in."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE | {"svg.hashsalt": "forewarn", "figure.facecolor": "white"}):
        figure = Figure(figsize=size_in, layout="constrained")
        yield figure.subplots()
        figure.savefig(file, format=file.suffix.removeprefix("."))


def _over(one: Finding) -> float:
    value = one.value / one.bar if one.bar else 0.0
    return value if value == value else 0.0


def _said(seen: Seen) -> dict[str, object]:
    return {
        "findings": [_plain(one) for one in seen.findings],
        "causes": [
            {"cause": one.cause, "reason": one.reason, "assets": one.assets, "since_us": one.since_us,
             "may_update": one.may_update}
            for one in seen.told
        ],
    }  # fmt: skip


def _plain(one: Finding) -> dict[str, object]:
    return {
        "kind": one.kind, "what": one.what, "shape": one.shape, "verdict": one.verdict, "assets": one.assets,
        "since_us": one.since_us, "value": _number(one.value), "bar": _number(one.bar), "events": one.events,
    }  # fmt: skip


def _number(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None
