"""A lane over history: what it leaves, wherever it is killed, stopped or refused."""

from __future__ import annotations

from concurrent.futures import Future

import numpy as np
import polars as pl
import pytest

from models.records import Alert, DeadLetter, Forecast, HealthyBaseline, Maintenance, Reject, encode
from pipelines.backfill.kept import LaneFolder
from pipelines.backfill.lane import Lane, Span
from pipelines.backfill.results import FORECASTS, GAPS, Results
from pipelines.backfill.stretch import Stretch
from pipelines.made import Pace
from pipelines.partition import Partition
from pipelines.ports import Refusal, Snapshot
from tests.kit import grounds, history, streams, tiny

DAY_US = 86_400_000_000
RECORDS = streams.weeks(3, days=6)
END_US = streams.START_US + 6 * DAY_US
SPAN = Span(from_us=streams.START_US + 2 * DAY_US, to_us=END_US, assets=frozenset({"pump-01", "pump-02", "mixer-01"}))
ENDS_US = [streams.START_US + n * DAY_US // 2 for n in range(1, 13)] + [END_US + 240_000_000]
NAMES = ("stepped", "settled", "kept")


class Killed(Exception):
    """Stands for kill -9: nothing after it is done."""


class Refuses:
    """A keeper that keeps what it was given, and refuses a row of some steps."""

    def __init__(self, every: int = 0) -> None:
        self.every, self.taken, self.records, self.settled = every, 0, [], 0

    def take(self, rows, records):
        self.taken += 1
        self.records += records
        refused: Future = Future()
        refused.set_result([Refusal(0, 0, "no")] if rows and self.every and self.taken % self.every == 0 else [])
        return refused

    def settle(self):
        self.settled += 1


def pieces(after_us: int = 0) -> list[Stretch]:
    every = history.stretches(RECORDS, tiny.plant(), ENDS_US)
    return [stretch for stretch in every if stretch.until_us > after_us]


def lane_of(folder, keepers=(), checkpoint=lambda _: None) -> tuple[Lane, list[Stretch]]:
    kept = LaneFolder(folder / "lane-0")
    point = kept.point
    snapshot = Snapshot(point.next_offset, point.state) if point else None
    partition = Partition.restore(tiny.plant(), tiny.models(), snapshot, pace=Pace(span=1440))
    return Lane(partition, SPAN, kept, keepers, "test", checkpoint), pieces(point.at.position if point else 0)


def work(folder, *, keep_s=0.0, stop=lambda: False, **given) -> bool:
    lane, left = lane_of(folder, **given)
    return lane.run(left, stop=stop, keep_s=keep_s)


def left_in(folder) -> tuple:
    results = Results(folder)
    lines = sorted(encode(record) for record in results.records())
    gaps = results.table("gaps", GAPS).sort("asset", "from_us")
    return results.forecasts().rows(), lines, gaps.rows(), results.ledger()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert work(folder, keep_s=1e9)
    return left_in(folder)


def test_a_run_leaves_forecasts_warnings_failures_and_its_ledger(whole):
    forecasts, lines, _, ledger = whole
    assert len(forecasts) > 1000
    assert {b"alert", b"maintenance"} <= {line.split(b'"')[3] for line in lines}
    assert ledger.balances
    assert ledger.rows_read > 1000


def test_what_it_says_is_of_the_span_alone(whole):
    forecasts = pl.DataFrame(whole[0], FORECASTS, orient="row")
    assert SPAN.from_us < forecasts["window_end_us"].min()
    assert forecasts["window_end_us"].max() <= SPAN.to_us


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [1, 2, 9])
def test_killed_at_any_step_and_begun_again_it_leaves_the_same(whole, tmp_path, name, at):
    count = 0

    def killed(step: str) -> None:
        nonlocal count
        count += step == name
        if step == name and count == at:
            raise Killed

    with pytest.raises(Killed):
        work(tmp_path, checkpoint=killed)
    assert work(tmp_path)
    assert left_in(tmp_path) == whole


def test_killed_at_random_again_and_again_it_leaves_the_same(whole, tmp_path):
    random = np.random.default_rng(5)

    def killed(_step: str) -> None:
        if random.random() < 0.08:
            raise Killed

    for _ in range(200):
        try:
            if work(tmp_path, checkpoint=killed):
                break
        except Killed:
            continue
    assert left_in(tmp_path) == whole


def test_a_file_cut_off_by_a_crash_is_not_read(whole, tmp_path):
    work(tmp_path, stop=lambda: True)
    (tmp_path / "lane-0" / "forecasts-000007.parquet").write_bytes(b"half")
    assert work(tmp_path)
    assert left_in(tmp_path) == whole


def test_a_stop_keeps_what_is_done_and_the_next_run_goes_on(whole, tmp_path):
    asked = iter([False, False, True])
    assert not work(tmp_path, stop=lambda: next(asked))
    _, left = lane_of(tmp_path)
    assert len(left) == len(pieces()) - 3
    assert work(tmp_path)
    assert left_in(tmp_path) == whole


def test_a_lane_that_is_through_says_so(tmp_path):
    assert not LaneFolder(tmp_path / "lane-0").is_through
    work(tmp_path)
    assert LaneFolder(tmp_path / "lane-0").is_through


def test_what_the_store_refuses_is_a_dead_letter_and_counted(tmp_path):
    work(tmp_path, keepers=[Refuses(every=5)])
    letters = [record for record in Results(tmp_path).records() if isinstance(record, DeadLetter)]
    assert {letter.reason for letter in letters} == {Reject.STORE_REFUSED}
    ledger = Results(tmp_path).ledger()
    assert ledger.rows_rejected == len(letters) > 1
    assert ledger.balances


def test_keepers_get_each_forecast_and_warning_of_the_span_and_settle_before_each_point(tmp_path):
    keeper = Refuses()
    work(tmp_path, keepers=[keeper])
    said = [record for record in keeper.records if isinstance(record, Forecast)]
    assert {(f.asset, f.window_end_us) for f in said} == {row[:2] for row in Results(tmp_path).forecasts().rows()}
    assert any(isinstance(record, Alert) for record in keeper.records)
    assert keeper.settled == len(pieces()) + 1


def test_rows_are_left_as_they_came_where_they_are_asked_for(tmp_path):
    lane, left = lane_of(tmp_path)
    lane._keeps_rows = True
    lane.run(left)
    found = pl.concat([pl.read_parquet(part) for part in (tmp_path / "lane-0").glob("rows-mixer-*.parquet")])
    sent = history.tables(RECORDS, tiny.plant())["mixer"].filter(pl.col("time_us") >= SPAN.from_us)
    said = sent.select(found.columns)
    assert found.sort("time_us").equals(said.sort("time_us"))


def test_failures_of_the_span_are_left_to_judge_by(whole, tmp_path):
    work(tmp_path)
    told = {r for r in Results(tmp_path).records() if isinstance(r, Maintenance)}
    assert told == {r for r in RECORDS if isinstance(r, Maintenance) and r.time_us >= SPAN.from_us}


def test_an_asset_that_never_spoke_is_a_gap_of_the_whole_span(tmp_path):
    lane, left = lane_of(tmp_path)
    lane.span = Span(from_us=SPAN.from_us, to_us=SPAN.to_us, assets=SPAN.assets | {"fan-01"})
    lane.run(left)
    gaps = Results(tmp_path).table("gaps", GAPS)
    assert ("fan-01", SPAN.from_us, SPAN.to_us) in gaps.rows()


def test_killed_before_it_says_that_it_is_through_it_tells_no_gap_twice(tmp_path, monkeypatch):
    def killed(*_) -> None:
        raise Killed

    monkeypatch.setattr(LaneFolder, "finish", killed)
    for _ in range(2):
        lane, left = lane_of(tmp_path)
        lane.span = Span(from_us=SPAN.from_us, to_us=SPAN.to_us, assets=SPAN.assets | {"fan-01"})
        with pytest.raises(Killed):
            lane.run(left)
    gaps = Results(tmp_path).table("gaps", GAPS).rows()
    assert gaps.count(("fan-01", SPAN.from_us, SPAN.to_us)) == 1


class Late(Refuses):
    """A keeper that refuses the second row of each table of mixers that it is given."""

    def take(self, rows, records):
        refused: Future = Future()
        mixers = [at for at, table in enumerate(rows) if table.measurement == "mixer" and len(table) > 1]
        refused.set_result([Refusal(at, 1, "no") for at in mixers])
        return refused


def test_what_is_refused_of_the_rows_asked_for_is_told_of_the_right_row(tmp_path):
    lane, left = lane_of(tmp_path, keepers=[Late()])
    lane.span = Span(from_us=SPAN.from_us, to_us=SPAN.to_us, assets=frozenset({"pump-02", "mixer-01"}))
    lane.run(left)
    letters = [record for record in Results(tmp_path).records() if isinstance(record, DeadLetter)]
    sent = history.tables(RECORDS, tiny.plant())["mixer"].drop_nulls("temp_degc")
    said = set(sent.select("time_us", pl.col("temp_degc").cast(pl.String)).rows())
    told = {(s.time_us, s.value) for letter in letters for s in letter.samples if s.signal == "temp_degc"}
    assert len(told) > 1
    assert told <= said
    assert {letter.asset for letter in letters} == {"mixer-01"}
    assert Results(tmp_path).ledger().balances


def test_what_the_store_refuses_of_forecasts_is_left_as_a_letter(tmp_path):
    class Says(Refuses):
        def take(self, rows, records):
            kept: Future = Future()
            letter = DeadLetter(plant="tiny", reason=Reject.STORE_REFUSED, detail="forecast", asset="pump-01")
            kept.set_result([letter] if any(isinstance(record, Forecast) for record in records) else [])
            return kept

    work(tmp_path, keepers=[Says()])
    assert any(isinstance(r, DeadLetter) and r.detail == "forecast" for r in Results(tmp_path).records())


def test_silent_assets_are_gaps_of_history_and_no_notices(whole):
    assert not any(b'"silent-asset"' in line for line in whole[1])


def test_baselines_that_history_gives_are_kept(tmp_path):
    records = grounds.log(1)
    ends_us = [streams.START_US + (day + 1) * DAY_US for day in range(7)]
    span = Span(from_us=streams.START_US, to_us=ends_us[-1], assets=frozenset(grounds.plant().assets))
    lane = Lane(Partition(grounds.plant(), {}, pace=Pace(span=1440)), span, LaneFolder(tmp_path / "lane-0"), (), "test")
    assert lane.run(history.stretches(records, grounds.plant(), ends_us))
    kept = [record for record in Results(tmp_path).records() if isinstance(record, HealthyBaseline)]
    assert kept
    assert {record.number for record in kept} >= {1}
