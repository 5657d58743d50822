"""What `connect discover mqtt` makes of messages, and that it takes nothing away from the feed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from rich.console import Console

from connectors.scada.discover import Found, Limits
from connectors.scada.discover.plantfile import write
from connectors.scada.feed import FeedError, Reading
from connectors.scada.feeds import mqtt
from connectors.scada.feeds.mqtt.decoder import Decoder
from connectors.scada.feeds.mqtt.listen import Listener
from connectors.scada.mapping import Mapper
from models.plant import SignalKind, parse
from pipelines.cli.discover import discover as look
from tests.kit.mqtt_peer import PUBLISH, Peer, message
from tests.kit.sparkplug import bdseq, payload, property_of
from tests.unit.connectors.scada.test_mqtt_shell import stays

PLAIN = mqtt.Plain(topic="plant/{asset}/{signal}", arrival_time=True)
LIMITS = Limits(seconds=1.0, depth=1, most=100)


def config(*subscriptions, port: int = 1) -> mqtt.Config:
    return mqtt.Config(host="127.0.0.1", port=port, client_id="ours", subscriptions=subscriptions)


def heard(subscription, *messages: tuple[str, bytes], most: int = 100) -> Listener:
    listener = Listener(config(subscription), most)
    for topic, data in messages:
        listener.read(topic, data, 7)
    return listener


def untold(_done: int, _of: int) -> None: ...


def test_the_template_says_which_level_is_the_asset_and_which_the_signal():
    swapped = mqtt.Plain(topic="{signal}/hall/{asset}", arrival_time=True)
    (one,) = heard(swapped, ("temp/hall/p1", b"1.5")).survey().found
    assert one == Found("temp/hall/p1", ("hall", "p1"), ("temp",), SignalKind.GAUGE, value=1.5)


@pytest.mark.parametrize(
    ("topic", "where", "asset", "signal"),
    [
        ("plant/#", "plant/p1/oil/temp", ("plant", "p1", "oil"), ("temp",)),
        ("plant/{asset}/#", "plant/p1/oil/temp", ("plant", "p1"), ("oil", "temp")),
        ("temp/{asset}", "temp/p1", ("p1",), ("temp",)),
        ("+", "temp", (), ("temp",)),
    ],
)
def test_without_both_names_the_rest_of_the_levels_is_the_signal(topic, where, asset, signal):
    (one,) = heard(mqtt.Plain(topic=topic, arrival_time=True), (where, b"1")).survey().found
    assert one[1:3] == (asset, signal)


def test_keys_of_an_object_are_signals_of_its_topic():
    fields = mqtt.Plain(topic="site/+/telemetry", fields=True, arrival_time=True)
    found = heard(fields, ("site/7/telemetry", b'{"temp": 1, "mode": "auto", "on": true}')).survey().found
    assert [(one.address, one.asset[-1], one.signal, one.kind) for one in found] == [
        ("site/7/telemetry#temp", "telemetry", ("temp",), SignalKind.GAUGE),
        ("site/7/telemetry#mode", "telemetry", ("mode",), SignalKind.TEXT),
        ("site/7/telemetry#on", "telemetry", ("on",), SignalKind.BOOLEAN),
    ]


def test_a_retained_message_without_a_time_tells_of_its_address():
    listener = Listener(config(PLAIN), 100)
    listener.read("plant/p1/temp", b"1.5", 7, retained=True)
    assert [one.address for one in listener.survey().found] == ["plant/p1/temp"]


def test_a_birth_tells_the_kind_the_unit_and_the_span_of_metrics_also_of_those_without_a_value():
    speed = {"name": "Drive/speed", "datatype": 10, "double_value": 1.5, "alias": 3, "timestamp": 1}
    speed["properties"] = property_of(engUnit="rpm", engLow=0.0, engHigh=3000.0)
    running = {"name": "running", "datatype": 11, "is_null": True, "timestamp": 1}
    ignored = ({"name": "Node Control/Rebirth", "datatype": 11, "boolean_value": False}, bdseq(1))
    listener = heard(
        mqtt.SparkplugB(group="+"),
        ("spBv1.0/G/NBIRTH/E", payload(*ignored, seq=0)),
        ("spBv1.0/G/DBIRTH/E/press-4", payload(speed, running, seq=1)),
        ("spBv1.0/G/DDATA/E/press-4", payload({"alias": 3, "double_value": 2.5, "timestamp": 2}, seq=2)),
    )
    asset = ("G", "E", "press-4")
    address = "G/E/press-4/Drive/speed"
    assert listener.survey().found == [
        Found(address, asset, ("Drive", "speed"), SignalKind.GAUGE, "rpm", None, (0.0, 3000.0), 2.5),
        Found("G/E/press-4/running", asset, ("running",), SignalKind.BOOLEAN),
    ]


def test_what_a_death_says_of_devices_keeps_what_their_births_said():
    metric = {"name": "temp", "datatype": 10, "double_value": 1.5, "timestamp": 1}
    listener = heard(
        mqtt.SparkplugB(group="G"),
        ("spBv1.0/G/NBIRTH/E", payload(bdseq(1), seq=0)),
        ("spBv1.0/G/DBIRTH/E/d", payload(metric, seq=1)),
        ("spBv1.0/G/NDEATH/E", payload(bdseq(1))),
    )
    (one,) = listener.survey().found
    assert one == Found("G/E/d/temp", ("G", "E", "d"), ("temp",), SignalKind.GAUGE, value=1.5)


@pytest.mark.parametrize("data", [b"\xff\xff", b"", b"\x12\x03\x4a\x01\xff"])
def test_a_birth_that_is_rubbish_finds_nothing_and_raises_nothing(data):
    assert heard(mqtt.SparkplugB(group="G"), ("spBv1.0/G/NBIRTH/E", data)).survey().found == []


def test_what_could_not_be_read_or_said_no_value_is_left_out_and_counted():
    survey = heard(PLAIN, ("plant/p/a", b""), ("plant/p/b", b"nan"), ("plant/p/c", b"1")).survey()
    assert [one.address for one in survey.found] == ["plant/p/c"]
    assert survey.left_out == {"messages that are unreadable, such as plant/p/a": 1, "addresses that said no value": 1}


def test_no_more_addresses_than_asked_for_are_kept_and_that_is_said():
    survey = heard(PLAIN, *[(f"plant/p/{n}", b"1") for n in range(5)], most=3).survey()
    assert len(survey.found) == 3 and not survey.is_whole


def test_the_file_maps_what_the_feed_reads_back_to_its_signals():
    listener = heard(PLAIN, ("plant/p1/temp", b"1.5"), ("plant/p1/mode", b"RUN"), ("plant/p2/temp", b"2"))
    plant = parse(write(listener.survey(), "hall", "a test"))
    decoder = Decoder(config(PLAIN))
    frames, unread = Mapper(plant, "mqtt").frames(decoder.read("plant/p1/temp", b"3.5", 9).read)
    assert not unread and frames[0].asset == "p1" and frames[0].signals == {"temp": [3.5]}


def test_it_listens_without_a_session_under_another_name_and_publishes_nothing():
    async def script(_, writer):
        writer.write(message("plant/p1/temp", b"1.5", retained=True))
        await stays(_, writer)

    async def body():
        async with Peer(script) as peer:
            survey = await mqtt.discover(config(PLAIN, port=peer.port), LIMITS, untold)
        (connect,) = [body for kind, body in peer.packets if kind == 1]
        assert connect[7] == 2  # clean session: MQTT 3.1.1 section 3.1.2.4
        assert connect.endswith(b"ours-discover")
        assert PUBLISH not in peer.kinds
        assert [one.address for one in survey.found] == ["plant/p1/temp"]

    asyncio.run(body())


def test_a_broker_that_says_nothing_is_an_error_that_says_what_to_do():
    async def body():
        async with Peer(stays) as peer:
            with pytest.raises(FeedError, match=r"no message came.*--seconds"):
                await mqtt.discover(config(PLAIN, port=peer.port), LIMITS, untold)

    asyncio.run(body())


def test_a_broker_that_is_away_is_an_error_that_says_what_to_see_to():
    with pytest.raises(FeedError, match=r"no connection to 127\.0\.0\.1:1 within 1 s"):
        asyncio.run(mqtt.discover(config(PLAIN), LIMITS, untold))


@pytest.mark.parametrize("name", ["modbus", "files", "kafka"])
def test_a_feed_that_cannot_be_discovered_says_so_and_names_those_that_can(name, tmp_path: Path):
    with pytest.raises(FeedError, match="mqtt, opcua"):
        look(name, tmp_path / "x.toml", LIMITS, tmp_path / "plant.toml", Console(), force=False)


def test_readings_are_as_the_feed_has_them():
    seen = Listener(config(PLAIN), 10).read("plant/p1/temp", b"1.5", 7)
    assert list(seen.read.readings) == [Reading("plant/p1/temp", 7, 1.5)]
