"""`forewarn rungs`: for each asset type and failure mode, what warnings rest on, how sure that is, and what is missing.

What tells one mode from another stands in that mode's row; what tells none apart, in the row of any. Only files are
read: the plant's, and the cards of models.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.failure.hazard import ENOUGH_FAILURES, Card, confidence_of, says_chance
from models.failure.health import HealthCard
from models.plant import ANY_MODE, AssetType, Plant, Rule
from models.plant.templates import rules_of
from models.records import Confidence, Rung
from pipelines.controls.plant import learned_of
from pipelines.main import read_model


class Standing(Struct, frozen=True, kw_only=True):
    """Where a type stands for a failure mode. `rung` is none where nothing would be said; `needs` is what lifts it.

    `says_chance` is whether a chance may be shown without the label of what it was learned from.
    """

    type: str
    assets: int
    mode: str
    rung: Rung | None
    rests_on: tuple[str, ...]
    confidence: Confidence | None
    says_chance: bool
    needs: str


class Models(Struct, frozen=True, kw_only=True):
    """The models of a type that are there: a hazard, and a health model."""

    hazard: Card | None = None
    health: HealthCard | None = None


def show(plant: Plant, folder: Path, console: Console, *, as_json: bool) -> None:
    """Print where each type stands. Raises ModelError for a model that is there and cannot be used."""
    found = standings(plant, folder)
    if as_json:
        console.out(json.dumps([msgspec.to_builtins(one) for one in found]), highlight=False)
        return
    table = Table("type", "assets", "mode", "rung", "rests on", "confidence", "to climb")
    for one in found:
        rung = f"{_number(one.rung)} {one.rung}" if one.rung else "none"
        row = (one.type, str(one.assets), one.mode, rung, "; ".join(one.rests_on), one.confidence or "", one.needs)
        table.add_row(*map(escape, row))
    console.print(table)


def standings(plant: Plant, folder: Path) -> list[Standing]:
    """Where each type stands, by type and mode; `any` is first. Raises ModelError."""
    return [one for name in plant.types for one in _of_type(name, plant, _models(name, plant, folder), folder)]


def _of_type(name: str, plant: Plant, models: Models, folder: Path) -> Iterator[Standing]:
    kind = plant.types[name]
    rules: dict[str, list[Rule]] = {ANY_MODE: []}
    for rule in rules_of(kind):
        rules.setdefault(rule.mode, []).append(rule)
    yield _of_any(name, plant, rules.pop(ANY_MODE), models, folder)
    for mode, own in sorted(rules.items()):
        yield Standing(
            type=name,
            assets=_assets(name, plant),
            mode=mode,
            rung=Rung.RULES,
            rests_on=(_told(own),),
            confidence=_sureness(own),
            says_chance=False,
            needs=_confirming(own) or "models tell no modes apart: see any",
        )


def _of_any(name: str, plant: Plant, rules: list[Rule], models: Models, folder: Path) -> Standing:
    """The highest rung that speaks, and all that it and those under it rest on."""
    limits = _limited(name, plant)
    speaks_of_some = Rung.RULES if rules_of(plant.types[name]) else None
    rests_on = [_told(rules)] if rules else []
    rests_on += [f"limits of {', '.join(limits)}"] if limits else []
    rung = Rung.RULES if rests_on else None
    confidence = None if rung is None else Confidence.MEDIUM if limits else _sureness(rules)
    if (health := models.health) is not None:
        learned = f"{health.version}, learned from {health.basis}"
        rests_on.append(f"{learned}; surer of a machine once its own usual is known")
        rung, confidence = Rung.TREND, Confidence.LOW
    if (card := models.hazard) is not None:
        rests_on.append(f"{card.version}, learned from {card.basis} and {card.failures} real failures")
        rests_on += _timed(card)
        rung, confidence = Rung.HAZARD, confidence_of(card)
    return Standing(
        type=name,
        assets=_assets(name, plant),
        mode=ANY_MODE,
        rung=rung,
        rests_on=tuple(rests_on),
        confidence=confidence,
        says_chance=card is not None and says_chance(card),
        needs=_needs(rung or speaks_of_some, plant.types[name], models, folder) or _confirming(rules),
    )


def _needs(rung: Rung | None, kind: AssetType, models: Models, folder: Path) -> str:
    """What the next rung asks for."""
    if rung is None:
        return "rules: limits, rules or a template in the plant file"
    if rung is Rung.RULES:
        named = f"{kind.health}" if kind.health else "that `health` names in the plant file,"
        return f"health: 24 h of running, and a model {named} in {folder}"
    had = models.hazard.failures if models.hazard else 0
    if had >= ENOUGH_FAILURES:
        return ""
    asked = "a chance without a label" if rung is Rung.HAZARD else "hazard"
    return f"{asked}: {ENOUGH_FAILURES} independent failures pooled over like assets, has {had}"


def _timed(card: Card) -> list[str]:
    """How far its intervals on time to failure can be relied on, where it has them."""
    of = card.interval
    if of is None:
        return []
    if of.coverage is None:
        return ["time to failure with intervals of 90 % that nobody measured"]
    return [
        f"time to failure with intervals of 90 % that held {100 * of.coverage:.0f} % of {of.held_out} failures held out"
    ]


def _told(rules: list[Rule]) -> str:
    return f"rules {', '.join(rule.name for rule in rules)}"


def _sureness(rules: list[Rule]) -> Confidence:
    """As sure as the surest of them: people agreed to its figures, or not yet."""
    return Confidence.MEDIUM if any(rule.confirmed for rule in rules) else Confidence.LOW


def _confirming(rules: list[Rule]) -> str:
    names = [rule.name for rule in rules if not rule.confirmed]
    return f"confirmed = true, for {', '.join(names)}" if names else ""


def _limited(name: str, plant: Plant) -> list[str]:
    """Signals that have limits, of the type or of an asset of it."""
    of_assets = (asset.limits for asset in plant.assets.values() if asset.type == name)
    limits = [limit for some in (plant.types[name].limits, *of_assets) for limit in some]
    return list(dict.fromkeys(limit.signal for limit in limits))


def _assets(name: str, plant: Plant) -> int:
    return sum(asset.type == name for asset in plant.assets.values())


def _number(rung: Rung) -> int:
    return list(Rung).index(rung) + 1


def _models(name: str, plant: Plant, folder: Path) -> Models:
    """The models that the type names and the folder has."""
    kind = plant.types[name]
    names = [each for each in (kind.model, kind.health) if each and (folder / f"{each}.json").is_file()]
    found = {each: read_model(folder, each) for each in names}
    there = replace(
        kind, model=kind.model if kind.model in found else None, health=kind.health if kind.health in found else None
    )
    learned = learned_of(replace(plant, types={name: there}), found)[name]
    return Models(
        hazard=learned.hazard.card if learned.hazard else None, health=learned.health.card if learned.health else None
    )
