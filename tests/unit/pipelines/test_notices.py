"""What is told of the data: sensors with a fault and silent assets, each once, and when it is over."""

from __future__ import annotations

import pytest

from models.plant import parse
from models.records import (
    AnyInput,
    FeedReport,
    Frame,
    Maintenance,
    MaintenanceAction,
    Notice,
    NoticeKind,
    NoticeState,
    Quality,
    Tick,
    decode,
)
from pipelines.driver import Driver
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.topics import Topic
from tests.kit import tiny
from tests.kit.streams import MINUTE_US, START_US

DEADMAN_MIN = 45
"""Three times the 15 min of the mixer's pressure."""


def row(minute: int, source: str = "plc", asset: str = "mixer-01", **signals) -> Frame:
    time_us = START_US + minute * MINUTE_US
    columns = {name: [value] for name, value in signals.items()}
    return Frame(plant="tiny", asset=asset, source=source, times_us=[time_us], signals=columns)


def tick(minute: int) -> Tick:
    return Tick(plant="tiny", time_us=START_US + minute * MINUTE_US)


def notices(*records: AnyInput, batch: int = 50) -> tuple[list[Notice], Partition]:
    partition = Partition(tiny.plant(), tiny.models())
    driver = Driver([partition], batch=batch)
    outputs = [output for _, effects in driver.feed(records) for output in effects.outputs]
    return [decode(output.value) for output in outputs if output.topic is Topic.NOTICES], partition


def running(minutes: range, **fixed):
    """A mixer that runs, whose pressure and temperature move a little, but for what is fixed (None: not sent)."""
    for minute in minutes:
        signals = {"pressure_bar": 5.0 + minute % 7 / 100, "temp_degc": 60.0 + minute % 5 / 10} | fixed
        yield row(minute, **{name: value for name, value in signals.items() if value is not None})


def told(found: list[Notice]) -> list[tuple[str, str, str, int]]:
    return [(n.signal, n.reason, str(n.state), (n.time_us - START_US) // MINUTE_US) for n in found]


def test_a_stuck_sensor_of_a_running_machine_is_told_of_once_and_again_when_it_moves():
    found, _ = notices(*running(range(30)), *running(range(30, 50), temp_degc=61.0), *running(range(50, 60)))
    assert told(found) == [("temp_degc", "stuck", "open", 39), ("temp_degc", "stuck", "closed", 51)]
    assert found[0].id == found[1].id and [n.revision for n in found] == [0, 1]
    assert found[0].kind is NoticeKind.SENSOR_FAULT and "not machine fault" in found[0].detail


def test_a_sensor_that_jumps_farther_than_it_can_is_told_of():
    found, _ = notices(*running(range(30)), *running(range(30, 31), temp_degc=120.0), *running(range(31, 40)))
    assert told(found) == [("temp_degc", "jumped", "open", 31), ("temp_degc", "jumped", "closed", 32)]


def test_a_sensor_that_says_nothing_while_its_machine_runs_is_told_of_after_its_max_silence():
    found, _ = notices(*running(range(30)), *running(range(30, 60), temp_degc=None), *running(range(60, 70)))
    assert told(found) == [("temp_degc", "silent", "open", 41), ("temp_degc", "silent", "closed", 61)]


def test_nothing_is_told_of_the_sensors_of_a_machine_that_stands():
    standing = [row(minute, pressure_bar=0.5, temp_degc=20.0) for minute in range(30, 90)]
    found, _ = notices(*running(range(30)), *standing)
    assert found == []


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_an_asset_that_falls_silent_is_told_of_by_a_tick_and_when_it_is_heard_again(batch):
    ticks = [tick(minute) for minute in range(10, 120)]
    found, _ = notices(*running(range(10)), *ticks, *running(range(120, 125)), batch=batch)
    (opened, closed) = found
    assert (opened.kind, opened.state, closed.state) == (NoticeKind.SILENT_ASSET, NoticeState.OPEN, NoticeState.CLOSED)
    assert opened.since_us == START_US + 9 * MINUTE_US
    assert opened.time_us == START_US + (9 + DEADMAN_MIN + 1) * MINUTE_US
    assert closed.id == opened.id and closed.time_us == START_US + 120 * MINUTE_US


def test_rows_that_are_no_news_do_not_end_a_silence():
    found, _ = notices(*running(range(10)), tick(100), *running(range(3, 6)))
    assert [notice.state for notice in found] == [NoticeState.OPEN]


def test_the_ledger_knows_what_each_source_sent():
    repair = Maintenance(plant="tiny", asset="mixer-01", time_us=START_US, action=MaintenanceAction.REPAIRED)
    found, partition = notices(
        row(0, "a", pressure_bar=5.0, temp_degc=60.0), row(1, "a", pressure_bar=99.0), row(2, "b", pressure_bar=5.0),
        row(3, "b", asset="nobody", pressure_bar=5.0), repair,
    )  # fmt: skip
    ledger = partition.ledger
    rows = {name: (of.rows_read, of.rows_stored, of.rows_rejected) for name, of in ledger.sources.items()}
    assert rows == {"a": (2, 1, 1), "b": (2, 1, 1), "(events)": (1, 1, 0)}
    assert (ledger.sources["a"].values_read, ledger.sources["a"].values_rejected) == (3, 1)
    assert ledger.balances and found == []


def test_a_feed_report_that_no_state_could_hold_is_a_dead_letter():
    partition = Partition(tiny.plant(), tiny.models())
    value = b'{"type":"feed-report","plant":"tiny","source":"f","time_us":1,"counts":{"read":18446744073709551616}}'
    partition.receive([RawRecord(0, 0, value)])
    partition.acknowledged()
    assert partition.ledger.records_rejected == 1
    assert partition.snapshot() is not None


def test_what_a_feed_reports_of_itself_is_in_the_ledger_and_the_last_report_counts():
    reports = [FeedReport(plant="tiny", source="mqtt:hall", time_us=at, counts={"dropped": at}) for at in (1, 2)]
    _, partition = notices(*reports)
    assert partition.ledger.feeds == {"mqtt:hall": {"dropped": 2}}


DEAD = {
    "stuck": lambda _: {"temp_degc": [61.0]},
    "silent": lambda _: {},
    "null": lambda _: {"temp_degc": [None]},
    "out of range": lambda _: {"temp_degc": [900.0]},
    "of bad quality": lambda minute: {"temp_degc": [90.0 + minute % 3]},
    "spikes": lambda minute: {"temp_degc": [120.0 if minute % 2 else 60.0 + minute % 5 / 10]},
}


@pytest.mark.parametrize("dies", DEAD)
def test_a_dead_sensor_brings_a_notice_or_dead_letters_and_never_a_warning_of_its_machine(dies):
    text = tiny.PLANT_TOML.replace("max_step = 20\n", "max_step = 20\nrange = [-40, 200]\n")
    limit = '[[types.mixer.limits]]\nsignal = "temp_degc"\nwarning_high = 80\nwarning_low = 20\n'
    plant = parse(text.replace("[types.mixer.operating]", f"{limit}[types.mixer.operating]"))
    dead = []
    for minute in range(60, 240):
        signals = {"pressure_bar": [5.0 + minute % 7 / 100], **DEAD[dies](minute)}
        quality = {"temp_degc": [int(Quality.BAD)]} if dies == "of bad quality" else {}
        time_us = START_US + minute * MINUTE_US
        dead += [
            Frame(
                plant="tiny", asset="mixer-01", source="plc", times_us=[time_us], signals=signals, quality=quality
            ),
            tick(minute + 1),
        ]  # fmt: skip
    driver = Driver([Partition(plant, tiny.models(limit=0.99))], batch=50)
    outputs = [o for _, effects in driver.feed([*running(range(60)), *dead]) for o in effects.outputs]
    topics = {output.topic for output in outputs}
    assert Topic.ALERTS not in topics
    assert topics & {Topic.NOTICES, Topic.DEAD_LETTERS}


def test_a_machine_that_is_too_hot_by_a_sound_sensor_is_warned_of_there():
    limit = '[[types.mixer.limits]]\nsignal = "temp_degc"\nwarning_high = 80\n'
    plant = parse(tiny.PLANT_TOML.replace("[types.mixer.operating]", f"{limit}[types.mixer.operating]"))
    hot = [row(minute, pressure_bar=5.0 + minute % 7 / 100, temp_degc=min(60.0 + (minute - 60) / 2, 90.0) + minute % 3)
           for minute in range(60, 240)]  # fmt: skip
    driver = Driver([Partition(plant, tiny.models(limit=0.99))], batch=50)
    topics = [o.topic for _, effects in driver.feed([*running(range(60)), *hot, tick(250)]) for o in effects.outputs]
    assert Topic.ALERTS in topics
