"""Rubbish on the log: a dead letter with its reason each, and the good records beside it go on."""

from __future__ import annotations

import pytest

from models.records import DeadLetter, Frame, Reject, Tick, decode, encode
from pipelines.ports import RawRecord, Refusal
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.streams import MINUTE_US, START_US

GOOD = encode(Frame(plant="tiny", asset="pump-01", source="t", times_us=[START_US], signals={"pressure_bar": [5.0]}))


def text(**changes) -> bytes:
    fields = {
        "type": '"frame"', "plant": '"tiny"', "asset": '"pump-01"', "source": '"t"',
        "times_us": f"[{START_US}]", "signals": '{"pressure_bar":[5.0]}',
    } | changes  # fmt: skip
    return ("{" + ",".join(f'"{name}":{value}' for name, value in fields.items() if value) + "}").encode()


POISON = {
    "not JSON": (b"\xff\x00rubbish", Reject.NOT_JSON),
    "empty": (b"", Reject.NOT_JSON),
    "an array": (b"[1,2]", Reject.NOT_A_RECORD),
    "a missing field": (text(times_us=""), Reject.NOT_A_RECORD),
    "no rows": (text(times_us="[]", signals="{}"), Reject.NOT_A_RECORD),
    "time as text": (text(times_us='["now"]'), Reject.NOT_A_RECORD),
    "a negative time": (text(times_us="[-5]"), Reject.NOT_A_RECORD),
    "a record that is no input": (text(type='"alert"'), Reject.NOT_A_RECORD),
    "an unknown asset": (text(asset='"pump-99"'), Reject.UNKNOWN_ASSET),
    "another plant": (text(plant='"other"'), Reject.WRONG_PLANT),
    "unequal columns": (text(signals='{"pressure_bar":[1.0,2.0]}'), Reject.UNEQUAL_COLUMNS),
    "2 MB": (text(source='"' + "x" * 2_000_000 + '"'), Reject.TOO_LARGE),
    "deep JSON": (text(extra="[" * 100_000 + "]" * 100_000), Reject.TOO_DEEP),
    "deep JSON that says NaN": (text(extra="[" * 100_000 + "NaN" + "]" * 100_000), Reject.TOO_DEEP),
    "deep JSON of objects": (text(extra='{"a":' * 300 + "1" + "}" * 300), Reject.TOO_DEEP),
    "deep JSON without an end": (b"[" * 100_000, Reject.TOO_DEEP),
    "a lone surrogate beside a NaN": (
        text(asset='"\\ud800"', signals='{"pressure_bar":[NaN]}'),
        Reject.NOT_JSON,
    ),
    "a lone surrogate as a value beside a NaN": (
        text(signals='{"pressure_bar":["\\ud800"],"temp_degc":[NaN]}'),
        Reject.NOT_JSON,
    ),
    "a repair in the far future": (
        b'{"type":"maintenance","plant":"tiny","asset":"pump-01","time_us":253402300000000000,"action":"repaired"}',
        Reject.FAR_FUTURE,
    ),
    "an unknown signal": (text(signals='{"colour":[1.0]}'), Reject.UNKNOWN_SIGNAL),
    "a NaN": (text(signals='{"pressure_bar":[NaN]}'), Reject.NOT_A_NUMBER),
    "an infinity": (text(signals='{"pressure_bar":[-Infinity]}'), Reject.NOT_A_NUMBER),
    "a number beyond floats": (text(signals='{"temp_degc":[1e999]}'), Reject.NOT_A_RECORD),
    "out of range": (text(signals='{"pressure_bar":[25.1]}'), Reject.OUT_OF_RANGE),
    "a boolean as number": (text(signals='{"pressure_bar":[true]}'), Reject.WRONG_KIND),
    "text as number": (text(signals='{"pressure_bar":["5"]}'), Reject.WRONG_KIND),
    "a number as boolean": (text(signals='{"is_running":[1.0]}'), Reject.WRONG_KIND),
    "milliseconds": (text(times_us=f"[{START_US // 1000}]"), Reject.FAR_PAST),
    "a repair in milliseconds": (
        b'{"type":"maintenance","plant":"tiny","asset":"pump-01","time_us":%d,"action":"repaired"}'
        % (START_US // 1000),
        Reject.FAR_PAST,
    ),
    "a work order in milliseconds": (
        b'{"type":"work-order","plant":"tiny","asset":"pump-01","order":"7","kind":"service","reported_us":%d,'
        b'"started_us":0,"finished_us":0}' % (START_US // 1000),
        Reject.FAR_PAST,
    ),
    "text in milliseconds": (text(times_us=f"[{START_US // 1000}]", signals='{"mode":["auto"]}'), Reject.FAR_PAST),
    "the far future": (text(times_us=f"[{START_US + 11 * MINUTE_US}]"), Reject.FAR_FUTURE),
}


def step(*values: bytes):
    (partition,) = streams.partitions()
    tick = encode(Tick(plant="tiny", time_us=START_US))
    effects = partition.receive([RawRecord(at, 0, value) for at, value in enumerate((tick, *values))])
    letters = [decode(o.value) for o in effects.outputs if o.topic is Topic.DEAD_LETTERS]
    return partition, effects, letters


@pytest.mark.parametrize("name", POISON)
def test_rubbish_is_a_dead_letter_with_its_reason_and_the_rest_goes_on(name):
    payload, reason = POISON[name]
    partition, effects, letters = step(GOOD, payload, GOOD.replace(b"[5.0]", b"[6.0]"))
    (letter,) = letters
    assert isinstance(letter, DeadLetter)
    assert letter.reason is reason
    assert sum(len(rows) for rows in effects.rows) == 2
    assert partition.ledger.balances
    assert partition.ledger.rejected_by_reason == {letter.reason: 2 if name == "unequal columns" else 1}


@pytest.mark.parametrize("name", POISON)
def test_rubbish_is_the_same_dead_letter_whether_alone_or_in_a_batch(name):
    together = step(GOOD, POISON[name][0], GOOD)[2]
    assert step(POISON[name][0])[2] == together


def test_of_a_frame_only_the_bad_sample_is_rejected():
    frame = text(
        times_us=f"[{START_US},{START_US + 1},{START_US + 2}]",
        signals='{"pressure_bar":[5.0,NaN,99.0],"temp_degc":[60.0,61.0,null]}',
    )
    partition, effects, letters = step(frame)
    assert {letter.reason: [(s.signal, s.value) for s in letter.samples] for letter in letters} == {
        Reject.NOT_A_NUMBER: [("pressure_bar", "NaN")],
        Reject.OUT_OF_RANGE: [("pressure_bar", "99.0")],
    }
    (rows,) = effects.rows
    assert rows.time_us.tolist() == [START_US, START_US + 1]
    ledger = partition.ledger
    assert (ledger.values_read, ledger.values_stored, ledger.values_rejected) == (6, 3, 3)
    assert (ledger.rows_read, ledger.rows_stored, ledger.rows_rejected) == (3, 2, 1)
    assert ledger.rejected_by_reason == {"not-a-number": 1, "out-of-range": 1, "bad-quality": 1}


def test_a_dead_letter_lists_no_more_samples_than_a_message_holds():
    rows = 30_000
    times = ",".join(str(START_US + at) for at in range(rows))
    partition, effects, (letter,) = step(
        text(times_us=f"[{times}]", signals=f'{{"pressure_bar":[{",".join(["99"] * rows)}]}}')
    )
    assert len(letter.samples) == 100
    assert letter.detail.startswith("30000 ")
    assert max(len(output.value) for output in effects.outputs) < 20_000
    assert partition.ledger.values_rejected == rows


def test_a_value_of_bad_quality_is_counted_and_not_stored():
    frame = text(signals='{"pressure_bar":[5.0],"temp_degc":[60.0]}', quality='{"temp_degc":[4]}')
    partition, effects, letters = step(frame)
    assert letters == []
    assert list(effects.rows[0].fields) == ["pressure_bar"]
    assert partition.ledger.rejected_by_reason == {"bad-quality": 1}


def test_the_letter_of_a_time_before_2000_asks_whether_it_is_in_milliseconds():
    (letter,) = step(text(times_us=f"[{START_US // 1000}]"))[2]
    assert letter.detail.startswith("1 of the frame's samples lie before 2000") and "milliseconds?" in letter.detail


def test_a_far_future_sample_does_not_move_time():
    future = text(times_us=f"[{START_US + 60 * MINUTE_US}]")
    now = text(times_us=f"[{START_US + MINUTE_US}]")
    partition, _, _ = step(future, now)
    assert partition.ledger.rows_late == 0


def test_what_the_store_refuses_moves_to_rejected_before_the_snapshot():
    partition, _, _ = step(GOOD)
    assert partition.snapshot() is None
    (letter,) = partition.acknowledged([Refusal(0, 0, "field type conflict")])
    assert decode(letter.value).reason is Reject.STORE_REFUSED
    ledger = partition.ledger
    assert (ledger.rows_stored, ledger.rows_rejected, ledger.balances) == (0, 1, True)
    assert partition.snapshot() is not None


def test_text_and_boolean_signals_are_stored_as_such():
    _, effects, _ = step(text(signals='{"is_running":[true],"mode":["auto"],"pressure_bar":[null]}'))
    fields = effects.rows[0].fields
    assert (fields["is_running"].tolist(), fields["mode"].tolist()) == ([True], ["auto"])
