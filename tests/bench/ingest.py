"""From Kafka to InfluxDB 2.7, ours against others, on the same topic: `make bench ONLY=ingest`, some 20 minutes.

Ours is a `forewarn worker` that decodes, validates, bins, scores each asset once a minute of its rows, publishes and
stores; the others decode and store. Each is one process that writes into a bucket of its own, in turn, for some rounds;
figures are medians. tests/kit/contest.py says how they are measured. Slow ones read a shorter stretch of the topic, and
the table says how long. `BENCH_QUICK=1` is for trying: a tenth of the rows and one round, which the first bar refuses.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from connectors.kafka.admin import KafkaAdmin
from pipelines.cli import environment
from pipelines.main import influx_target
from pipelines.settings import Settings
from pipelines.topics import Topic, named
from tests.kit import ingest_picture, peers
from tests.kit.bench import ROOT, Row, report
from tests.kit.contest import NOTHING, Contender, Measured, measure
from tests.kit.ground import QUICK, installation, servers, topics
from tests.kit.loads import SIGNALS, Load, fill

ROWS, ROUNDS = (300_000, 1) if QUICK else (3_000_000, 3)
BREADTH_ROWS = 1_200_000 if QUICK else 1_800_000
"""Two or three minutes of 10,000 assets, so that there are forecasts. One round, since they give no rates."""
MIB = 1024.0
OURS = "Forewarn"
TELEGRAFS_FIELDS = tuple(f"signals_{name}_0" for name in SIGNALS)


@dataclass
class Contest:
    """A topic with a load, those who read it, and what was measured of them."""

    name: str
    settings: Settings
    load: Load
    folder: Path
    contenders: dict[str, Callable[[str], Contender]] = field(default_factory=dict)
    found: dict[str, list[Measured]] = field(default_factory=dict)
    forecasts: list[int] = field(default_factory=list)

    def prepare(self) -> None:
        """Make topics and load."""
        topics(self.settings)
        fill(self.settings, self.load)

    def turn(self, number: int) -> None:
        """Each once, beginning with another one each time."""
        names = list(self.contenders)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            before = self._forecasts()
            told = f"{self.name}-{name.replace(' ', '-')}-{number}".lower()
            try:
                one = measure(self.contenders[name](told), self.folder / f"{told}.log")
            except AssertionError as failed:  # told here and in the table, where its bars do not hold
                print(f"{self.name}, round {number + 1}, {name}: {failed}", file=sys.stderr, flush=True)
                one = NOTHING
            self.found.setdefault(name, []).append(one)
            said = (
                f"{one.rate:,.0f} rows/s, {one.cpu_s:.1f} CPU-s a million, {one.peak_mib:,.0f} MiB, {one.seconds:.1f} s"
            )
            if name == OURS:
                self.forecasts.append(self._forecasts() - before)
                said += f", {self.forecasts[-1]:,} forecasts"
            print(f"{self.name}, round {number + 1}, {name}: {said}", file=sys.stderr, flush=True)

    def _forecasts(self) -> int:
        with KafkaAdmin(self.settings.kafka, self.settings.topic_prefix) as admin:
            return sum(admin.end_offsets(Topic.FORECASTS).values())

    def each(self, name: str, of: str) -> list[float]:
        """By round."""
        return [getattr(one, of) for one in self.found[name]]

    def median(self, name: str, of: str) -> float:
        """Of the rounds; NaN where one failed."""
        return Row.of(self.each(name, of), name=name, unit="").value

    def rows(self) -> list[Row]:
        """What was measured, and over how many rows."""
        over = {name: f"{self.contenders[name]('').rows:,}" for name in self.contenders}
        units = {"rate": "rows/s", "cpu_s": "CPU-s a million rows", "peak_mib": "MiB at the peak"}
        rows = [
            Row.of(
                self.each(name, of),
                name=f"{self.name}: {name}, {over[name]} rows",
                unit=unit,
                at_most=of != "rate",
                peer=None if name == OURS else name,
                ours=None if name == OURS else self.median(OURS, of),
            )
            for of, unit in units.items()
            for name in self.contenders
        ]
        return [*rows, Row.of(self.forecasts, name=f"{self.name}: forecasts of {OURS} meanwhile", unit="")]

    def ours(self, told: str) -> Contender:
        """A worker, a group and a bucket of its own each time."""
        settings = self.settings.model_copy(update={"group": told, "influx_bucket": told})
        return Contender(
            name=OURS,
            command=[sys.executable, "-m", "pipelines.cli", "worker"],
            environ=environment(settings),
            target=influx_target(settings),
            rows=self.load.total,
        )

    def peer(self, name: str, command: list[str], share: float, told: str) -> Contender:
        """Another program, which stores a share of the topic."""
        target = influx_target(self.settings).with_bucket(told)
        environ: Mapping[str, str] = {
            "BENCH_KAFKA": self.settings.kafka,
            "BENCH_TOPIC": named(self.settings.topic_prefix, Topic.RECORDS),
            "BENCH_GROUP": told,
            "BENCH_INFLUX_URL": target.url,
            "BENCH_INFLUX_TOKEN": target.token,
            "BENCH_INFLUX_ORG": target.org,
            "BENCH_INFLUX_BUCKET": told,
            "PYTHONPATH": str(peers.FOLDER),
        }
        rows = round(self.load.total * share)
        fields = TELEGRAFS_FIELDS if name == "Telegraf" else SIGNALS
        return Contender(name=name, command=command, environ=environ, target=target, rows=rows, fields=fields)


def contest(name: str, folder: Path, given: Mapping[str, str], load: Load) -> Contest:
    """One with ours in it."""
    made = Contest(name, installation(name, folder, given, load.assets), load, folder)
    made.contenders[OURS] = made.ours
    return made


def add_peers(made: Contest, shares: Mapping[str, float]) -> None:
    """Add those named; each stores its share of the topic."""
    python = str(peers.python())
    commands = {
        "Telegraf": [str(peers.telegraf()), "--config", str(peers.FOLDER / "telegraf" / "telegraf.conf")],
        "Quix Streams": [python, str(peers.FOLDER / "quix.py")],
        "Bytewax": [python, "-m", "bytewax.run", "bytewax_flow:flow"],
        "plain Faust": [python, "-m", "faust", "-A", "plain_faust", "-L", "uvloop", "worker", "-l", "warn"],
    }
    for name, share in shares.items():
        made.contenders[name] = partial(made.peer, name, commands[name], share)


def main() -> None:
    with tempfile.TemporaryDirectory() as named_folder, servers(Path(named_folder)) as given:
        folder = Path(named_folder)
        single = contest("single", folder, given, Load(rows=ROWS))
        add_peers(single, {"Telegraf": 1, "Quix Streams": 1 / 3, "Bytewax": 1 / 3, "plain Faust": 1 / 12})
        frames = contest("frames", folder, given, Load(rows=ROWS, rows_a_frame=60))
        add_peers(frames, {"Quix Streams": 1, "Bytewax": 1, "plain Faust": 1 / 3})
        few = contest("10-assets", folder, given, Load(rows=BREADTH_ROWS, assets=10))
        many = contest("10000-assets", folder, given, Load(rows=BREADTH_ROWS, assets=10_000))
        contests = [single, frames, few, many]
        for each in contests:
            each.prepare()
        for number in range(ROUNDS):
            for each in (single, frames):
                each.turn(number)
        for each in (few, many):
            each.turn(0)
    figures = [row for each in contests for row in each.rows()]
    picture = ROOT / ("build/bench/ingest.svg" if QUICK else "infra/pictures/ingest.svg")
    ingest_picture.draw(single, frames, picture)
    report("ingest", [*figures, *bars(single, frames, few, many)], quick=QUICK)


def bars(single: Contest, frames: Contest, few: Contest, many: Contest) -> list[Row]:
    """What has to hold."""
    telegraf = single.median("Telegraf", "rate")
    spent = many.median(OURS, "cpu_s") / few.median(OURS, "cpu_s")

    def over(name: str, bar: float) -> Row:
        times = single.median(OURS, "rate") / single.median(name, "rate")
        return Row(name=f"single: {OURS} over {name}", value=times, unit="x", bar=bar, peer=name)

    times = frames.median(OURS, "rate") / telegraf
    peak = many.median(OURS, "peak_mib")
    return [
        Row(name="single-row messages on the topic", value=single.load.total, unit="", bar=3_000_000),
        over("Telegraf", 1.0),
        over("Quix Streams", 2.0),
        over("plain Faust", 8.0),
        Row(name=f"{OURS} on frames over Telegraf on single rows", value=times, unit="x", bar=2, peer="Telegraf"),
        Row(name="10,000 assets in one worker, at the peak", value=peak, unit="MiB", bar=2 * MIB, at_most=True),
        Row(name="CPU a row, 10,000 assets over 10", value=spent, unit="x", bar=1.3, at_most=True),
    ]


if __name__ == "__main__":
    main()
