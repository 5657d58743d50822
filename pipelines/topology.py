"""The stages of a step as a table, and pictures: ARCHITECTURE.md shows what is drawn here, a test compares."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from models.release import MOVES
from pipelines.topics import Topic


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A pure step: its module in pipelines.stages, what it takes and gives, and where its effects go."""

    name: str
    takes: str
    gives: str
    publishes: tuple[Topic, ...] = ()
    stores: bool = False


STAGES: tuple[Stage, ...] = (
    Stage(
        name="decode",
        takes="raw records",
        gives="columns per asset type, ticks",
        publishes=(Topic.DEAD_LETTERS, Topic.QUARANTINE, Topic.NOTICES),
    ),
    Stage(
        name="screen",
        takes="columns",
        gives="good samples, rows to store",
        publishes=(Topic.DEAD_LETTERS,),
        stores=True,
    ),
    Stage(name="order", takes="times of rows, ticks, repairs", gives="watermarks, segments"),
    Stage(name="window", takes="good samples by segment", gives="bins, due minutes, features"),
    Stage(name="score", takes="features", gives="chances, drivers", publishes=(Topic.FORECASTS,)),
    Stage(name="shadow", takes="rows of forecasts", gives="what a release says beside", publishes=(Topic.SHADOWS,)),
    Stage(
        name="warn",
        takes="final minutes: rules, health, forecasts",
        gives="cases, what stands",
        publishes=(Topic.FORECASTS, Topic.HEALTH, Topic.ALERTS),
    ),
    Stage(name="ground", takes="baselines that are whole", gives="their versions", publishes=(Topic.BASELINES,)),
    Stage(name="notify", takes="faults, silences", gives="notices", publishes=(Topic.NOTICES,)),
)


def diagram() -> str:
    """The topology as a Mermaid flowchart."""
    lines = [
        "flowchart LR",
        "  feeds([feeds]) --> records[(records)]",
        f"  records --> {STAGES[0].name}",
        "  subgraph Partition",
    ]
    lines += [f"    {a.name} -- {a.gives} --> {b.name}" for a, b in pairwise(STAGES)]
    lines.append("  end")
    for stage in STAGES:
        for topic in stage.publishes:
            lines.append(f"  {stage.name} --> {topic.replace('-', '_')}[({topic})]")
        if stage.stores:
            lines.append(f"  {stage.name} --> influx[(InfluxDB)]")
    lines.append("  Partition -- snapshots --> state[(state)]")
    return "\n".join(lines)


def release_diagram() -> str:
    """The states of a release, and what moves it, as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"  [*] --> {MOVES[0].begin}"]
    return "\n".join([*lines, *(f"  {move.begin} --> {move.to}: {move.cause}" for move in MOVES)])
