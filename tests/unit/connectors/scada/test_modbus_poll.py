"""What a poll makes of answers, without any network; when polls and requests are due; which configs are refused."""

from __future__ import annotations

import itertools
import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from connectors.scada.feed import FeedError
from connectors.scada.feeds.modbus import Config, open_feed
from connectors.scada.feeds.modbus.poll import Poller, Refused, Strange
from connectors.scada.feeds.modbus.schedule import Pace, Schedule
from models.records import Quality, Reject
from tests.kit.plc import register


def polled(poller, answer_to, time_us=1):
    """Readings and blocks asked for in one poll."""
    poller.begin(time_us)
    readings, asked = [], []
    while block := poller.next():
        asked.append((block.first, block.size))
        readings += poller.take(block, answer_to(block)).readings
    return readings, asked


def without(*illegal):
    """A PLC whose words are their addresses, and some are illegal."""

    def answer(block):
        words = list(range(block.first, block.first + block.size))
        return Refused(2) if set(words) & set(illegal) else words

    return answer


def values(readings):
    return {reading.address: reading.value for reading in readings}


def test_readings_have_the_time_of_their_poll():
    readings, _ = polled(Poller([register("a", 0), register("b", 200)], 8), without(), 77)
    assert {reading.time_us for reading in readings} == {77}


def test_an_illegal_register_is_found_and_the_others_are_read_in_the_same_poll():
    registers = [register(str(at), at) for at in range(20)]
    readings, _ = polled(Poller(registers, 8), without(13))
    assert values(readings) == {str(at): None if at == 13 else float(at) for at in range(20)}
    assert [reading.quality for reading in readings if reading.address == "13"] == [Quality.BAD]


def test_an_illegal_register_is_searched_for_once():
    poller = Poller([register(str(at), at) for at in range(20)], 8)
    polled(poller, without(13))
    readings, asked = polled(poller, without(13))
    assert not any(first <= 13 < first + size for first, size in asked)
    assert len(readings) == 19


def test_a_gap_that_may_not_be_read_makes_two_requests_and_nothing_bad():
    poller = Poller([register("a", 0), register("b", 1), register("c", 5)], 8)
    assert values(polled(poller, without(3))[0]) == {"a": 0.0, "b": 1.0, "c": 5.0}
    assert polled(poller, without(3))[1] == [(0, 2), (5, 1)]


def test_an_illegal_register_is_asked_for_again_on_a_new_connection():
    poller = Poller([register("a", 0), register("b", 1)], 8)
    polled(poller, without(1))
    poller.connected()
    assert values(polled(poller, without())[0]) == {"a": 0.0, "b": 1.0}


def test_an_illegal_register_is_told_once():
    poller = Poller([register(str(at), at) for at in range(4)], 8)
    with capture_logs() as logs:
        for _ in range(3):
            poller.connected()
            polled(poller, without(2))
    assert [(log["event"], log["addresses"], log["reason"]) for log in logs] == [
        ("registers-refused", ["2"], "illegal-data-address")
    ]


def test_a_plc_that_gives_fewer_registers_at_once_than_the_protocol_is_read():
    poller = Poller([register(str(at), at) for at in range(100)], 8)
    readings, _ = polled(poller, lambda block: Refused(3) if block.size > 32 else [7] * block.size)
    assert values(readings) == {str(at): 7.0 for at in range(100)}


@given(st.sets(st.integers(0, 60), min_size=1, max_size=30), st.sets(st.integers(0, 60)))
def test_exactly_the_illegal_registers_are_bad(places, illegal):
    readings, asked = polled(Poller([register(str(at), at) for at in places], 8), without(*illegal))
    assert {int(reading.address) for reading in readings if reading.value is None} == places & illegal
    assert {int(reading.address) for reading in readings if reading.value is not None} == places - illegal
    assert len(asked) <= 2 * len(places)


def test_registers_of_a_refused_block_are_bad_once_and_the_other_blocks_go_on():
    poller = Poller([register("a", 0), register("b", 1), register("c", 200)], 8)

    def broken(block):
        return Refused(4) if block.first == 0 else [9]

    assert values(polled(poller, broken)[0]) == {"a": None, "b": None, "c": 9.0}
    assert values(polled(poller, broken)[0]) == {"c": 9.0}
    assert values(polled(poller, without())[0]) == {"a": 0.0, "b": 1.0, "c": 200.0}
    assert values(polled(poller, broken)[0]) == {"a": None, "b": None, "c": 9.0}


def test_nan_is_bad_until_there_is_a_number_again():
    poller = Poller([register("a", 0, "float32")], 8)
    said = [polled(poller, lambda _, words=words: words)[0] for words in ([0x7FC0, 0], [0x7FC0, 0], [0x3F80, 0])]
    assert [[(r.value, r.quality) for r in readings] for readings in said] == [
        [(None, Quality.BAD)],
        [],
        [(1.0, Quality.GOOD)],
    ]


@pytest.mark.parametrize("answer", [[], [1], [1, 2, 3], Strange("a wrong function")])
def test_an_answer_of_another_size_or_kind_is_unread(answer):
    poller = Poller([register("a", 0), register("b", 1)], 8)
    poller.begin(1)
    read = poller.take(poller.next(), answer)
    assert not read.readings
    assert [one.reason for one in read.unread] == [Reject.UNREADABLE]
    assert "holding 0 to 1" in read.unread[0].detail


@given(st.integers(0, 255))
def test_no_exception_code_ends_a_poll(code):
    readings, _ = polled(Poller([register("a", 0), register("b", 1)], 8), lambda _: Refused(code))
    assert values(readings) == {"a": None, "b": None}


def test_polls_are_due_at_multiples_of_the_period():
    schedule = Schedule(1_000)
    assert [schedule.after(now_us) for now_us in (500, 1_003, 2_999)] == [1_000, 2_000, 3_000]
    assert schedule.skipped == 0


def test_polls_that_were_due_meanwhile_are_skipped_and_counted():
    schedule = Schedule(1_000)
    assert [schedule.after(now_us) for now_us in (500, 3_400)] == [1_000, 4_000]
    assert schedule.skipped == 2


def test_a_clock_that_is_set_back_does_not_stop_the_polls():
    schedule = Schedule(1_000)
    schedule.after(9_000_500)
    assert schedule.after(500) == 1_000
    assert schedule.skipped == 0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=50), st.floats(0.1, 100))
def test_requests_are_never_closer_than_the_cap_allows(idle, most):
    pace, now, sent = Pace(most), 0.0, []
    for pause in idle:
        now += pause
        now += pace.wait_s(now)
        pace.sent(now)
        sent.append(now)
    assert all(late - early >= 1 / most - 1e-9 for early, late in itertools.pairwise(sent))


def test_a_request_waits_no_longer_than_the_cap_asks():
    pace = Pace(10)
    pace.sent(5.0)
    assert pace.wait_s(5.04) == pytest.approx(0.06)
    assert pace.wait_s(5.2) == 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"registers": (register("a", 0), register("a", 1))}, "'a' stands for two registers"),
        ({"registers": (register("a", 0, "float32", "coil"),)}, "register 'a': a coil is one bit"),
        ({"registers": (register("a", 0, "bool"),)}, "a bool in a word has a `bit`"),
        ({"registers": (register("a", 0, "bool", "coil", bit=1),)}, "a bool in a word has a `bit`"),
        ({"registers": (register("a", 0, "string"),)}, "a string has a `length`"),
        ({"registers": (register("a", 65535, "float32"),)}, "its last address would be 65536"),
        ({"registers": (register("a", 0, "string", length=2, scale=2.0),)}, "a string has no scale"),
        ({"registers": (register("a", 0, "string", length=2, words="little"),)}, "a string has no order of words"),
        ({"registers": (register("a", 0, scale=float("nan")),)}, "scale and offset are finite"),
        ({"registers": (register("a", 0, scale=0.0),)}, "scale is not 0"),
        ({"host": "a..b"}, "'a..b' is no host"),
        ({"registers": (register("a", 0), register("b", 300)), "most_requests_s": 1.0}, "a poll is 2 requests"),
    ],
)
def test_a_config_that_cannot_work_is_refused_with_the_mend(wrong, said):
    with pytest.raises(FeedError, match=said):
        open_feed(Config(**{"host": "plc", "registers": (register("a", 0),)} | wrong))


@pytest.mark.parametrize(
    "wrong", [{"port": 0}, {"period_s": float("nan")}, {"registers": []}, {"unit": 256}, {"secret": 1}]
)
def test_a_config_outside_its_ranges_is_refused_when_it_is_read(wrong):
    one = {"address": "a", "table": "holding", "register": 0, "type": "uint16"}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"host": "plc", "registers": [one]} | wrong, Config)


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymodbus.client", None)
    with pytest.raises(FeedError, match=r"pip install -e '.\[scada\]'"):
        open_feed(Config(host="plc", registers=(register("a", 0),)))
