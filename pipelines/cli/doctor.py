"""Looks at each part an installation needs and says what is wrong and what to do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib.util import find_spec

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.console.keys import api_keys
from connectors.influx import admin as influx_admin
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.clients import check_reachable
from connectors.releases import keys
from models.delivery.checks import doubts
from models.plant import Plant
from models.tuning.masking import masked
from pipelines.access import suffices
from pipelines.cli.board import board_of
from pipelines.cli.delivering import BookFile, place_of
from pipelines.cli.faults import told
from pipelines.cli.installed import roles_here
from pipelines.cli.planning_error import PlanError
from pipelines.main import influx_target, read_named, read_plant
from pipelines.releases.moves import said_of
from pipelines.releases.readiness import listed
from pipelines.roles import USERS
from pipelines.settings import Settings
from pipelines.topics import TOPICS, Topic, named

CLOCK_OFF_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing looked at."""

    what: str
    good: bool
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Look at everything; no finding stops the next."""
    checks: tuple[tuple[str, Callable[[Settings], str]], ...] = (
        ("settings", _settings),
        ("packages", _packages),
        ("plant file", _plant),
        ("production", _production),
        ("tuning", _tuning),
        ("subscriptions", _subscriptions),
        ("HTTP API", _api),
        ("models", _models),
        ("Kafka", _kafka),
        ("topics", _topics),
        ("access", _access),
        ("releases", _releases),
        ("InfluxDB", _influx),
        ("clock", _clock),
    )
    return [_finding(what, check, settings) for what, check in checks]


def show(findings: list[Finding], console: Console, as_json: bool) -> None:
    """Print findings as a table or as JSON."""
    if as_json:
        console.out(json.dumps([asdict(finding) for finding in findings]), highlight=False)
        return
    table = Table("", "looked at", "found", box=None)
    for finding in findings:
        mark = "[green]ok[/]" if finding.good else "[red]no[/]"
        table.add_row(mark, finding.what, escape(finding.detail))
    console.print(table)


class Unfit(Exception):
    """A part works but does not fit; the message says what to do."""


def _finding(what: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what=what, good=True, detail=check(settings))
    except Unfit as unfit:
        return Finding(what=what, good=False, detail=str(unfit))
    except Exception as fault:
        line = told(fault)
        if line is None:
            raise
        return Finding(what=what, good=False, detail=line)


def _settings(_: Settings) -> str:
    """Which variables are set; a misspelt one would be heard by nobody."""
    known = [f"FOREWARN_{name.upper()}" for name in (*Settings.model_fields, "servers")]
    given = sorted(name for name in os.environ if name.startswith("FOREWARN_"))
    unknown = [name for name in given if name not in known]
    if unknown:
        told = ", ".join(" or ".join((name, *get_close_matches(name, known, 1))) for name in unknown)
        raise Unfit(f"no setting of Forewarn: {told}. Correct it; a variable of your own needs another beginning")
    return ", ".join(given) or "none is set: local servers and defaults"


def _plant(settings: Settings) -> str:
    plant: Plant = read_plant(settings.plant, settings.site)
    return f"{settings.plant}: plant '{plant.plant}', {len(plant.assets)} assets of {len(plant.types)} types"


def _production(settings: Settings) -> str:
    """What is planned, and what of it cannot be learned. Raises where plans are wanted and the solver is not there."""
    production = read_plant(settings.plant, settings.site).production
    if production is None:
        return "none: the plant file has no [production], so nothing is planned"
    if find_spec("ortools") is None:
        raise PlanError("the plant file has [production], but plans want OR-tools: pip install 'forewarn[plan]'")
    silent = [name for name, one in production.machines.items() if one.power is None]
    told = f"{len(production.products)} products on {len(production.machines)} machines"
    return f"{told}; of {len(silent)} no power is measured: the plant file's word holds" if silent else told


def _packages(_: Settings) -> str:
    """Which roles can run here; no machine has to run all."""
    fit, unfit = roles_here()
    told = f"enough for {', '.join(fit)}"
    return told + "".join(f"; for {name}: {what}" for name, what in unfit.items())


def _tuning(settings: Settings) -> str:
    """Whose settings are suggested. Raises where people would be told by name, or not at all."""
    tuning = read_plant(settings.plant, settings.site).tuning
    if tuning is None:
        return "none: the plant file has no [tuning], so no settings are suggested"
    told = f"{len(tuning.stations)} stations, models {', '.join(sorted(tuning.models)) or 'none yet'}"
    if key := settings.mask_key.get_secret_value():
        try:
            masked("someone", key.encode())
        except ValueError as wrong:
            raise Unfit(f"FOREWARN_MASK_KEY: {wrong}") from wrong
        return told
    return f"{told}; FOREWARN_MASK_KEY is not set: no operator can be named in parts, and who answers is written as is"


def _subscriptions(settings: Settings) -> str:
    """Who is told. Raises where the file cannot be used as it is."""
    if settings.subscriptions is None:
        return "none: FOREWARN_SUBSCRIPTIONS is not set, so nobody is told but by topic and page"
    plant = read_plant(settings.plant, settings.site)
    book = BookFile(settings.subscriptions, plant, place_of(settings, plant)).book
    told = f"{len(book.subscriptions)} subscriptions, {len(book.sinks)} sinks"
    return "; ".join((told, *doubts(book.subscriptions, plant)))


def _api(settings: Settings) -> str:
    """Who may ask. Raises for keys that are none."""
    named = ", ".join(f"{one.name} ({one.role})" for one in api_keys(settings.api_keys).callers())
    issuer = f"whom {settings.oidc_issuer} knows" if settings.oidc_issuer else ""
    return ", ".join(filter(None, (named, issuer))) or "nobody: `forewarn api key` makes keys"


def _models(settings: Settings) -> str:
    plant = read_plant(settings.plant, settings.site)
    hazards = read_named(plant, settings.models)
    return (
        ", ".join(hazard.card.version for hazard in hazards.values())
        or "no type names one: rows are kept, nothing is scored"
    )


def _kafka(settings: Settings) -> str:
    check_reachable(settings.cluster)
    cluster = settings.cluster
    return f"{cluster}, {cluster.protocol}" + (f" as {cluster.user}" if cluster.user else "")


def _topics(settings: Settings) -> str:
    check_reachable(settings.cluster)
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        found = admin.partitions()
    missing = [spec.topic for spec in TOPICS if spec.topic not in found]
    if missing:
        raise Unfit(f"missing: {', '.join(missing)}; a worker makes them, or `forewarn up`")
    wrong = {topic: count for topic, count in found.items() if count != settings.partitions}
    if wrong:
        has = ", ".join(f"{named(settings.topic_prefix, topic)} has {count}" for topic, count in wrong.items())
        if len(set(found.values())) == 1:
            has = f"the topics have {next(iter(found.values()))}"
        raise Unfit(f"FOREWARN_PARTITIONS is {settings.partitions}, but {has}: set it to that")
    return f"{len(found)} topics of {settings.partitions} partitions"


def _access(settings: Settings) -> str:
    """Which roles this user could run, by what Kafka grants it. Raises where it is none."""
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        allowed = admin.allowed()
    fit = [name for name, role in USERS.items() if suffices(role, allowed)]
    if not fit:
        raise Unfit("Kafka allows this user too little for any role: `forewarn access list` says what each needs")
    return f"enough for {', '.join(fit)}"


def _releases(settings: Settings) -> str:
    """Whose are taken, and whether workers have loaded what models' names are to mean."""
    trusted = ", ".join(sorted(keys.public_keys(settings.release_keys))) or "nobody's"
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        if Topic.RELEASES not in admin.partitions():
            raise Unfit(f"the topic {Topic.RELEASES} is missing: a worker makes it, or `forewarn up`")
    board = board_of(settings)
    held = [one for one in board.appointed.values() if one.version]
    for one in held:
        if lacking := board.lacking(one.version, settings.partitions):
            raise Unfit(
                f"{one.version} is not loaded by whoever has partitions {listed(lacking)}: see `forewarn model "
                f"releases`, and whether workers reach {settings.registry_url} (FOREWARN_REGISTRY)"
            )
    means = [said_of(one.name, one.role, one.version, one.asset_type) for one in held]
    return f"taken: {trusted}; {'; '.join(means) or 'nothing is promoted'}"


def _influx(settings: Settings) -> str:
    version = influx_admin.reachable(influx_target(settings))
    influx_admin.ensure(influx_target(settings), settings.retention_days)
    return f"InfluxDB {version.text} at {settings.influx_url}, bucket {settings.influx_bucket}"


def _clock(settings: Settings) -> str:
    """Compare with InfluxDB's clock, by the Date header of its /ping."""
    off_s = time.time() - influx_admin.reachable(influx_target(settings)).clock_s
    if abs(off_s - 0.5) > CLOCK_OFF_S:
        raise Unfit(f"this machine and InfluxDB's differ by {off_s:.0f} s: run a time service (chrony) on both")
    return "agrees with InfluxDB's to the second"
