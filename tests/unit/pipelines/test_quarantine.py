"""Frames of a source whose clock jumped: kept apart as a whole for one decision, then stored as it says."""

from __future__ import annotations

import asyncio

import pytest

from connectors.memory import MemoryStore
from models.clocks import HOUR_US, MOST_SOURCES
from models.records import (
    ClockDecision,
    Frame,
    Notice,
    NoticeKind,
    NoticeState,
    Reject,
    decode,
    encode,
)  # fmt: skip
from pipelines.ledger import Ledger
from pipelines.partition import Partition
from pipelines.ports import RawRecord, Snapshot
from pipelines.saving import clocks_of
from pipelines.topics import Topic
from tests.kit import tiny
from tests.kit.streams import MINUTE_US, START_US

PUMP, SOURCE = "pump-01", "line-1"


def frame(minute: int, moved_us: int = 0, asset: str = PUMP, source: str = SOURCE) -> Frame:
    """A frame of three rows that ends at this minute, by a clock that is `moved_us` off."""
    times = [START_US + minute * MINUTE_US - second * 1_000_000 + moved_us for second in (40, 20, 0)]
    return Frame(
        plant="tiny", asset=asset, source=source, times_us=times, signals={"pressure_bar": [5.0, 6.0, minute % 20 / 2]}
    )


def decision(shift_us: int | None, *assets: str, source: str = SOURCE) -> ClockDecision:
    return ClockDecision(plant="tiny", source=source, shift_us=shift_us, assets=assets)


class Log:
    """A partition fed by arrival; what it published, and its store. With `restores`, anew from a snapshot each time."""

    def __init__(self, *, restores: bool = False) -> None:
        self.partition = Partition(tiny.plant(), tiny.models())
        self.store, self.restores = MemoryStore(), restores
        self.published: dict[Topic, list] = {topic: [] for topic in Topic}
        self._offset = 0
        self._kept: Snapshot | None = None

    def take(self, minute: float, *records: Frame | ClockDecision | bytes) -> Log:
        """Records that arrive at this minute, in one batch."""
        arrived_ms = (START_US + round(minute * MINUTE_US)) // 1000 + 500
        values = [record if isinstance(record, bytes) else encode(record) for record in records]
        effects = self.partition.receive(
            [RawRecord(self._offset + at, arrived_ms, value) for at, value in enumerate(values)]
        )
        self._offset += len(values)
        asyncio.run(self.store.write(effects.rows))
        self.partition.acknowledged()
        for output in effects.outputs:
            self.published[output.topic].append(output)
        if self.restores:
            self._kept = self.partition.snapshot().onto(self._kept)
            self.partition = Partition.restore(tiny.plant(), tiny.models(), self._kept)
        return self

    def live(self, first: int, end: int, moved_us: int = 0, **of: str) -> Log:
        """A frame a minute from `first` to before `end`."""
        for minute in range(first, end):
            self.take(minute, frame(minute, moved_us, **of))
        return self

    @property
    def notices(self) -> list[Notice]:
        """Those about clocks."""
        every = [decode(output.value) for output in self.published[Topic.NOTICES]]
        return [notice for notice in every if notice.kind is NoticeKind.CLOCK_JUMP]

    @property
    def held(self) -> list[bytes]:
        return [output.value for output in self.published[Topic.QUARANTINE]]

    @property
    def ledger(self) -> Ledger:
        return self.partition.ledger

    def minutes(self, asset: str = PUMP) -> list[int]:
        """Minutes at whose very end a row of the asset is stored."""
        rows = asyncio.run(self.store.read("pump", 0, 4_000_000_000_000_000))
        ends = rows.filter(rows["asset"] == asset)["time_us"].to_list()
        return [(us - START_US) // MINUTE_US for us in ends if us % MINUTE_US == 0]


def jumped(*, restores: bool = False) -> Log:
    """Two hours live, then an hour by a clock that went back an hour."""
    return Log(restores=restores).live(0, 120).live(120, 180, -HOUR_US)


def test_jumped_frames_go_to_quarantine_as_they_are_and_nothing_of_them_is_stored():
    log = jumped()
    assert log.held == [encode(frame(minute, -HOUR_US)) for minute in range(120, 180)]
    assert log.minutes() == list(range(120))
    assert {output.key for output in log.published[Topic.QUARANTINE]} == {b"tiny/pump-01"}
    told = dict(log.published[Topic.QUARANTINE][0].headers)
    assert (told["source"], told["asset"], told["hours"], told["offset"]) == (b"line-1", b"pump-01", b"-1", b"120")


def test_the_ledger_counts_them_as_rejected_and_balances_without_a_dead_letter():
    log = jumped()
    assert log.ledger.balances
    assert log.ledger.rejected_by_reason == {Reject.CLOCK_JUMP: 180}
    assert (log.ledger.records_rejected, log.ledger.rows_rejected, log.ledger.values_rejected) == (60, 180, 180)
    assert log.published[Topic.DEAD_LETTERS] == []


def test_one_notice_asks_whether_it_is_dst_or_a_time_zone_and_says_what_to_do():
    (notice,) = jumped().notices
    assert (notice.kind, notice.state, notice.reason) == (NoticeKind.CLOCK_JUMP, NoticeState.OPEN, "DST or time zone?")
    assert (notice.asset, notice.source, notice.revision) == (PUMP, SOURCE, 0)
    assert notice.since_us == START_US + 120 * MINUTE_US + 500_000
    assert "back by 1 hour" in notice.detail
    assert "--shift=+1h" in notice.detail


def test_a_clock_that_is_right_again_closes_the_notice_and_its_frames_are_stored():
    log = jumped().live(180, 190)
    assert [(n.revision, n.state) for n in log.notices] == [(0, NoticeState.OPEN), (1, NoticeState.CLOSED)]
    assert len({n.id for n in log.notices}) == 1
    assert log.minutes()[-10:] == list(range(180, 190))


@pytest.mark.parametrize("restores", [False, True])
def test_a_shift_moves_what_comes_after_it_and_what_waited_is_stored_right(restores):
    log = jumped(restores=restores).take(180, decision(HOUR_US))
    assert [(n.revision, n.state) for n in log.notices] == [(0, NoticeState.OPEN), (1, NoticeState.CLOSED)]
    log.take(180.1, *log.held).live(181, 300, -HOUR_US)
    assert sorted(set(log.minutes())) == [*range(180), *range(181, 300)]
    assert len(log.held) == 60
    assert log.ledger.balances
    assert log.ledger.rows_stored == 3 * (120 + 60 + 119)


def test_rows_are_held_against_the_present_by_their_moved_times():
    log = Log().take(0, decision(-2 * HOUR_US)).live(0, 60, 2 * HOUR_US)
    assert log.minutes() == list(range(60))
    assert log.ledger.rows_rejected == 0


def test_as_it_is_lets_what_waited_in_and_takes_the_new_offset_for_the_usual():
    log = jumped().take(180, decision(0))
    log.take(180.1, *log.held).live(181, 300, -HOUR_US)
    assert len(log.held) == 60
    assert log.minutes().count(60) == 1  # the same moment again: the later value stands
    assert log.ledger.rows_stored == 3 * (120 + 60 + 119)
    assert log.live(300, 310, -2 * HOUR_US).notices[-1].detail.startswith("times went back by 1 hour")


def test_left_alone_the_question_ends_and_is_put_anew_while_the_clock_stays_wrong():
    log = jumped().take(180, decision(None)).live(181, 190, -HOUR_US)
    assert [(n.revision, n.state.value) for n in log.notices] == [(0, "open"), (1, "closed"), (0, "open")]
    assert len({n.id for n in log.notices}) == 2
    assert len(log.held) == 69


def test_a_decision_is_about_its_source_and_the_assets_that_it_names_alone():
    log = Log()
    for minute in range(180):
        moved_us = -HOUR_US if minute >= 120 else 0
        log.take(minute, frame(minute, moved_us), frame(minute, 0, "pump-02"), frame(minute, moved_us, "pump-03", "x"))
    assert {(n.asset, n.source) for n in log.notices} == {(PUMP, SOURCE), ("pump-03", "x")}
    log.take(180, decision(HOUR_US, PUMP))
    for minute in range(181, 240):
        log.take(minute, frame(minute, -HOUR_US), frame(minute, 0, "pump-02"), frame(minute, -HOUR_US, "pump-03", "x"))
    assert log.minutes()[-59:] == log.minutes("pump-02")[-59:] == list(range(181, 240))
    assert max(log.minutes("pump-03")) == 119
    assert [n.asset for n in log.notices if n.state is NoticeState.CLOSED] == [PUMP]


def test_the_same_decision_twice_moves_times_once():
    log = jumped().take(180, decision(HOUR_US), decision(HOUR_US)).live(181, 200, -HOUR_US)
    assert log.minutes()[-19:] == list(range(181, 200))
    assert sum(n.state is NoticeState.CLOSED for n in log.notices) == 1


def test_a_year_of_summer_and_winter_time_takes_a_decision_each():
    log = jumped().take(180, decision(HOUR_US)).live(181, 300, -HOUR_US).live(300, 310)
    assert log.notices[-1].detail.startswith("times went ahead by 1 hour")
    assert "--shift=+0h" in log.notices[-1].detail
    log.take(310, decision(0)).take(310, *log.held[-10:]).live(311, 330)
    assert sorted(set(log.minutes()))[-29:] == [*range(300, 310), *range(311, 330)]


def test_each_question_ends_once_where_more_sources_jump_than_are_followed():
    log = Log()
    for minute in range(3 * MOST_SOURCES):
        log.take(minute, frame(minute, 2 * HOUR_US, source=f"boot-{minute}"))
    state = {notice.id: notice for notice in log.notices}
    left = [notice for notice in state.values() if notice.state is NoticeState.OPEN]
    assert len(state) == 3 * MOST_SOURCES
    assert {notice.source for notice in left} == log.partition.state.clocks.by_asset[PUMP].keys()
    assert len(log.notices) == 2 * len(state) - len(left)
    closed = next(notice for notice in log.notices if notice.state is NoticeState.CLOSED)
    assert f"{MOST_SOURCES} sources of an asset are followed" in closed.detail
    assert log.ledger.balances


def test_names_that_a_decision_lists_and_no_plant_has_are_not_kept():
    log = jumped().take(180, decision(HOUR_US, PUMP, *(f"nobody-{number}" for number in range(1000))))
    assert log.partition.state.clocks.decided[SOURCE].keys() == {PUMP}
    log.take(181, decision(-HOUR_US, "nobody")).take(182, frame(182, -HOUR_US))
    assert log.minutes()[-1] == 182


def test_a_frame_that_a_shift_moves_before_1970_is_a_dead_letter():
    early = Frame(plant="tiny", asset=PUMP, source=SOURCE, times_us=[5], signals={"pressure_bar": [5.0]})
    log = Log().take(0, decision(-HOUR_US), early)
    (letter,) = (decode(output.value) for output in log.published[Topic.DEAD_LETTERS])
    assert (letter.reason, log.ledger.balances) == (Reject.NOT_A_RECORD, True)


def test_a_decision_of_another_plant_or_of_more_than_a_day_is_a_dead_letter():
    other = ClockDecision(plant="other", source=SOURCE, shift_us=0)
    log = Log().take(0, other, encode(decision(25 * HOUR_US)))
    reasons = [decode(output.value).reason for output in log.published[Topic.DEAD_LETTERS]]
    assert reasons == [Reject.WRONG_PLANT, Reject.NOT_A_RECORD]


def test_the_clocks_can_be_read_out_of_a_snapshot():
    snapshot = jumped().partition.snapshot()
    clock = clocks_of(snapshot.parts).by_asset[PUMP][SOURCE]
    assert clock.usual_us == 500_000
    assert clock.jumps == {-1: START_US + 120 * MINUTE_US + 500_000}
