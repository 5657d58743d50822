"""Sparkplug B: payloads written by google.protobuf, births, data, gaps, deaths, and rubbish."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feed import Reading
from connectors.scada.feeds.mqtt import sparkplug
from connectors.scada.feeds.mqtt.metrics import WrongValue, payload_of, value_of
from connectors.scada.feeds.mqtt.rebirth import request_of
from connectors.scada.feeds.mqtt.sparkplug import Seen, Sessions
from connectors.scada.feeds.mqtt.wire import Malformed
from models.records import Quality, Reject
from tests.kit.sparkplug import Payload, bdseq, payload

T_MS, NOW_US = 1_000_000, 5_000_000_000
GOOD, UNCERTAIN, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.BAD
SPEED = {"name": "speed", "alias": 7, "timestamp": T_MS, "datatype": 10, "double_value": 1.5}
TEMP = {"name": "in/temp", "alias": 8, "timestamp": T_MS, "datatype": 1, "int_value": 0xFE}


def say(sessions: Sessions, kind: str, *metrics, device="", now_us=NOW_US, node="G/{}/E", **more) -> Seen:
    topic = f"spBv1.0/{node.format(kind)}" + (f"/{device}" if device else "")
    return sessions.read(topic, payload(*metrics, **more), now_us)


def born(number: int = 3) -> Sessions:
    """A node with a device, as after its births: sequence numbers 0 and 1."""
    sessions = Sessions()
    assert not say(sessions, "NBIRTH", bdseq(number), SPEED, seq=0).doubts
    assert not say(sessions, "DBIRTH", TEMP, device="D", seq=1).doubts
    return sessions


def data(alias: int, time_ms: int = T_MS, **value):
    return {"alias": alias, "timestamp": time_ms, **value}


def test_a_birth_gives_readings_at_their_own_times_but_none_of_its_session_and_controls():
    rebirth = {"name": "Node Control/Rebirth", "datatype": 11, "boolean_value": False, "timestamp": T_MS}
    seen = say(Sessions(), "NBIRTH", bdseq(3), rebirth, SPEED, seq=0)
    assert list(seen.read.readings) == [Reading("G/E/speed", T_MS * 1000, 1.5)]


def test_data_by_alias_has_the_name_and_the_datatype_of_its_birth():
    seen = say(born(), "DDATA", data(8, int_value=0xFF), device="D", seq=2)
    assert list(seen.read.readings) == [Reading("G/E/D/in/temp", T_MS * 1000, -1)]
    assert not seen.doubts


def test_data_by_name_is_read_too():
    seen = say(born(), "NDATA", {"name": "speed", "timestamp": T_MS, "double_value": 2.5}, seq=2)
    assert list(seen.read.readings) == [Reading("G/E/speed", T_MS * 1000, 2.5)]


def test_an_alias_of_another_device_is_unknown():
    seen = say(born(), "DDATA", data(7, double_value=1.0), device="D", seq=2)
    assert (seen.read.readings, seen.read.unread[0].reason) == ([], Reject.UNKNOWN_TAG)


def test_an_unknown_alias_is_told_once_a_message_and_leaves_the_node_doubtful():
    sessions = born()
    seen = say(sessions, "NDATA", data(99, int_value=1), data(98, int_value=1), seq=2)
    assert [(one.reason, "2 metrics" in one.detail) for one in seen.read.unread] == [(Reject.UNKNOWN_TAG, True)]
    assert [(doubt.group, doubt.edge) for doubt in seen.doubts] == [("G", "E")]
    assert say(sessions, "NDATA", data(7, double_value=1.0), seq=3).read.readings[0].quality is UNCERTAIN


def test_sequence_numbers_go_on_from_255_to_0():
    sessions = born()
    for number in range(2, 600):
        seen = say(sessions, "NDATA", data(7, double_value=1.0), seq=number % 256)
        assert (seen.doubts, seen.read.readings[0].quality) == ((), GOOD)


@pytest.mark.parametrize("seq", [3, 1, 0, 300])
def test_a_gap_makes_readings_uncertain_until_the_next_birth_and_is_told_once(seq):
    sessions = born()
    seen = say(sessions, "NDATA", data(7, double_value=1.0), seq=seq)
    assert (len(seen.doubts), seen.read.readings[0].quality) == (1, UNCERTAIN)
    after = say(sessions, "NDATA", data(7, double_value=1.0), seq=(seq + 1) % 256)
    assert (after.doubts, after.read.readings[0].quality) == ((), UNCERTAIN)
    assert say(sessions, "NBIRTH", bdseq(3), SPEED, seq=0).read.readings[0].quality is GOOD
    assert say(sessions, "NDATA", data(7, double_value=1.0), seq=1).read.readings[0].quality is GOOD


def test_a_node_that_stays_doubtful_is_asked_again_after_a_minute():
    sessions = born()
    assert not say(sessions, "NDATA", seq=9).doubts[0].again
    assert not say(sessions, "NDATA", seq=10, now_us=NOW_US + sparkplug.ASK_EVERY_US - 1).doubts
    assert say(sessions, "NDATA", seq=11, now_us=NOW_US + sparkplug.ASK_EVERY_US).doubts[0].again


def test_data_before_any_birth_by_name_are_uncertain_and_the_node_is_doubtful():
    seen = say(Sessions(), "NDATA", {**SPEED}, seq=40)
    assert seen.read.readings[0] == Reading("G/E/speed", T_MS * 1000, 1.5, UNCERTAIN)
    assert "no birth" in seen.doubts[0].why


def test_a_death_makes_all_metrics_of_node_and_devices_bad_when_it_arrives():
    seen = say(born(3), "NDEATH", bdseq(3), now_us=NOW_US + 1)
    assert list(seen.read.readings) == [
        Reading("G/E/speed", NOW_US + 1, None, BAD),
        Reading("G/E/D/in/temp", NOW_US + 1, None, BAD),
    ]


def test_a_death_of_an_earlier_session_is_ignored():
    sessions = born(4)
    assert say(sessions, "NDEATH", bdseq(3)) == Seen(sparkplug.Read([]))
    assert say(sessions, "NDATA", data(7, double_value=1.0), seq=2).read.readings[0].quality is GOOD


def test_a_node_dies_only_once_a_session():
    sessions = born()
    assert say(sessions, "NDEATH", bdseq(3)).read.readings
    assert not say(sessions, "NDEATH", bdseq(3)).read.readings


def test_data_after_a_death_is_uncertain_and_a_doubt():
    sessions = born()
    say(sessions, "NDEATH", bdseq(3))
    seen = say(sessions, "NDATA", data(7, double_value=1.0), seq=2)
    assert (len(seen.doubts), seen.read.readings[0].quality) == (1, UNCERTAIN)


def test_a_device_dies_at_the_time_of_its_message_and_alone():
    sessions = born()
    seen = say(sessions, "DDEATH", device="D", seq=2, time_ms=2_000_000)
    assert list(seen.read.readings) == [Reading("G/E/D/in/temp", 2_000_000_000, None, BAD)]
    assert say(sessions, "NDATA", data(7, double_value=1.0), seq=3).read.readings[0].quality is GOOD


def test_a_birth_replaces_the_aliases_of_the_one_before():
    sessions = born()
    say(sessions, "NBIRTH", bdseq(3), {**SPEED, "name": "power"}, seq=0)
    assert say(sessions, "NDATA", data(7, double_value=1.0), seq=1).read.readings[0].address == "G/E/power"
    assert say(sessions, "DDATA", data(8, int_value=1), device="D", seq=2).read.unread


def test_a_historical_metric_is_a_reading_at_its_own_time():
    seen = say(born(), "NDATA", data(7, 5, double_value=2.0, is_historical=True), seq=2)
    assert list(seen.read.readings) == [Reading("G/E/speed", 5_000, 2.0)]


@pytest.mark.parametrize(
    "value",
    [
        {"is_null": True},
        {},
        {"is_null": True, "double_value": 1.0},
        {"double_value": float("nan")},
        {"double_value": float("-inf")},
        {"double_value": 1.0, "quality": 0},
        {"double_value": 1.0, "quality": 77},
    ],
)
def test_a_null_a_missing_an_infinite_or_a_bad_value_is_bad(value):
    seen = say(born(), "NDATA", data(7, **value), seq=2)
    assert list(seen.read.readings) == [Reading("G/E/speed", T_MS * 1000, None, BAD)]


@pytest.mark.parametrize(("code", "quality"), [(192, GOOD), (500, UNCERTAIN)])
def test_the_quality_property_is_heard(code, quality):
    seen = say(born(), "NDATA", data(7, double_value=1.0, quality=code), seq=2)
    assert list(seen.read.readings) == [Reading("G/E/speed", T_MS * 1000, 1.0, quality)]


def test_a_metric_without_a_time_has_that_of_its_message_or_none():
    sessions = born()
    assert say(sessions, "NDATA", {"alias": 7, "double_value": 1.0}, seq=2, time_ms=9).read.readings[0].time_us == 9_000
    seen = say(sessions, "NDATA", {"alias": 7, "double_value": 1.0}, seq=3, time_ms=None)
    assert (seen.read.readings, seen.read.unread[0].reason) == ([], Reject.NO_TIME)


def test_a_time_beyond_the_calendar_is_no_time():
    seen = say(born(), "NDATA", data(7, 1 << 63, double_value=1.0), seq=2)
    assert seen.read.unread[0].reason is Reject.NO_TIME


def test_a_number_without_a_datatype_is_uncertain():
    seen = say(born(), "NDATA", {"name": "new", "timestamp": T_MS, "int_value": 4}, seq=2)
    assert list(seen.read.readings) == [Reading("G/E/new", T_MS * 1000, 4, UNCERTAIN)]


# Datatypes 1 to 13 and 14, 15: chapter 6 of the specification. Negative numbers stand in unsigned fields, in two's
# complement of their own size, of 32 bits (as the Java reference, Eclipse Tahu, sign-extends them) or of 64.
VALUES = [
    *[(1, "int_value", 0xFF, -1), (1, "int_value", 0x7F, 127), (1, "int_value", 0x80, -128)],
    *[(1, "int_value", 0xFFFF_FF80, -128), (1, "long_value", 2**64 - 1, -1)],
    *[(2, "int_value", 0x8000, -32768), (2, "int_value", 0xFFFF_FFFF, -1), (2, "int_value", 0x7FFF, 32767)],
    *[(3, "int_value", 0xFFFF_FFFF, -1), (3, "int_value", 0x7FFF_FFFF, 2**31 - 1), (3, "long_value", 2**64 - 5, -5)],
    *[(4, "long_value", 2**64 - 1, -1), (4, "long_value", 2**63, -(2**63)), (4, "long_value", 2**63 - 1, 2**63 - 1)],
    *[(5, "int_value", 255, 255), (6, "int_value", 65535, 65535), (7, "int_value", 2**32 - 1, 2**32 - 1)],
    *[(7, "long_value", 2**32 - 1, 2**32 - 1), (8, "long_value", 2**64 - 1, 2**64 - 1)],
    *[(9, "float_value", 0.5, 0.5), (10, "double_value", 0.1, 0.1), (11, "boolean_value", True, True)],
    *[(11, "boolean_value", False, False), (12, "string_value", "grün", "grün"), (13, "long_value", T_MS, T_MS)],
    *[(14, "string_value", "text", "text"), (15, "string_value", "u-u-i-d", "u-u-i-d")],
]


@pytest.mark.parametrize(("datatype", "field", "sent", "value"), VALUES)
def test_each_datatype_is_read_with_its_sign(datatype, field, sent, value):
    metric = {"name": "m", "timestamp": T_MS, "datatype": datatype, field: sent}
    (reading,) = say(Sessions(), "NBIRTH", bdseq(1), metric, seq=0).read.readings
    assert (reading.value, type(reading.value)) == (value, type(value))


@pytest.mark.parametrize(
    ("datatype", "field", "sent"),
    [
        *[(1, "int_value", 0x100), (1, "int_value", 0xFFFF_FF7F), (5, "int_value", 256), (5, "int_value", 0xFFFF_FFFF)],
        *[(9, "int_value", 1), (12, "int_value", 1), (11, "int_value", 1), (17, "bytes_value", b"x")],
        *[(3, "double_value", 1.0), (99, "int_value", 1), (7, "long_value", 2**32)],
    ],
)
def test_a_value_that_its_datatype_cannot_have_is_refused(datatype, field, sent):
    metric = {"name": "m", "timestamp": T_MS, "datatype": datatype, field: sent}
    seen = say(Sessions(), "NBIRTH", bdseq(1), metric, seq=0)
    assert (seen.read.readings, seen.read.unread[0].reason) == ([], Reject.WRONG_KIND)


@pytest.mark.parametrize("field", range(10, 20))
@given(st.integers(0, 40), st.integers(0, 2**64 - 1) | st.binary(min_size=8, max_size=8))
def test_any_value_in_any_field_has_a_meaning_or_a_wrong_value(field, datatype, raw):
    if field in (12, 13):
        raw = struct.pack("<f" if field == 12 else "<d", 1.0)
    with suppress(WrongValue):
        assert isinstance(value_of(datatype, (field, raw)), float | int | str)


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/G/NDATA",
        "spBv1.0/G/NDATA/E/D",
        "spBv1.0/G/DDATA/E",
        "spBv1.0/G/XDATA/E",
        "spAv1.0/G/NDATA/E",
        "",
        "spBv1.0",
        "spBv1.0//NDATA/E",
        "spBv1.0/G/NDATA/E/D/F",
    ],
)
def test_a_topic_that_is_not_of_sparkplug_is_unreadable(topic):
    seen = born().read(topic, payload(seq=2), NOW_US)
    assert seen.read.unread[0].reason is Reject.UNREADABLE


@pytest.mark.parametrize("topic", ["spBv1.0/STATE/host", "spBv1.0/G/NCMD/E", "spBv1.0/G/DCMD/E/D"])
def test_states_of_hosts_and_commands_hold_nothing(topic):
    assert born().read(topic, b'{"online": true}', NOW_US) == Seen(sparkplug.Read())


def test_a_payload_cut_off_at_any_byte_never_raises_and_is_told_unless_a_whole_field_was_lost():
    whole = payload(SPEED, {**TEMP, "quality": 192}, seq=2)
    told = 0
    for end in range(len(whole)):
        seen = born().read("spBv1.0/G/NDATA/E", whole[:end], NOW_US)
        told += any(one.reason is Reject.UNREADABLE for one in seen.read.unread)
    assert told >= len(whole) - 4  # but for the cuts between the four fields of the payload


@given(st.binary(max_size=200))
def test_rubbish_never_raises(rubbish):
    sessions = born()
    for topic in ("spBv1.0/G/NBIRTH/E", "spBv1.0/G/NDATA/E", "spBv1.0/G/DDEATH/E/D", "spBv1.0/G/NDEATH/E"):
        sessions.read(topic, rubbish, NOW_US)


@given(st.binary(max_size=40), st.integers(0, 100))
def test_a_payload_with_bytes_changed_is_read_as_google_protobuf_reads_it_or_refused(change, at):
    whole = bytearray(payload(SPEED, TEMP, seq=2))
    whole[at : at + len(change)] = change
    try:
        ours = payload_of(bytes(whole))
    except Malformed:
        return
    theirs = Payload.FromString(bytes(whole))
    assert (ours.seq, len(ours.metrics)) == (theirs.seq, len(theirs.metrics))
    assert [metric.alias or 0 for metric in ours.metrics] == [metric.alias for metric in theirs.metrics]


def test_nodes_and_metrics_beyond_the_bounds_are_refused(monkeypatch):
    monkeypatch.setattr(sparkplug, "MOST_NODES", 1)
    monkeypatch.setattr(sparkplug, "MOST_METRICS", 3)
    sessions = born()
    assert say(sessions, "NBIRTH", seq=0, node="G/{}/F").read.unread[0].reason is Reject.TOO_LARGE
    assert say(sessions, "DBIRTH", TEMP, device="E", seq=2).read.unread[0].reason is Reject.TOO_LARGE
    assert not say(sessions, "NBIRTH", bdseq(3), SPEED, TEMP, seq=0).read.unread


def test_the_request_for_a_birth_is_one_metric_that_is_true_as_google_protobuf_reads_it():
    asked = Payload.FromString(request_of(T_MS))
    (metric,) = asked.metrics
    assert (asked.timestamp, asked.HasField("seq")) == (T_MS, False)
    assert {field.name: value for field, value in metric.ListFields()} == {
        **{"name": "Node Control/Rebirth", "timestamp": T_MS},
        **{"datatype": 11, "boolean_value": True},
    }
