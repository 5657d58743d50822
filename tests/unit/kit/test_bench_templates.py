"""Templates of README name rows that benches give: shown with made-up rounds, since a run takes minutes to hours."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace

import pytest

from tests.bench import backfill, ingest, latency, load
from tests.kit.backfill_measured import Ran
from tests.kit.bench_page import TEMPLATED
from tests.kit.bench_shown import BLOCK, NO_FIGURE, filled, loses
from tests.kit.contest import NOTHING, Measured
from tests.kit.loads import Load

TEMPLATES = {found[2]: found[3] for path in TEMPLATED for found in BLOCK.finditer(path.read_text(encoding="utf-8"))}
ROUNDS = tuple(Measured(rate=rate, cpu_s=1.0, peak_mib=2.0, seconds=3.0) for rate in (10.0, 30.0, 20.0))


def a_contest(name: str, peers: dict[str, float], slowest=ROUNDS, **told) -> ingest.Contest:
    """As `ingest.contest` and `add_peers` make one, with rounds in it."""
    load_ = Load(**{"rows": ingest.ROWS} | told)
    made = ingest.Contest(name, None, load_, None)
    for who, share in {ingest.OURS: 1.0, **peers}.items():
        rows = round(load_.total * share)
        made.contenders[who] = lambda _, rows=rows: SimpleNamespace(rows=rows)
        made.found[who] = list(slowest if who in peers else ROUNDS)
    made.forecasts = [7, 8, 9]
    return made


def rows_of_ingest(slowest=ROUNDS):
    single = a_contest(
        "single", {"Telegraf": 1, "Quix Streams": 1 / 3, "Bytewax": 1 / 3, "plain Faust": 1 / 12}, slowest
    )
    frames = a_contest("frames", {"Quix Streams": 1, "Bytewax": 1, "plain Faust": 1 / 3}, slowest, rows_a_frame=60)
    few, many = (a_contest(f"{assets}-assets", {}, rows=ingest.BREADTH_ROWS, assets=assets) for assets in (10, 10_000))
    contests = (single, frames, few, many)
    return [*(row for each in contests for row in each.rows()), *ingest.bars(*contests)]


def rows_of_latency():
    levels = [latency.Level(share, 100.0 * share) for share in latency.SHARES]
    for level in levels:
        level.sent += [level.wanted] * 3
        level.rounds_ms += [[10, 20, 30], [11, 40], [15], []]
    return latency.rows(levels, 1000.0)


def rows_of_backfill():
    ran = Ran(**{one.name: 1 for one in fields(Ran)})
    paces = {
        who: [backfill.Pace(rate, 2.0) for rate in (3.0, 5.0, 4.0)]
        for who in (backfill.OURS, backfill.LOOP, backfill.QUIX)
    }
    years = backfill.of_years(dict.fromkeys((1, 10, 100), ran))
    return [*years, *backfill.of_peers(paces, 1.0), *backfill.figures("InfluxDB", ran, 1.0)]


def rows_of_load():
    figures = load.Figures(*[0.5] * len(load.Figures._fields))
    return load.rows_of({load.OURS: figures, "ours, tariff known ahead": figures, load.NAIVE: figures})


MADE = {"ingest": rows_of_ingest, "latency": rows_of_latency, "backfill": rows_of_backfill, "load": rows_of_load}


@pytest.mark.parametrize("name", MADE)
def test_every_figure_that_a_template_asks_for_is_a_row_of_its_bench(name):
    assert NO_FIGURE not in filled(TEMPLATES[name], MADE[name]())


def test_rounds_are_medians_with_their_spread_and_peers_are_held_against_ours():
    rows = {(row.name, row.unit): row for row in rows_of_ingest()}
    ours = rows["single: Forewarn, 3,000,000 rows", "rows/s"]
    assert (ours.value, ours.low, ours.high, ours.runs, ours.peer) == (20.0, 10.0, 30.0, 3, None)
    assert rows["single: Telegraf, 3,000,000 rows", "rows/s"].ours == 20.0
    assert rows["single: Telegraf, 3,000,000 rows", "CPU-s a million rows"].at_most
    assert not any(loses(row) for row in rows.values())


def test_a_peer_that_fails_a_round_has_no_figure_and_no_bar_holds_that_rests_on_it():
    rows = {row.name: row for row in rows_of_ingest((*ROUNDS[:2], NOTHING))}
    assert not rows["single: Forewarn over Telegraf"].holds
    assert rows["10,000 assets in one worker, at the peak"].holds


def test_percentiles_are_of_all_rounds_with_the_least_and_the_most_of_each():
    p50 = next(row for row in rows_of_latency() if row.name == "at 25%: p50")
    assert (p50.value, p50.low, p50.high, p50.runs) == (17.5, 15.0, 25.5, 3)


def test_what_ours_does_with_other_seeds_and_knowledge_is_no_peer():
    peers = {row.name: row.peer for row in rows_of_load()}
    assert peers["ours, tariff known ahead: error over 24 h"] is None
    assert peers[f"{load.NAIVE}: error over 24 h"] == load.NAIVE
