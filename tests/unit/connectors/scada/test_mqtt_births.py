"""After a restart of the feed Sparkplug data by alias are read by the births from before it, and are uncertain."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from connectors.scada.feed import Reading
from connectors.scada.feeds import mqtt
from connectors.scada.feeds.mqtt import sparkplug
from connectors.scada.feeds.mqtt.births import Births
from connectors.scada.feeds.mqtt.shell import MqttFeed, open_feed
from connectors.scada.feeds.mqtt.sparkplug import Sessions
from models.records import Quality, Reject
from pipelines.cli.connect import read_feed
from tests.kit.mqtt_peer import Peer, message
from tests.kit.sparkplug import bdseq, payload
from tests.unit.connectors.scada.test_mqtt_shell import NOW_US, Taken, ended, stays, until
from tests.unit.connectors.scada.test_mqtt_sparkplug import GOOD, SPEED, T_MS, TEMP, UNCERTAIN, born, data, say


def restarted(sessions: Sessions, folder: Path) -> Sessions:
    """What another process knows."""
    Births(folder).keep(sessions.changed())
    new = Sessions()
    for one in Births(folder).load():
        new.restore(one)
    return new


def test_data_by_alias_have_their_name_and_datatype_after_a_restart_and_are_uncertain(tmp_path: Path):
    sessions = restarted(born(), tmp_path)
    node = say(sessions, "NDATA", data(7, double_value=2.5), seq=9)
    device = say(sessions, "DDATA", data(8, int_value=0xFF), device="D", seq=10)
    assert list(node.read.readings) == [Reading("G/E/speed", T_MS * 1000, 2.5, UNCERTAIN)]
    assert list(device.read.readings) == [Reading("G/E/D/in/temp", T_MS * 1000, -1, UNCERTAIN)]
    assert [(doubt.edge, "before this start" in doubt.why) for doubt in node.doubts] == [("E", True)]


def test_its_next_birth_makes_a_restored_node_sure(tmp_path: Path):
    sessions = restarted(born(), tmp_path)
    say(sessions, "NBIRTH", bdseq(4), SPEED, seq=0)
    seen = say(sessions, "NDATA", data(7, double_value=2.5), seq=1)
    assert (seen.read.readings[0].quality, seen.doubts) == (GOOD, ())


def test_a_death_that_comes_after_the_restart_makes_all_of_the_node_bad(tmp_path: Path):
    seen = say(restarted(born(3), tmp_path), "NDEATH", bdseq(3))
    assert {(one.address, one.quality) for one in seen.read.readings} == {
        ("G/E/speed", Quality.BAD),
        ("G/E/D/in/temp", Quality.BAD),
    }


def test_only_a_birth_that_says_something_new_is_written():
    sessions = born()
    assert len(sessions.changed()) == 1
    say(sessions, "NDATA", data(7, double_value=2.5), seq=2)
    say(sessions, "DBIRTH", TEMP | {"int_value": 1, "timestamp": T_MS + 1}, device="D", seq=3)
    assert sessions.changed() == []
    say(sessions, "DBIRTH", TEMP | {"alias": 9}, device="D", seq=4)
    assert len(sessions.changed()) == 1


def test_a_new_birth_of_a_node_forgets_its_devices_on_disk_too(tmp_path: Path):
    sessions = born()
    say(sessions, "NBIRTH", bdseq(4), SPEED, seq=0)
    seen = say(restarted(sessions, tmp_path), "DDATA", data(8, int_value=1), device="D", seq=1)
    assert [one.reason for one in seen.read.unread] == [Reject.UNKNOWN_TAG]


@pytest.mark.parametrize("rubbish", [b"", b"\xff", b"{}", b'{"group": 1}', b"[" * 100_000])
def test_a_spoilt_file_is_told_of_and_the_others_are_read(tmp_path: Path, rubbish):
    Births(tmp_path).keep(born().changed())
    (tmp_path / "00.json").write_bytes(rubbish)
    with structlog.testing.capture_logs() as logs:
        assert [one.edge for one in Births(tmp_path).load()] == ["E"]
    assert [log["event"] for log in logs] == ["kept-unread"]


def test_a_disk_that_does_not_take_a_birth_is_told_of(tmp_path: Path):
    (tmp_path / "file").touch()
    with structlog.testing.capture_logs() as logs:
        Births(tmp_path / "file").keep(born().changed())
    assert [log["event"] for log in logs] == ["not-kept"]


def test_no_more_is_restored_than_is_kept_in_memory(tmp_path: Path, monkeypatch):
    sessions = born()
    say(sessions, "NBIRTH", SPEED, seq=0, node="G/{}/F")
    monkeypatch.setattr(sparkplug, "MOST_METRICS", 1)
    new = restarted(sessions, tmp_path)
    known = [
        bool(say(new, "NDATA", data(7, double_value=1), seq=1, node=f"G/{{}}/{edge}").read.readings) for edge in "EF"
    ]
    assert known == [False, True]


def test_a_feed_that_was_stopped_reads_on_by_the_births_in_its_folder(tmp_path: Path):
    async def script(peer, writer):
        if peer.connections == 1:
            writer.write(message("spBv1.0/G/NBIRTH/E", payload(bdseq(1), SPEED, seq=0)))
        else:
            writer.write(message("spBv1.0/G/NDATA/E", payload(data(7, double_value=2.5), seq=77)))
        await stays(peer, writer)

    async def test():
        async with Peer(script) as peer:
            for value in (1.5, 2.5):
                taken = Taken()
                config = mqtt.Config(
                    host="127.0.0.1", port=peer.port, client_id="test", subscriptions=(mqtt.SparkplugB(group="G"),)
                )
                task = asyncio.create_task(open_feed(config, lambda: NOW_US, folder=tmp_path).run(taken))
                await until(lambda taken=taken: taken.has("G/E/speed"), task)
                await ended(task)
                assert [one.value for one in taken.readings] == [value]

    asyncio.run(test())


def test_forewarn_connect_gives_the_feed_its_folder(tmp_path: Path):
    file = tmp_path / "line.toml"
    file.write_text("host = '127.0.0.1'\nclient_id = 'test'\n[[subscriptions]]\npayload = 'sparkplug-b'\ngroup = 'G'\n")
    ours = read_feed("mqtt", file, tmp_path / "kept")
    assert isinstance(ours, MqttFeed) and ours._births
    ours._births.keep(born().changed())
    assert len(list((tmp_path / "kept").iterdir())) == 1
