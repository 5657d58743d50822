"""Dead letters on real servers: listed, shown, and sent once more after the plant file was mended."""

from __future__ import annotations

import asyncio
import io
import json

import pytest
from msgspec.structs import replace
from rich.console import Console

from connectors.kafka.plain import read
from models.records import Frame, Reject, Tick, encode, key_of
from pipelines.cli import letters
from pipelines.cli.letters import Wanted
from pipelines.topics import partition_of
from tests.kit import bombs, tiny
from tests.kit.installation import PARTITIONS, Installation
from tests.kit.streams import START_US

pytestmark = pytest.mark.servers
ALL = Wanted()


def said(call, *arguments, **options) -> str:
    console = Console(file=io.StringIO(), width=200)
    call(*arguments, console, **options)
    return console.file.getvalue()


def fan(asset: str, second: int, speed: float) -> Frame:
    times = [START_US + second * 1_000_000]
    return Frame(plant="tiny", asset=asset, source="t", times_us=times, signals={"speed_rpm": [speed]})


def pump(second: int, pressure: float) -> Frame:
    times = [START_US + second * 1_000_000]
    return Frame(plant="tiny", asset="pump-01", source="t", times_us=times, signals={"pressure_bar": [pressure]})


def test_letters_are_listed_shown_and_replayed_after_a_mend(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        worker = installation.worker()
        unknown = [fan("fan-09", second, 1400.0 + second) for second in range(20)]
        installation.send([Tick(plant="tiny", time_us=START_US), *unknown, pump(1, 99.0), pump(2, 5.0), b"{rubbish"])
        installation.finish()
        settings = installation.settings
        told = json.loads(said(letters.show_groups, settings, ALL, as_json=True))
        counts = {(one["reason"], one["asset"]): (one["letters"], one["samples"]) for one in told}
        assert counts == {
            ("unknown-asset", "fan-09"): (20, 0), ("out-of-range", "pump-01"): (1, 1), ("not-json", ""): (1, 0)
        }  # fmt: skip
        shown = said(letters.show, settings, Wanted(reason=Reject.OUT_OF_RANGE), 5, as_json=False)
        assert "pressure_bar at 2026-01-01 00:00: 99.0" in shown
        assert "{rubbish" in said(letters.show, settings, Wanted(reason=Reject.NOT_JSON), 5, as_json=False)

        installation.stop(worker)
        (installation.folder / "plant.toml").write_text(tiny.PLANT_TOML + '[assets.fan-09]\ntype = "fan"\n')
        mended = Wanted(reason=Reject.UNKNOWN_ASSET, asset="fan-09")
        refused = said(lambda *a: letters.replay(*a, lambda _question: False), settings, mended)
        assert "nothing sent; 20 records could be" in refused
        installation.worker()
        installation.wait(lambda: "plant-told" in installation.told(), 30)
        assert "20 records sent once more" in said(lambda *a: letters.replay(*a, lambda _q: True), settings, mended)
        installation.finish()
        stored = installation.stored("fan")
        assert stored["asset"].to_list() == ["fan-09"] * 20
        assert stored["speed_rpm"].to_list() == [1400.0 + second for second in range(20)]


def test_a_record_on_the_wrong_partition_is_refused_and_replayed_to_its_own(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        installation.worker()
        astray = encode(replace(pump(1, 5.0), asset="pump-02"))  # bytes go to pump-01's partition
        installation.send([astray, pump(2, 6.0)])
        installation.finish()
        settings = installation.settings
        (told,) = json.loads(said(letters.show_groups, settings, ALL, as_json=True))
        assert (told["reason"], told["asset"], told["letters"]) == ("wrong-partition", "pump-02", 1)
        assert installation.stored("pump")["asset"].to_list() == ["pump-01"]
        mended = Wanted(reason=Reject.WRONG_PARTITION)
        assert "1 records sent once more" in said(lambda *a: letters.replay(*a, lambda _q: True), settings, mended)
        installation.finish()
        assert sorted(installation.stored("pump")["asset"].to_list()) == ["pump-01", "pump-02"]


def test_a_bomb_on_the_log_is_passed_over_by_replay_and_plain_readers(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        settings, place = installation.settings, partition_of(key_of("tiny", "pump-01"), PARTITIONS)
        installation.worker()
        installation.send([b"{rubbish"])
        asyncio.run(bombs.put(settings.kafka, installation.records, place, bombs.BOMBS["80 MiB in snappy"]()))
        installation.send([pump(1, 5.0)])
        installation.finish()
        replayed = said(lambda *a: letters.replay(*a, lambda _q: True), settings, ALL)
        assert "1 records sent once more, 1 cannot be read any more" in replayed
        values = [record.value for record in read(settings.kafka, installation.records)]
        assert values == [b"{rubbish", encode(pump(1, 5.0)), b"{rubbish"]


def test_a_topic_without_letters_says_so(servers, tmp_path) -> None:
    with Installation(tmp_path) as installation:
        assert "no dead letters" in said(letters.show_groups, installation.settings, ALL, as_json=False)
        assert "nothing sent" in said(lambda *a: letters.replay(*a, lambda _q: True), installation.settings, ALL)
