"""Readings by address become frames by asset, each exactly once, or are told of with a reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.mapping import ROWS_A_FRAME, TEXT_KEPT, Mapper
from models.plant import parse
from models.plant.tags import ALWAYS_US
from models.records import Quality, Reject, decode, encode
from pipelines.topics import MAX_FRAME_BYTES
from tests.kit import changes, tiny
from tests.unit.connectors.scada import kit


def mapped(*readings: Reading):
    return kit.mapper().frames(Read(readings))


def only(*readings: Reading):
    (frame,), unread = mapped(*readings)
    assert not unread
    return frame


def test_a_number_is_scaled_into_the_signals_unit() -> None:
    assert only(Reading("p1", 5, 4200)).signals == {"pressure_bar": [4.2]}


def test_signals_of_one_moment_share_a_row() -> None:
    frame = only(Reading("p1", 5, 1000), Reading("t1", 5, 20))
    assert (frame.times_us, frame.signals) == ([5], {"pressure_bar": [1.0], "temp_degc": [20.0]})


def test_rows_are_in_order_of_time_however_they_came() -> None:
    assert only(*(Reading("t1", at, float(at)) for at in (3, 1, 2))).times_us == [1, 2, 3]


def test_a_second_value_of_the_same_moment_is_kept_behind_the_first() -> None:
    assert only(Reading("t1", 5, 1), Reading("t1", 5, 2), Reading("t1", 6, 3)).signals == {"temp_degc": [1.0, 2.0, 3.0]}


def test_rows_of_other_signals_begin_a_new_frame() -> None:
    frames, _ = mapped(Reading("t1", 1, 1), Reading("p1", 2, 1), Reading("t1", 3, 1))
    assert [list(frame.signals) for frame in frames] == [["temp_degc"], ["pressure_bar"], ["temp_degc"]]


def test_a_frame_has_so_many_rows_and_no_more() -> None:
    frames, _ = mapped(*(Reading("t1", at, 1.0) for at in range(ROWS_A_FRAME + 1)))
    assert [len(frame.times_us) for frame in frames] == [ROWS_A_FRAME, 1]


def test_long_texts_make_frames_that_fit_a_record() -> None:
    frames, _ = mapped(*(Reading("mode1", at, "\0" * TEXT_KEPT) for at in range(ROWS_A_FRAME)))
    assert max(len(encode(frame)) for frame in frames) <= MAX_FRAME_BYTES
    assert sum(len(frame.times_us) for frame in frames) == ROWS_A_FRAME


@pytest.mark.parametrize("value", [None, math.nan, math.inf, 10**400, 1.7e308])
def test_what_is_no_number_is_null_and_bad(value) -> None:
    frame = only(Reading("p2", 1, value))
    assert (frame.signals, frame.quality) == ({"pressure_bar": [None]}, {"pressure_bar": [Quality.BAD]})


def test_an_uncertain_value_stays_and_says_so() -> None:
    frame = only(Reading("t1", 1, 5.0, Quality.UNCERTAIN))
    assert (frame.signals, frame.quality) == ({"temp_degc": [5.0]}, {"temp_degc": [Quality.UNCERTAIN]})


def test_a_bad_value_is_null_whatever_it_says() -> None:
    assert only(Reading("t1", 1, 5.0, Quality.BAD)).signals == {"temp_degc": [None]}


@pytest.mark.parametrize(("value", "means"), [(1, True), (0, False), (1.0, True), (True, True)])
def test_a_boolean_may_come_as_one_or_zero(value, means: bool) -> None:
    assert only(Reading("run1", 1, value)).signals == {"is_running": [means]}


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (3, "3"), (0.5, "0.5"), (True, "true"), ("\ud800x", "?x")])
def test_a_code_becomes_the_text_that_a_plant_file_would_say(value, text: str) -> None:
    assert only(Reading("mode1", 1, value)).signals == {"mode": [text]}


@pytest.mark.parametrize(
    ("address", "value"), [("t1", "warm"), ("t1", True), ("run1", 2), ("run1", "on"), ("mode1", "x" * (TEXT_KEPT + 1))]
)
def test_a_value_of_another_kind_is_told_of_with_its_address(address: str, value) -> None:
    frames, (unread,) = mapped(Reading(address, 1, value))
    assert (frames, unread.reason, unread.address) == ([], Reject.WRONG_KIND, address)


@pytest.mark.parametrize("time_us", [-1, ALWAYS_US, 10**30])
def test_a_time_that_no_record_can_have_is_told_of(time_us: int) -> None:
    frames, (unread,) = mapped(Reading("t1", time_us, 1.0))
    assert (frames, unread.reason) == ([], Reject.NO_TIME)


def test_what_the_feed_could_not_read_comes_through() -> None:
    lost = Unread(Reject.UNREADABLE, "rubbish", b"x")
    assert kit.mapper().frames(Read([], [lost])) == ([], [lost])


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5)
READINGS = st.builds(
    Reading,
    st.sampled_from([*kit.TAGS, "none"]),
    st.integers(-2, 6) | st.just(ALWAYS_US),
    VALUES,
    st.sampled_from(Quality),
)


@given(st.lists(READINGS, max_size=40))
def test_any_reading_is_in_exactly_one_frame_or_unread(readings: list[Reading]) -> None:
    frames, unread = mapped(*readings)
    cells = sum(len(column) for frame in frames for column in frame.signals.values())
    assert cells + len(unread) == len(readings)
    assert all(decode(encode(frame)) == frame for frame in frames)
    assert all(len(c) == len(f.times_us) for f in frames for c in (*f.signals.values(), *f.quality.values()))


def test_equal_addresses_of_two_feeds_go_to_their_own_assets() -> None:
    one = "[[tags]]\naddress = 'x'\nfeed = '{}'\nasset = '{}'\nsignal = 'pressure_bar'\n"
    plant = parse(tiny.PLANT_TOML + one.format("opcua:a", "pump-01") + one.format("opcua:b", "pump-02"))
    mapped = [Mapper(plant, feed).frames(Read([Reading("x", 1, 2.0)])) for feed in ("opcua:a", "opcua:b", "opcua:c")]
    assert [[frame.asset for frame in frames] for frames, _ in mapped] == [["pump-01"], ["pump-02"], []]
    assert [one.reason for one in mapped[2][1]] == [Reject.UNKNOWN_TAG]


TAG = "[[tags]]\naddress = 'x'\nfeed = '{}'\nasset = 'pump-01'\nsignal = 'pressure_bar'\n"


@pytest.mark.parametrize(
    ("changed", "other"),
    [
        (tiny.PLANT_TOML + TAG.format("opcua:a"), True),
        (tiny.PLANT_TOML + TAG.format("opcua:b"), False),
        (tiny.PLANT_TOML.replace("[0, 25]", "[0, 30]", 1), False),
    ],
    ids=["a-tag", "a-tag-of-another-feed", "a-range"],
)
def test_a_mapping_has_another_version_where_an_address_means_something_else(changed: str, other: bool) -> None:
    version = Mapper(parse(tiny.PLANT_TOML), "opcua:a").version
    assert (Mapper(parse(changed), "opcua:a").version != version) == other


def test_a_mapping_has_another_version_where_a_signal_is_of_another_kind() -> None:
    text = tiny.PLANT_TOML.replace(changes.RUNS_ON, "")
    before = text + TAG.format("").replace("pressure_bar", "is_running")
    after = before.replace('kind = "boolean"', 'kind = "text"', 1)
    assert Mapper(parse(before), "a").version != Mapper(parse(after), "a").version
