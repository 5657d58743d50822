"""Plain MQTT payloads: bare, JSON by paths, JSON by keys; times, qualities, and rubbish."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feed import FeedError, Reading
from connectors.scada.feeds import mqtt
from connectors.scada.feeds.mqtt.config import Config, Plain
from connectors.scada.feeds.mqtt.decoder import Decoder
from connectors.scada.feeds.mqtt.plain import read_plain
from connectors.scada.feeds.mqtt.topics import fault_of, filter_of, matches
from models.records import Quality, Reject

NOW_US = 1_700_000_000_000_000
BARE = Plain(topic="plant/{asset}/{signal}", arrival_time=True)
JSON = Plain(topic="site/+/telemetry", value="d.v", time="d.ts", quality="q")
FIELDS = Plain(topic="site/+/all", fields=True, time="ts", quality="q", time_unit="ms")


def one(plain: Plain, payload: bytes, **more) -> Reading:
    read = read_plain(plain, "a/b", payload, NOW_US, **more)
    assert not read.unread
    (reading,) = read.readings
    return reading


def refused(plain: Plain, payload: bytes, **more) -> Reject:
    read = read_plain(plain, "a/b", payload, NOW_US, **more)
    assert not read.readings
    return read.unread[0].reason


@pytest.mark.parametrize(
    ("payload", "value"),
    [(b"12.5", 12.5), (b" -3 ", -3.0), (b"1e3", 1000.0), (b"true", True), (b"RUN", "RUN"), (b"1_000", "1_000")],
)
def test_a_bare_payload_is_a_number_a_truth_or_a_word(payload, value):
    assert one(BARE, payload) == Reading("a/b", NOW_US, value)


@pytest.mark.parametrize("payload", [b"nan", b"-Infinity", b"1e999"])
def test_a_bare_payload_that_is_no_finite_number_is_bad(payload):
    assert one(BARE, payload) == Reading("a/b", NOW_US, None, Quality.BAD)


@pytest.mark.parametrize("payload", [b"", b"  ", b"\xff\xfe"])
def test_a_bare_payload_without_text_is_unreadable(payload):
    assert refused(BARE, payload) is Reject.UNREADABLE


def test_json_gives_value_time_and_quality_by_their_paths():
    payload = b'{"d": {"v": 4, "ts": "2023-11-14T23:13:20.000123+01:00"}, "q": 192}'
    assert one(JSON, payload) == Reading("a/b", NOW_US + 123, 4.0)


@pytest.mark.parametrize(
    ("said", "quality"),
    [
        *[("true", Quality.GOOD), ('"GOOD"', Quality.GOOD), ("64", Quality.UNCERTAIN), ("0", Quality.BAD)],
        *[('"sensor broken"', Quality.BAD), ("null", Quality.BAD), ("[1]", Quality.BAD)],
    ],
)
def test_a_quality_is_what_the_config_says_it_means(said, quality):
    reading = one(JSON, f'{{"d": {{"v": 4, "ts": "2023-11-14T22:13:20Z"}}, "q": {said}}}'.encode())
    assert (reading.quality, reading.value) == (quality, None if quality is Quality.BAD else 4.0)


def test_a_quality_that_is_left_out_makes_the_reading_uncertain():
    assert one(JSON, b'{"d": {"v": 4, "ts": "2023-11-14T22:13:20Z"}}').quality is Quality.UNCERTAIN


@pytest.mark.parametrize(
    ("unit", "said"),
    [("s", "1700000000"), ("s", "1700000000.0"), ("ms", '"1700000000000"'), ("us", str(NOW_US))],
)
def test_epochs_are_in_the_unit_of_the_config(unit, said):
    plain = Plain(topic="t", value="v", time="t", time_unit=unit)
    assert one(plain, f'{{"v": 1, "t": {said}}}'.encode()).time_us == NOW_US


@pytest.mark.parametrize(
    "said",
    [
        *['"2023-11-14T22:13:20"', "1700000000", '"yesterday"', "true", "null", "{}", '"9999-12-31T23:59:59-14:00"'],
        *["-1", '"1969-12-31T23:59:59Z"'],
    ],
)
def test_a_time_without_a_zone_or_outside_of_the_calendar_is_no_time(said):
    assert refused(Plain(topic="t", value="v", time="t"), f'{{"v": 1, "t": {said}}}'.encode()) is Reject.NO_TIME


@pytest.mark.parametrize("said", ["1e308", "9" * 400, '"1e308"', "-5", "1e15"])
def test_an_epoch_that_is_far_out_is_no_time(said):
    plain = Plain(topic="t", value="v", time="t", time_unit="s")
    assert refused(plain, f'{{"v": 1, "t": {said}}}'.encode()) in (Reject.NO_TIME, Reject.NOT_JSON)


def test_a_wrong_time_is_not_replaced_by_the_arrival():
    plain = Plain(topic="t", value="v", time="t", arrival_time=True)
    assert refused(plain, b'{"v": 1, "t": "noon"}') is Reject.NO_TIME
    assert one(plain, b'{"v": 1}').time_us == NOW_US


def test_a_retained_message_without_a_time_is_refused():
    assert refused(BARE, b"12", retained=True) is Reject.NO_TIME


def test_each_key_of_an_object_is_a_signal_but_for_time_and_quality():
    payload = b'{"ts": 1700000000000, "q": "good", "temp": 20.5, "on": false, "deep": {"x": 1}, "gone": null}'
    read = read_plain(FIELDS, "site/1/all", payload, 0)
    assert list(read.readings) == [
        Reading("site/1/all#temp", NOW_US, 20.5),
        Reading("site/1/all#on", NOW_US, False),
        Reading("site/1/all#gone", NOW_US, None, Quality.BAD),
    ]
    assert [(one.reason, "deep" in one.detail) for one in read.unread] == [(Reject.WRONG_KIND, True)]


def test_keys_beside_the_object_of_fields_take_nothing_from_it():
    plain = Plain(topic="t", fields=True, value="d", time="ts", time_unit="ms")
    read = read_plain(plain, "t", b'{"ts": 1700000000000, "d": {"ts": 5}}', 0)
    assert list(read.readings) == [Reading("t#ts", NOW_US, 5.0)]


@pytest.mark.parametrize("payload", [b"", b"{", b'{"d": NaN}', b"[" * 100_000, b"\xff", b'{"d": "\xff"}'])
def test_what_is_not_json_is_told_as_such(payload):
    assert refused(JSON, payload) is Reject.NOT_JSON


def test_json_without_the_value_is_unreadable():
    assert refused(Plain(topic="t", value="v", arrival_time=True), b'{"w": 1}') is Reject.UNREADABLE


def test_fields_of_what_is_no_object_are_refused():
    assert refused(Plain(topic="t", fields=True, arrival_time=True), b"[1]") is Reject.WRONG_KIND


JSONISH = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["d", "v", "ts", "q", "x"]), inner),
)


@given(st.binary() | JSONISH.map(lambda value: msgspec.json.encode(value) if not isinstance(value, int) else b"1"))
def test_any_payload_is_read_or_refused_and_never_raises(payload):
    for plain in (BARE, JSON, FIELDS, Plain(topic="t", value="v", time="ts", time_unit="s")):
        read = read_plain(plain, "t", payload, NOW_US)
        assert all((reading.value is None) == (reading.quality is Quality.BAD) for reading in read.readings)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "holds"),
    [
        *[("plant/+/temp", "plant/a/temp", True), ("plant/+/temp", "plant/a/b/temp", False), ("#", "a/b", True)],
        *[("a/#", "a", True), ("a/#", "ab", False), ("+", "/a", False), ("+/+", "/a", True), ("#", "$SYS/x", False)],
        *[("$SYS/#", "$SYS/x", True), ("a/+", "a/", True), ("a", "a/b", False)],
    ],
)
def test_filters_match_as_section_4_7_has_it(topic_filter, topic, holds):
    assert matches(topic_filter.split("/"), topic) is holds


def test_names_in_braces_are_any_one_level():
    assert filter_of("plant/{asset}/{signal}") == "plant/+/+"


@pytest.mark.parametrize("topic_filter", ["", "a/#/b", "a#", "a/b+", "a/{x", "a\0", "x" * 70_000])
def test_a_filter_that_a_broker_would_refuse_is_told(topic_filter):
    assert fault_of(topic_filter)


def test_a_topic_that_was_not_subscribed_to_is_unreadable():
    decoder = Decoder(Config(host="h", client_id="c", subscriptions=(BARE,)))
    assert decoder.read("other", b"1", NOW_US).read.unread[0].reason is Reject.UNREADABLE


def test_a_payload_over_the_limit_is_too_large():
    decoder = Decoder(Config(host="h", client_id="c", subscriptions=(BARE,), most_payload_kb=1))
    assert decoder.read("plant/a/b", b"x" * 1025, NOW_US).read.unread[0].reason is Reject.TOO_LARGE


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"subscriptions": (Plain(topic="a/#/b", arrival_time=True),)}, "last level"),
        ({"subscriptions": (Plain(topic="a"),)}, "arrival_time"),
        ({"subscriptions": (Plain(topic="a", time="t", arrival_time=True),)}, "bare"),
        ({"subscriptions": (mqtt.SparkplugB(group="a/b"),)}, "group"),
        ({"ca_file": "/nowhere"}, "tls = true"),
        ({"ca_file": "/nowhere", "tls": True}, "is no file"),
        ({"password_env": "X"}, "user"),
        ({"user": "u", "password_env": "FOREWARN_NOT_SET_ANYWHERE"}, "not set"),
    ],
)
def test_a_config_that_cannot_work_says_what_to_do(more, says):
    with pytest.raises(FeedError, match=says):
        mqtt.open_feed(Config(**{"host": "h", "client_id": "c", "subscriptions": (BARE,), **more}))


def test_a_ca_file_that_holds_no_certificate_is_told(tmp_path):
    (tmp_path / "ca.pem").write_text("hello")
    with pytest.raises(FeedError, match="no certificate"):
        mqtt.open_feed(
            Config(host="h", client_id="c", subscriptions=(BARE,), tls=True, ca_file=str(tmp_path / "ca.pem"))
        )


def test_the_example_of_the_repository_is_a_config_that_works(monkeypatch):
    text = (Path(__file__).parents[4] / "infra" / "examples" / "feeds" / "mqtt.toml").read_text()
    config = msgspec.convert(tomllib.loads(text.replace("ca_file", "# ca_file")), Config)
    monkeypatch.setenv("PLANT_MQTT_PASSWORD", "x")
    assert mqtt.open_feed(config)
    assert [type(one).__name__ for one in config.subscriptions] == ["Plain", "Plain", "Plain", "Plain", "SparkplugB"]
    assert config.subscriptions[-1].filters[0] == "spBv1.0/Hall2/NBIRTH/+"
    assert config.subscriptions[-1].filters[-1] == "spBv1.0/Hall2/DDEATH/+/+"
