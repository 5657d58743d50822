"""Suggestions of process settings for people at a terminal: which there are, what came of them, and their answers.

An answer goes onto the topic; the tuning role, which alone moves a suggestion, hears it there.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table

from connectors.kafka.plain import Start, read
from models.plant import Plant
from models.records import (
    Record,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    TrialRequest,
    TuningSwitch,
    Verdict,
    encode,
    key_of,
)
from models.tuning import wording
from models.tuning.ranking import answered, told
from pipelines.cli.lined import number, say, send
from pipelines.cli.persons import person
from pipelines.cli.planned import readable
from pipelines.cli.planning_error import PlanError
from pipelines.plant_file import PlantFile
from pipelines.settings import Settings
from pipelines.topics import Topic, named

Said = TypeVar("Said", Suggestion, TrialRequest)


class Known(NamedTuple):
    """What the topic says, the newest of each."""

    plant: Plant
    suggestions: dict[str, Suggestion]
    answers: list[SuggestionAnswer]
    effects: dict[str, SuggestionEffect]
    refused: list[SuggestionRefused]
    trials: dict[str, TrialRequest]
    switches: dict[str, TuningSwitch]


def known(settings: Settings) -> Known:
    """Read the topic."""
    plant = PlantFile(settings.plant, settings.site).plant
    found = Known(plant, {}, [], {}, [], {}, {})
    for record in _records(settings, plant):
        match record:
            case Suggestion():
                before = found.suggestions.get(record.id)
                if before is None or record.revision > before.revision:
                    found.suggestions[record.id] = record
            case SuggestionAnswer():
                found.answers.append(record)
            case SuggestionEffect():
                found.effects[record.suggestion] = record
            case SuggestionRefused():
                found.refused.append(record)
            case TrialRequest():
                found.trials[record.id] = record
            case TuningSwitch():
                found.switches[record.asset] = record
    return found


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """All suggestions with what came of them, the newest first, and how answers rank the next."""
    of = known(settings)
    newest = sorted(of.suggestions.values(), key=lambda one: -one.made_us)
    ranking = answered(of.suggestions.values())
    ranks = told(ranking, ranking)
    if as_json:
        said = {"suggestions": newest, "effects": of.effects, "trials": list(of.trials.values()), "ranks": ranks}
        console.out(msgspec.json.encode(said).decode(), highlight=False)
        return
    table = Table("id", "asset", "change", "rate now → expected", "state", "effect so far")
    for one in newest:
        table.add_row(
            one.id[:8], one.asset, wording.changes(one.settings), _rates(one), str(one.state), _effect(of, one)
        )
    console.print(table)
    for refused in of.refused[-3:]:
        console.print(f"refused by {refused.rail} at {refused.asset}: {refused.detail}", highlight=False, markup=False)
    for trial in of.trials.values():
        console.print(
            f"a trial is asked for, {trial.id[:8]}: {wording.changes(trial.settings)}: `forewarn suggestions trial "
            f"{trial.id[:8]}`", highlight=False, markup=False,
        )  # fmt: skip
    console.print(f"ranking: {ranks or 'nothing was rejected: all changes rank alike'}", highlight=False, markup=False)
    for switch in of.switches.values():
        if switch.is_stopped:
            what = switch.asset or "all stations"
            console.print(f"stopped for {what} by {switch.by}: {switch.why}", highlight=False, markup=False)


def detail(settings: Settings, beginning: str, console: Console, *, as_json: bool) -> None:
    """One suggestion with all that it says."""
    of = known(settings)
    one = _named(of.suggestions, beginning)
    if as_json:
        console.out(encode(one).decode(), highlight=False)
        return
    zone = ZoneInfo(of.plant.timezone)
    until = datetime.fromtimestamp(one.valid_until_us / 1e6, zone).strftime("%a %d %b %Y %H:%M")
    lines = {
        "station": f"{one.asset}, {one.product}", "change": wording.changes(one.settings), "why": one.why,
        "rails that bind": ", ".join(one.rails) or "none", "valid until": until, "revert": one.revert,
        "approvals": str(one.approvals), "test anew": one.revalidate, "model": one.model, "state": str(one.state),
        "ended": one.ended, "effect": _effect(of, one),
    }  # fmt: skip
    for name, text in lines.items():
        if text:
            console.print(f"{name + ':':<17}{text}", highlight=False, markup=False, soft_wrap=True)


def answer(
    settings: Settings, beginning: str, said: Verdict, why: str, by: str, values: tuple[str, ...], console: Console,
    *, as_json: bool,
) -> None:  # fmt: skip
    """Put an answer on the topic. Raises PlanError for a suggestion that is not open."""
    of = known(settings)
    one = _named(of.suggestions, beginning)
    if one.state is not SuggestionState.OPEN:
        raise PlanError(
            f"suggestion {one.id[:8]} is {one.state} already: `forewarn suggestions list` has the open ones"
        )
    wished = dict(_value(text) for text in values)
    unknown = set(wished) - {each.parameter for each in one.settings}
    if unknown:
        raise PlanError(
            f"{', '.join(sorted(unknown))} is none of this suggestion, which changes {wording.changes(one.settings)}"
        )
    record = SuggestionAnswer(
        plant=one.plant, suggestion=one.id, answer=said, by=person(settings, by or getpass.getuser()), why=why,
        time_us=time.time_ns() // 1000, values=wished,
    )  # fmt: skip
    record = msgspec.structs.replace(record, time_us=_within(one, record.time_us))
    send(settings, Topic.SUGGESTIONS, [(key_of(one.plant, one.asset), record)])
    say(console, as_json, suggestion=one.id[:8], answer=str(said), by=record.by)


def switch(
    settings: Settings, asset: str, why: str, by: str, console: Console, *, is_stopped: bool, as_json: bool
) -> None:
    """Stop suggestions, or let them go on, at an asset or everywhere."""
    plant = PlantFile(settings.plant, settings.site).plant
    if asset and (plant.tuning is None or asset not in plant.tuning.stations):
        raise PlanError(f"'{asset}' is no station of the plant file: leave --asset out for all of them")
    record = TuningSwitch(
        plant=plant.plant, is_stopped=is_stopped, by=person(settings, by or getpass.getuser()), why=why,
        time_us=time.time_ns() // 1000,
        asset=asset,
    )  # fmt: skip
    send(settings, Topic.SUGGESTIONS, [(key_of(plant.plant, asset), record)])
    say(console, as_json, suggestions="stopped" if is_stopped else "go on", asset=asset or "all stations")


def trial(settings: Settings, beginning: str, file: Path | None, console: Console) -> None:
    """A request for a trial as a document for management of change: to a file, or printed."""
    of = known(settings)
    text = trial_text(of.plant, _named(of.trials, beginning))
    if file is None:
        console.out(text, highlight=False)
        return
    file.write_text(text)
    console.print(f"wrote {file}", highlight=False)


def trial_text(plant: Plant, one: TrialRequest) -> str:
    """The document, in Markdown."""
    made = datetime.fromtimestamp(one.made_us / 1e6, ZoneInfo(plant.timezone)).strftime("%d %b %Y %H:%M")
    rate = one.expected[0]
    rows = [f"| {each.parameter} | {each.unit} | {each.now:g} | {each.proposed:g} |" for each in one.settings]
    low, high = wording.percent(rate.after_low), wording.percent(rate.after_high)
    return "\n".join(
        [
            f"# Request for a trial {one.id[:8]}", "",
            f"Plant {one.plant}, station {one.asset}, product {one.product}; made {made} by model {one.model}.", "",
            "| parameter | unit | now | in the trial |", "|---|---|---|---|", *rows, "",
            f"Why: {one.why}.", "",
            f"Expected defect rate: {wording.percent(rate.before)} now, {wording.percent(rate.after)} in the trial "
            f"({low} to {high}, 80 %).", "",
            f"Parts in each arm: {one.parts}, to show it in four of five cases at 95 %.", "",
            f"Rails that bind: {', '.join(one.rails) or 'none'}.", "",
            f"Revert: {one.revert}", "",
            f"To be tested anew: {one.revalidate or 'nothing is named in the plant file'}.", "",
            "Decision (management of change): approved / not approved    by:            date:", "",
        ]
    )  # fmt: skip


def _records(settings: Settings, plant: Plant) -> Iterator[Record]:
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.SUGGESTIONS), Start.BEGINNING):
        one = readable(record.value)
        if one is not None and one.plant == plant.plant:  # type: ignore[attr-defined] # all of this topic have one
            yield one


def _named(of: dict[str, Said], beginning: str) -> Said:
    found = [one for id_, one in of.items() if id_.startswith(beginning)]
    if len(found) != 1:
        raise PlanError(
            f"{len(found) or 'none'} of {len(of)} begins with '{beginning}': `forewarn suggestions list` shows them"
        )
    return found[0]


def _within(one: Suggestion, now_us: int) -> int:
    """The time of an answer: a plant that is replayed lives in its past, where the suggestion was made.

    A clock that is a bit behind the one of whoever suggested would have the answer come before it.
    """
    return now_us if one.made_us <= now_us < one.valid_until_us else one.made_us


def _value(text: str) -> tuple[str, float]:
    name, is_there, told = text.partition("=")
    if not is_there:
        raise PlanError(f"--set {text}: write PARAMETER=NUMBER, as current_ka=9.2")
    return name, float(number(told, "--set", name))


def _rates(one: Suggestion) -> str:
    rate = one.expected[0]
    return f"{wording.percent(rate.before)} → {wording.percent(rate.after)}"


def _effect(of: Known, one: Suggestion) -> str:
    found = of.effects.get(one.id)
    if found is None:
        return one.ended
    return (
        f"{found.verdict}: {found.after.defects} of {found.after.parts} ({wording.percent(found.after.low)} to "
        f"{wording.percent(found.after.high)}) after {found.before.defects} of {found.before.parts}"
    )
