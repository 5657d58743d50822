"""The plant file of a running installation is written to: workers go over to it, but not where it is wrong."""

from __future__ import annotations

import pytest

from connectors.kafka.plain import read
from models.records import Frame, PlantChange, decode
from pipelines.topics import Topic, named
from tests.kit import tiny
from tests.kit.installation import PARTITIONS, Installation
from tests.kit.streams import MINUTE_US, START_US

pytestmark = pytest.mark.servers

RUNS = "[types.pump.signals.is_running]"
FLOW = '[types.pump.signals.flow_m3_h]\nkind = "gauge"\n'
RANGE = "range = [0, 25]", "range = [0, 100]"
WIDER = f'{tiny.PLANT_TOML.replace(*RANGE, 1).replace(RUNS, FLOW + RUNS)}[assets.pump-09]\ntype = "pump"\n'
LOOKS_S = 30
"""Two looks, and the time that a busy machine needs."""


def frame(asset: str, minute: int, **signals: float) -> Frame:
    time_us = START_US + minute * MINUTE_US
    columns = {name: [value] for name, value in signals.items()}
    return Frame(plant="tiny", asset=asset, source="test", times_us=[time_us], signals=columns)


def stored(installation: Installation) -> set[tuple[str, int, float]]:
    """Asset, minute and pressure of all pumps' rows."""
    rows = installation.stored("pump")
    columns = rows["asset"], rows["time_us"], rows["pressure_bar"]
    return {(asset, (us - START_US) // MINUTE_US, bar) for asset, us, bar in zip(*columns, strict=True)}


def changes(installation: Installation) -> list[int]:
    """Partitions that have a change of the plant on the log."""
    topic = named(installation.settings.topic_prefix, Topic.RECORDS)
    records = ((record.partition, decode(record.value or b"")) for record in read(installation.settings.kafka, topic))
    return sorted(partition for partition, record in records if isinstance(record, PlantChange))


def test_a_worker_goes_over_to_a_changed_plant_file_and_not_to_a_wrong_one(servers, tmp_path):
    with Installation(tmp_path) as installation:
        file, worker = installation.settings.plant, installation.worker()
        installation.send([frame("pump-01", m, pressure_bar=5.0) for m in range(3)])
        installation.send([frame("pump-09", 0, pressure_bar=5.0), frame("pump-01", 3, pressure_bar=99.0)])
        installation.finish()
        assert stored(installation) == {("pump-01", m, 5.0) for m in range(3)}

        file.write_text(WIDER)
        installation.wait(lambda: changes(installation) == list(range(PARTITIONS)), LOOKS_S)
        new = [frame("pump-09", 4, pressure_bar=6.0), frame("pump-01", 4, pressure_bar=98.0, flow_m3_h=7.0)]
        installation.send(new)
        installation.finish()
        over = {("pump-09", 4, 6.0), ("pump-01", 4, 98.0)}
        assert over < stored(installation) and len(stored(installation)) == 5
        assert 7.0 in installation.stored("pump")["flow_m3_h"].to_list()

        file.write_text(WIDER.replace('kind = "gauge"', 'kind = "gouge"', 1))
        installation.wait(lambda: "signals.pressure_bar.kind" in installation.told(), LOOKS_S)
        assert "plant.toml: line 7" in installation.told()
        installation.send([frame("pump-09", 5, pressure_bar=6.5)])
        installation.finish()
        assert ("pump-09", 5, 6.5) in stored(installation)
        file.write_text(WIDER)
        installation.stop(worker)

        file.write_text(tiny.PLANT_TOML)  # while no worker runs: the next one says so to each partition
        installation.worker()
        installation.wait(lambda: len(changes(installation)) == 2 * PARTITIONS, LOOKS_S)
        installation.send([frame("pump-09", 6, pressure_bar=6.0), frame("pump-01", 6, pressure_bar=5.5)])
        installation.finish()
        found = stored(installation)
        assert ("pump-01", 6, 5.5) in found and ("pump-09", 6, 6.0) not in found
        assert len(changes(installation)) == 2 * PARTITIONS
