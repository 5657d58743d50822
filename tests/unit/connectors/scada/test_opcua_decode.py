"""What the OPC UA feed makes of values, events and its configuration, without a server."""

from __future__ import annotations

import enum
from datetime import UTC, datetime

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feed import FeedError, Read, Reading, Unread
from connectors.scada.feeds.opcua import Config, Security, open_feed
from connectors.scada.feeds.opcua import decode as of
from models.records import Quality, Reject

T0, T0_US = datetime(2026, 1, 1, tzinfo=UTC), 1_767_225_600_000_000
LATER = datetime(2026, 1, 1, 0, 0, 1, 5, tzinfo=UTC)
NULL = ua.get_win_epoch()
URL = "opc.tcp://plc:4840"


def data(value, source=T0, server=None, status=0) -> ua.DataValue:
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    return ua.DataValue(variant, ua.StatusCode(status), source, server)


class Mode(enum.IntEnum):
    RUN = 3


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (ua.Variant(7, ua.VariantType.UInt16), 7),
        (ua.Variant(2**53 + 1, ua.VariantType.Int64), 2**53 + 1),
        (1.5, 1.5),
        (False, False),
        ("", ""),
        (ua.Variant(Mode.RUN, ua.VariantType.Int32), 3),
        (ua.LocalizedText("an"), "an"),
    ],
)
def test_numbers_booleans_texts_and_enumerations_are_samples(said, meant):
    reading = of.value("a", data(said))
    assert reading == Reading("a", T0_US, meant)
    assert type(reading.value) is type(meant)


@pytest.mark.parametrize("said", [[1.0, 2.0], b"raw", T0, ua.NodeId(1), ua.Argument(), ua.QualifiedName("x")])
def test_arrays_and_structures_are_of_the_wrong_kind(said):
    unread = of.value("a", data(said))
    assert isinstance(unread, Unread) and unread.reason is Reject.WRONG_KIND


@pytest.mark.parametrize(
    ("top", "quality"), [(0b00, Quality.GOOD), (0b01, Quality.UNCERTAIN), (0b10, Quality.BAD), (0b11, Quality.BAD)]
)
def test_severity_is_in_the_top_two_bits_of_a_status(top, quality):
    assert of.quality_of(top << 30 | 0x2F_FFFF) is quality


@pytest.mark.parametrize("said", [float("nan"), float("inf"), ua.Variant(None, ua.VariantType.Null)])
def test_what_is_no_number_and_no_value_is_bad(said):
    assert of.value("a", data(said)) == Reading("a", T0_US, None, Quality.BAD)


@pytest.mark.parametrize("source", [None, NULL])
def test_the_servers_time_stands_in_for_a_missing_source_time(source):
    assert of.value("a", data(1.0, source, LATER)).time_us == T0_US + 1_000_005


@pytest.mark.parametrize("times", [(None, None), (NULL, NULL), (None, NULL)])
def test_a_value_without_any_time_is_unread(times):
    assert of.value("a", data(1.0, *times)).reason is Reject.NO_TIME


def test_a_text_that_no_frame_could_carry_is_too_large():
    unread = of.value("a", data("x" * (of.LONGEST_TEXT + 1)))
    assert unread.reason is Reject.TOO_LARGE and len(unread.payload) == of.LONGEST_TEXT


@given(st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.lists(st.integers())))
def test_rubbish_in_place_of_a_value_or_an_event_never_raises(rubbish):
    assert isinstance(of.value("a", rubbish), Unread)
    assert isinstance(of.event("a", rubbish), Unread)


def _event(kind=ua.ObjectIds.BaseEventType, time=T0, received=LATER, message=ua.LocalizedText("oil low")):  # noqa: B008
    return [ua.Variant(one) for one in (ua.NodeId(ua.Int32(kind)), time, received, message)]


def test_an_event_is_its_message_at_its_time():
    assert of.event("a#events", _event()) == Reading("a#events", T0_US, "oil low")


def test_an_event_without_a_time_has_the_time_at_which_the_server_received_it():
    assert of.event("a#events", _event(time=NULL)).time_us == T0_US + 1_000_005


@pytest.mark.parametrize("kind", [2787, 2788, 2789])
def test_events_about_a_refresh_are_none(kind):
    assert of.event("a#events", _event(kind)) is None


def test_an_event_without_a_message_is_unread():
    assert of.event("a#events", _event(message=ua.Variant(None))).reason is Reject.WRONG_KIND


def test_a_message_with_unknown_handles_and_bytes_is_unread_and_its_good_part_is_read():
    def item(handle):
        return ua.MonitoredItemNotification(handle, data(1.0))

    read = of.Decoder({0: "a"}, {}).decode([ua.DataChangeNotification(MonitoredItems=[item(0), item(9)]), b"\xff"])
    assert read.readings == [Reading("a", T0_US, 1.0)]
    assert [one.reason for one in read.unread] == [Reject.UNREADABLE] * 2


def test_a_keep_alive_holds_nothing():
    assert of.Decoder({}, {}).decode([]) == Read([], [])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"url": "http://plc"}, "opc.tcp://host"),
        ({"url": "opc.tcp://anna:secret@plc:4840"}, "password_env"),
        ({"nodes": ()}, "nothing to read"),
        ({"nodes": ("i=1", "i=1")}, "i=1 more than once"),
        ({"nodes": ("Pump01", "i=1", "ns=x;i=2", "/", "nsu=urn:x;i=3")}, "'Pump01', 'ns=x;i=2', '/', 'nsu=urn:x;i=3'"),
        ({"deadband": {"i=2": 1.0}}, "i=2, not in `nodes`"),
        ({"user": "anna"}, "password_env"),
        ({"user": "anna", "password_env": "FOREWARN_NOT_THERE"}, "FOREWARN_NOT_THERE is not set"),
        ({"security": Security.SIGN}, "certificate is missing"),
        ({"security": Security.SIGN, "certificate": "no.der", "private_key": "no.pem"}, "no file"),
        ({"certificate": "no.der"}, 'security is "None"'),
    ],
)
def test_a_configuration_that_cannot_work_says_what_to_mend(fields, says):
    with pytest.raises(FeedError) as told:
        open_feed(Config(**({"url": URL, "nodes": ("i=1",)} | fields)))
    assert says in str(told.value) and "secret" not in str(told.value)


def test_without_asyncua_the_feed_says_what_to_install(monkeypatch):
    import sys

    for name in [name for name in sys.modules if name.startswith("connectors.scada.feeds.opcua.")]:
        if not name.endswith("config"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "asyncua", None)
    with pytest.raises(FeedError, match=r"pip install -e '.\[scada\]'"):
        open_feed(Config(url=URL, nodes=("i=1",)))
