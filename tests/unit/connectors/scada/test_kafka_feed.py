"""Foreign messages become readings, rubbish a reason."""

from __future__ import annotations

import json

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.documents import MESSAGE_BYTES
from connectors.scada.feed import Read, Reading
from connectors.scada.feeds.kafka.messages import ManyFields, Message, OneReading, Telegraf, TimeUnit, decode
from models.records import Quality, Reject

AT_US = 1_769_839_200_000_000  # date -d 2026-01-31T06:00:00Z +%s


def of(layout, body, key: bytes | None = b"k") -> Read:
    value = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode(layout, Message("t", key, value, 7))


def reason(layout, body) -> Reject:
    read = of(layout, body)
    assert not read.readings
    (unread,) = read.unread
    assert unread.address == "t"
    return unread.reason


ONE = OneReading(topic="t", quality="q")
GOOD = {"tag": "a", "value": 1.5, "time": AT_US // 1000}


def test_a_message_is_a_reading_at_its_own_time() -> None:
    assert of(ONE, GOOD).readings == [Reading("a", AT_US, 1.5)]


def test_values_lie_at_paths_with_indexes() -> None:
    layout = OneReading(topic="t", address="{d.id}", value="d.v.1", time="h.0.t")
    body = {"d": {"id": 12, "v": [0, 2.5]}, "h": [{"t": 5}]}
    assert of(layout, body).readings == [Reading("12", 5000, 2.5)]


def test_a_name_with_dots_is_found_as_it_is() -> None:
    assert of(OneReading(topic="t", value="a.b"), GOOD | {"a.b": 3}).readings[0].value == 3


def test_an_address_may_be_made_of_topic_and_key() -> None:
    assert of(OneReading(topic="t", address="{topic}/{key}/x"), GOOD).readings[0].address == "t/k/x"


def test_a_message_without_a_key_has_an_empty_one() -> None:
    read = decode(OneReading(topic="t", address="{key}x"), Message("t", None, json.dumps(GOOD).encode(), 7))
    assert read.readings[0].address == "x"


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("s", AT_US // 1_000_000),
        ("s", AT_US / 1_000_000),
        ("ms", AT_US // 1000),
        ("us", AT_US),
        ("ns", AT_US * 1000 + 999),
        ("iso", "2026-01-31T06:00:00Z"),
        ("iso", "2026-01-31T08:00:00.000000999+02:00"),
    ],
)
def test_a_time_is_read_in_its_unit(unit: str, said) -> None:
    layout = OneReading(topic="t", time_unit=TimeUnit(unit))
    assert of(layout, GOOD | {"time": said}).readings[0].time_us == AT_US


def test_without_a_time_of_its_own_a_message_has_kafkas() -> None:
    assert of(OneReading(topic="t", time=""), GOOD).readings[0].time_us == 7000


@pytest.mark.parametrize("said", [None, "5", True, [], {}])
def test_a_time_that_is_no_number_is_no_time(said) -> None:
    assert reason(ONE, GOOD | {"time": said}) is Reject.NO_TIME


@pytest.mark.parametrize("said", [b"NaN", b"Infinity", b"1e999"])
def test_a_time_that_is_not_finite_is_no_time(said: bytes) -> None:
    assert reason(ONE, b'{"tag": "a", "value": 1, "time": %s}' % said) in (Reject.NO_TIME, Reject.NOT_JSON)


@pytest.mark.parametrize("said", ["2026-01-31T06:00:00", "yesterday", "", 5, None])
def test_a_text_that_is_no_time_with_a_zone_is_no_time(said) -> None:
    assert reason(OneReading(topic="t", time_unit=TimeUnit.ISO), GOOD | {"time": said}) is Reject.NO_TIME


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ({"q": 192}, Quality.GOOD),
        ({"q": "good"}, Quality.GOOD),
        ({"q": True}, Quality.GOOD),
        ({}, Quality.GOOD),
        ({"q": 64}, Quality.UNCERTAIN),
        ({"q": 1}, Quality.BAD),
        ({"q": None}, Quality.BAD),
        ({"q": {"x": 1}}, Quality.BAD),
    ],
)
def test_a_quality_is_what_the_config_holds_it_to_be(said, means: Quality) -> None:
    (reading,) = of(ONE, GOOD | said).readings
    assert (reading.quality, reading.value) == (means, None if means is Quality.BAD else 1.5)


def test_nan_as_python_writes_it_is_a_bad_value() -> None:
    assert of(ONE, b'{"tag": "a", "value": NaN, "time": 5}').readings == [Reading("a", 5000, None, Quality.BAD)]


def test_a_null_is_a_bad_value() -> None:
    assert of(ONE, GOOD | {"value": None}).readings == [Reading("a", AT_US, None, Quality.BAD)]


@pytest.mark.parametrize("value", [[1], {"x": 1}])
def test_a_list_or_an_object_is_no_value(value) -> None:
    (unread,) = of(ONE, GOOD | {"value": value}).unread
    assert (unread.reason, unread.address) == (Reject.WRONG_KIND, "a")


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", Reject.NOT_JSON),
        (b"\xff\xfe", Reject.NOT_JSON),
        (b'{"tag": "a"', Reject.NOT_JSON),
        (b"[" * 200_000, Reject.NOT_JSON),
        (b'"' + b"x" * MESSAGE_BYTES + b'"', Reject.TOO_LARGE),
        (b"12", Reject.NOT_A_RECORD),
        (b"null", Reject.NOT_A_RECORD),
        ({"tag": "a", "time": 5}, Reject.NOT_A_RECORD),
        ({"value": 1, "time": 5}, Reject.NOT_A_RECORD),
        ({"tag": ["a"], "value": 1, "time": 5}, Reject.NOT_A_RECORD),
    ],
)
def test_what_is_no_such_message_is_told_of_with_its_reason(body, why: Reject) -> None:
    assert reason(ONE, body) is why


def test_a_tombstone_says_nothing() -> None:
    assert decode(ONE, Message("t", b"k", None, 7)) == Read()


def test_a_list_is_messages_of_which_one_may_be_wrong() -> None:
    read = of(ONE, [GOOD, 3, GOOD | {"tag": "b"}])
    assert [one.address for one in read.readings] == ["a", "b"] and len(read.unread) == 1


def test_each_field_is_a_reading_but_for_the_time_and_what_is_skipped() -> None:
    read = of(ManyFields(topic="t", time="ts", skip=("line",)), {"ts": 5, "p": 1, "on": True, "line": 3, "o": {}})
    assert read.readings == [Reading("k/p", 5000, 1), Reading("k/on", 5000, True)]
    assert [one.address for one in read.unread] == ["k/o"]


def test_fields_may_lie_deeper_beside_a_field_that_is_called_as_the_time() -> None:
    layout = ManyFields(topic="t", fields="d.f", time="time")
    assert of(layout, {"time": 5, "d": {"f": {"time": 9}}}).readings == [Reading("k/time", 5000, 9)]


def test_a_message_whose_fields_are_none_is_told_of() -> None:
    assert reason(ManyFields(topic="t", fields="f"), {"time": 5, "f": [1]}) is Reject.NOT_A_RECORD


# The example of Telegraf's JSON output format: docs.influxdata.com/telegraf/v1/data_formats/output/json
TELEGRAF = {
    "fields": {"field_1": 30, "field_2": 4, "n_images": 660},
    "name": "docker",
    "tags": {"host": "raynor"},
    "timestamp": 1458229140,
}


def test_a_metric_of_telegraf_is_a_reading_a_field() -> None:
    assert of(Telegraf(topic="t"), TELEGRAF).readings == [
        Reading("docker/raynor/field_1", 1_458_229_140_000_000, 30),
        Reading("docker/raynor/field_2", 1_458_229_140_000_000, 4),
        Reading("docker/raynor/n_images", 1_458_229_140_000_000, 660),
    ]


def test_a_batch_of_telegraf_is_all_its_metrics() -> None:
    assert len(of(Telegraf(topic="t"), {"metrics": [TELEGRAF, TELEGRAF]}).readings) == 6


def test_a_metric_without_the_tag_that_its_address_needs_is_told_of() -> None:
    assert reason(Telegraf(topic="t"), TELEGRAF | {"tags": {}}) is Reject.NOT_A_RECORD


@pytest.mark.parametrize(("magic", "has_a_time"), [(0, False), (1, True), (2, True)])
def test_records_of_every_format_that_kafka_had_are_read_or_told_of(magic: int, has_a_time: bool) -> None:
    kind = LegacyRecordBatchBuilder if magic < 2 else DefaultRecordBatchBuilder
    more = {} if magic < 2 else {"is_transactional": 0, "producer_id": 0, "producer_epoch": 0, "base_sequence": 0}
    builder = kind(magic=magic, compression_type=0, batch_size=9999, **more)
    builder.append(0, timestamp=7, key=b"k", value=json.dumps(GOOD).encode(), **({} if magic < 2 else {"headers": []}))
    (record,) = MemoryRecords(bytes(builder.build())).next_batch()
    message = Message("t", record.key, record.value, record.timestamp)
    assert decode(ONE, message).readings == [Reading("a", AT_US, 1.5)]
    read = decode(OneReading(topic="t", time=""), message)
    assert [one.time_us for one in read.readings] == [7000] * has_a_time
    assert [one.reason for one in read.unread] == [Reject.NO_TIME] * (not has_a_time)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["tag", "value", "time", "q", "name", "fields", "metrics", "x"]), inner)
    ),
)


@given(st.binary(max_size=40) | JSON, st.sampled_from([ONE, ManyFields(topic="t"), Telegraf(topic="t")]))
def test_any_message_becomes_readings_or_reasons(body, layout) -> None:
    assert isinstance(of(layout, body), Read)
