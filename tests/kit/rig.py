"""A real rig that ran to failure, through a live partition in memory: test 1 of the IMS bearings, run as a plant would.

Four bearings on one shaft with two accelerometers each, a mean absolute vibration in g about each ten minutes. What a
plant chooses here it knows after its first 24 h of running, and the days that health is learned on are counted in
running time, not picked by what came. What broke at the end is known to the judge alone, in `tests.bench.rig`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace

from connectors.files import table
from connectors.files.table import Map
from models.failure.health import HealthModel
from models.features import Expected, Spec
from models.plant import Plant, content, parse
from models.records import Alert, AnyInput, Health, PlantChange, Tick, decode
from onnx_export.expected import lines
from onnx_export.health_graph import Learned
from onnx_export.health_learn import Made, finish, write
from onnx_export.health_own import own_of, span_of
from pipelines.backfill.features import FOLDER, features_table
from pipelines.driver import Driver
from pipelines.made import LIVE
from pipelines.partition import Partition
from tests.kit.public import ROOT, public

DATA = public("ims_bearing", "merged_dataset_BearingTest_1.csv")
BEARINGS = ("bearing-1", "bearing-2", "bearing-3", "bearing-4")
HOUR_US = 3_600_000_000
HEARD_H = 0.5
"""A row stands for so long at most, as `max_silence` has it."""
OTHERS, WAYS = (1, 2, 3), ("x", "y")
TOLD = {f"vibration_{way}_g": tuple(f"other_{n}_{way}_g" for n in OTHERS) for way in WAYS}
"""What a bearing says of itself, and what the three others say in the same direction."""
WHOLE = {
    f"bearing_{at}_{way}_g": tuple(f"bearing_{other}_{way}_g" for other in range(1, 5) if other != at)
    for at in range(1, 5)
    for way in WAYS
}
"""The same, of the rig as one machine of eight signals."""
BEARING_OF = {name: f"bearing-{name.split('_')[1]}" for name in WHOLE}
TARGETS = {"bearing": TOLD, "rig": WHOLE}
"""By asset type: of which signals something is expected, and from which others."""
ASSETS = {"bearing": BEARINGS, "rig": ("rig",)}


def rule(choice: str, of: str, signals: Sequence[str], **levels: float) -> str:
    """A rule as TOML; it has to be so for an hour, as `SIGNAL.change` of the template `vibration-zones` has it."""
    names = ", ".join(f'"{signal}"' for signal in signals)
    told = "".join(f"{level} = {value:.6g}\n" for level, value in levels.items())
    name = f"{choice} {of} {' '.join(signals)}"
    return f'[[types.bearing.rules]]\nname = "{name}"\nof = "{of}"\nsignals = [{names}]\nfor = "1h"\n{told}'


def quarter(usual_g: float) -> str:
    """A quarter more than its own baseline: ISO 10816's significant change, of what the machine itself reads."""
    step = usual_g / 4
    return "".join(rule("quarter", "change", [own], warning_high=step, hysteresis=step / 5) for own in TOLD)


def proportion(usual_g: float) -> str:
    """ISO 10816-3's zones in proportion, as if bearings that are new stood at the limit of zones A and B.

    Of group 2, rigid, A/B, B/C and C/D are 1.4, 2.8 and 4.5 mm/s. The significant change is a quarter of B/C.
    """
    zone, alarm = usual_g * 2.8 / 1.4, usual_g * 4.5 / 1.4
    step = zone / 4
    return "".join(
        rule("proportion", "level", [own], warning_high=zone, alarm_high=alarm, hysteresis=zone / 10)
        + rule("proportion", "change", [own], warning_high=step, hysteresis=step / 5)
        for own in TOLD
    )


def neighbours(_usual_g: float) -> str:
    """A quarter more than another bearing in the same direction: four alike on one shaft need no baseline."""
    return "".join(
        rule("neighbours", "ratio", [own, other], warning_high=1.25, hysteresis=0.05)
        for own, others in TOLD.items()
        for other in others
    )


def directions(_usual_g: float) -> str:
    """One direction a quarter more than the other of the same bearing."""
    return rule("directions", "ratio", list(TOLD), warning_low=0.8, warning_high=1.25, hysteresis=0.05)


CHOICES = {"quarter": quarter, "proportion": proportion, "neighbours": neighbours, "directions": directions}
"""What plants could write after a day. In g of mean absolute acceleration no ISO zone applies: they are in mm/s RMS."""
DAYS = {"days 2 to 10": (1, 10)}
"""On which health is learned: from the end of a day of running to that of another."""


def type_of(kind: str, rules: str, *, health: bool) -> str:
    """An asset type with its assets, as TOML."""
    head = f"[types.{kind}]\n" + (f'health = "{kind}.health"\n' if health else "")
    expected = {own: ", ".join(f'"{other}"' for other in others) for own, others in TARGETS[kind].items()}
    names = dict.fromkeys([*expected, *(other for others in TARGETS[kind].values() for other in others)])
    each = [
        f'[types.{kind}.signals.{name}]\nkind = "gauge"\nunit = "g"\nmax_silence = "30min"\nrange = [0, 50]\n'
        + (f"expected_from = [{expected[name]}]\n" if name in expected else "")
        for name in names
    ]
    assets = "".join(f'[assets.{name}]\ntype = "{kind}"\n' for name in ASSETS[kind])
    return head + "".join(each) + rules + assets


def plant(*, health: bool) -> Plant:
    """The rig as four bearings with all choices of rules, and as one machine without; with health models or not yet."""
    rules = "".join(choice(record().usual_g) for choice in CHOICES.values())
    return parse(f'plant = "rig"\n{type_of("bearing", rules, health=health)}{type_of("rig", "", health=health)}')


def by() -> Map:
    """The map of the example, with what the other three bearings say, and all of it once more as one machine."""
    shipped = table.read_map(ROOT / "infra" / "examples" / "bearings" / "map.toml")
    column = {(at, way): shipped.assets[name][f"vibration_{way}_g"] for at, name in enumerate(BEARINGS) for way in WAYS}
    others = {
        name: {f"other_{n}_{way}_g": column[(at + n) % len(BEARINGS), way] for n in OTHERS for way in WAYS}
        for at, name in enumerate(BEARINGS)
    }
    assets = {name: shipped.assets[name] | others[name] for name in BEARINGS}
    whole = {f"bearing_{at + 1}_{way}_g": of for (at, way), of in column.items()}
    return replace(shipped, assets=assets | {"rig": whole})


def us(when: datetime) -> int:
    """As records have it."""
    return int(when.replace(tzinfo=UTC).timestamp() * 1e6)


@dataclass(frozen=True)
class Record:
    """The file's rows by time: how long the rig had run by each, and the mean over channels in g."""

    times: tuple[datetime, ...]
    running_h: np.ndarray
    mean_g: np.ndarray

    @property
    def usual_g(self) -> float:
        """What a bearing reads in the first 24 h of running."""
        return float(self.mean_g[self.running_h <= 24.0].mean())

    @property
    def end_us(self) -> int:
        """The last row in which the rig runs: at under half of what is usual it stands."""
        return us(self.times[int(np.flatnonzero(self.mean_g >= self.usual_g / 2)[-1])])

    @property
    def half_us(self) -> int:
        """When half of the running was over."""
        return us(self.day(self.running_h[-1] / 48))

    def day(self, number: float) -> datetime:
        """When so many days of running were over."""
        return self.times[int(np.searchsorted(self.running_h, 24.0 * number))]


@cache
def record() -> Record:
    """What the file holds."""
    found = pl.read_csv(DATA)
    times = found[""].str.to_datetime("%Y-%m-%d %H:%M:%S")
    passed_h = np.diff(times.dt.epoch("s").to_numpy(), prepend=np.nan) / 3600
    means = found.select(pl.mean_horizontal(pl.exclude(""))).to_series().to_numpy()
    return Record(tuple(times.to_list()), np.nancumsum(np.minimum(passed_h, HEARD_H)), means)


def records(change: tuple[int, Plant] | None = None) -> Iterator[AnyInput]:
    """The file's frames with ticks, a change of the plant at a time, and a last tick by which all minutes are final."""
    for one in table.records(DATA, by(), "rig"):
        if change and isinstance(one, Tick) and one.time_us >= change[0]:
            new = change[1].for_workers()
            yield PlantChange(plant=new.plant, version=new.version, content=msgspec.Raw(content.encode(new)))
            change = None
        yield one
    yield Tick(plant="rig", time_us=us(record().times[-1]) + HOUR_US)


class Said(NamedTuple):
    """What a partition said of the whole record."""

    alerts: tuple[Alert, ...]
    healths: tuple[Health, ...]


def live(models: Mapping[str, HealthModel], from_us: int) -> Said:
    """Rules from the first row on, and health models from the moment at which there could be some."""
    alerts: list[Alert] = []
    healths: list[Health] = []
    driver = Driver([Partition(plant(health=False), models)])
    for _, effects in driver.feed(records((from_us, plant(health=True)))):
        for said in (decode(output.value) for output in effects.outputs):
            if isinstance(said, Alert):
                alerts.append(said)
            elif isinstance(said, Health):
                healths.append(said)
    return Said(tuple(alerts), tuple(healths))


@cache
def run(days: str) -> Said:
    """The whole record, with health learned on some days and used from their end on."""
    begin, end = (record().day(number) for number in DAYS[days])
    return live(learned(begin, end), us(end))


def learned(begin: datetime, end: datetime) -> dict[str, HealthModel]:
    """Each type's own health model of a span, made as a plant does: rows, lines of them, rows by those, `own_of`."""
    with TemporaryDirectory() as folder:
        first = Path(folder, "first")
        plain = {kind: blank(kind, tuple(Expected(own, 0.0, ()) for own in of)) for kind, of in TARGETS.items()}
        backfilled(first, plain)
        by_lines = {}
        for kind, made in plain.items():
            spec = HealthModel(made.onnx, made.card).spec
            rows = span_of(first / kind, spec, begin, end).features
            by_lines[kind] = blank(kind, lines(spec, rows, TARGETS[kind]))
        second = Path(folder, "second")
        backfilled(second, by_lines)
        own = {kind: own_of(second / kind, second / kind / f"{kind}.health.json", begin, end) for kind in TARGETS}
        return {made.card.name: HealthModel(made.onnx, made.card) for made in own.values()}


def blank(kind: str, expected: tuple[Expected, ...]) -> Made:
    """A health model that has learned nothing, so that rows of its features are made."""
    spec = Spec.of(parse(f'plant = "rig"\n{type_of(kind, "", health=False)}').types[kind], expected)
    one = np.ones(2 * len(expected))
    axis = np.eye(len(one))[:, :1]
    nothing = Learned(own=one, fleet=one, loadings=axis, variances=one[:1], t2_limit=1.0, spe_limit=1.0)
    rows = np.zeros((8, len(spec.names)), np.float32)
    said = {"basis": "nothing", "trained_on": "nothing", "command": "none", "seeds": {}, "scores": {}}
    return finish(nothing, spec, rows, name=f"{kind}.health", asset_type=kind, **said)


def backfilled(folder: Path, models: Mapping[str, Made]) -> None:
    """For each type a folder as a backfill's run leaves it, with the feature rows of its model; and that model."""
    loaded = {made.card.name: HealthModel(made.onnx, made.card) for made in models.values()}
    partition = Partition(plant(health=True), loaded, pace=LIVE._replace(features=True))
    Driver([partition]).run(records())
    for kind, made in models.items():
        write(folder / kind, made)
        (folder / kind / FOLDER).mkdir()
        looked = [one for one in partition.looked or () if one.assets == ASSETS[kind]]
        pl.concat(map(features_table, looked)).write_parquet(folder / kind / FOLDER / "rows.parquet")
