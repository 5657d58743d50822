"""What is known of all stations: records to where they belong, the kill switch, one open suggestion a station."""

from __future__ import annotations

import numpy as np
import pytest

from models.plant import parse
from models.records import SuggestionState, TuningSwitch, Verdict, encode
from models.tuning.tuner import Served
from pipelines.console.ports import Came
from pipelines.replayed import BEHIND_US
from pipelines.topics import Topic
from pipelines.tune.board import AHEAD_US, Board
from tests.kit.shop import OTHER, TOML, plant
from tests.kit.tuned import (
    ASSET,
    COOLER,
    EVIDENCE,
    HOUR_US,
    NOW_US,
    PRODUCT,
    answer,
    cooler,
    heat,
    load,
    made,
    part,
    result,
    states,
)  # fmt: skip


def came(*records):
    return [Came(Topic.QUALITY, 0, b"", encode(one)) for one in records]


def switch(is_stopped, asset="", time_us=NOW_US):
    return TuningSwitch(plant="shop", is_stopped=is_stopped, by="anna", time_us=time_us, asset=asset)


def served(name):
    return COOLER if name == "press-defects" else None


@pytest.fixture
def board():
    return Board(plant())


@pytest.fixture
def full(board):
    board.take(came(*made(0, EVIDENCE + 4)))
    return board


def test_parts_and_results_go_to_their_station_and_product(board):
    other = [part(9, product=OTHER), result(9, 1)]
    assert board.take(came(*made(0, 3), *other)) == 8
    assert {of: tuner.journal.known for of, tuner in board.tuners.items()} == {(ASSET, PRODUCT): 3, (ASSET, OTHER): 1}


def test_a_result_that_comes_before_its_part_finds_its_product(board):
    board.take(came(result(9, 1), part(9, product=OTHER)))
    assert board.tuners[ASSET, OTHER].journal.known == 1


def test_what_is_of_no_station_is_counted(board):
    assert board.take(came(part(1, asset="oven"), result(1, asset="oven"))) == 0
    assert (board.elsewhere, board.tuners) == (2, {})


def test_what_is_of_another_plant_is_left_aside(board):
    assert board.take(came(part(1, plant="elsewhere"))) == 0
    assert (board.elsewhere, board.odd) == (0, 0)


def test_what_cannot_be_read_is_counted_and_the_rest_is_taken(board):
    assert board.take([Came(Topic.QUALITY, 0, b"", b"{}"), Came(Topic.QUALITY, 0, b"", None), *came(part(1))]) == 1
    assert board.odd == 1


def test_parts_of_the_machine_beside_are_kept_and_nothing_is_suggested_there(board):
    board.take(came(*made(0, EVIDENCE + 4, asset="press-02")))
    assert board.tuners["press-02", PRODUCT].journal.known == EVIDENCE + 4
    assert board.step(NOW_US, served) == []


def test_an_effect_is_told_beside_what_the_machine_beside_shows(full):
    [one] = full.step(NOW_US, served)
    full.take(came(answer(one)))
    full.step(NOW_US, served)
    cool = {"heat": one.proposed, "load": 5.0}
    begin = EVIDENCE + 20
    same = [each for each in made(0, begin + 50, asset="press-02") if hasattr(each, "settings")]
    found = [result(each, 0, part=f"p{each}", asset="press-02") for each in range(begin + 50)]
    full.take(came(*made(begin, 50, cool), *same, *found))
    seen = []
    tuner = full.tuners[ASSET, PRODUCT]
    tuner._measured = lambda now_us, beside: seen.append(beside.pair) or []
    full.step(NOW_US + HOUR_US, served)
    assert len(seen[0].time_us) == begin + 50


def test_a_suggestion_is_made_by_the_model_that_the_plant_file_names(full):
    assert states(full.step(NOW_US, served)) == [SuggestionState.OPEN]


def test_without_a_model_nothing_is_suggested(full):
    assert full.step(NOW_US, lambda name: None) == []


def test_answers_find_the_suggestion_that_they_are_of(full):
    [one] = full.step(NOW_US, served)
    assert full.take(came(answer(one))) == 1
    assert states(full.step(NOW_US, served)) == [SuggestionState.ACCEPTED]


def test_an_answer_to_what_nobody_knows_is_none_of_a_station(full):
    [one] = full.step(NOW_US, served)
    assert full.take(came(answer(one, suggestion="another"))) == 0


def test_another_board_that_reads_the_same_says_nothing_anew(full):
    [one] = full.step(NOW_US, served)
    again = Board(plant())
    again.take(came(one, *made(0, EVIDENCE + 4)))
    assert again.step(NOW_US, served) == []
    again.take(came(answer(one)))
    assert states(again.step(NOW_US, served)) == [SuggestionState.ACCEPTED]


@pytest.mark.parametrize(
    ("switches", "is_stopped"),
    [
        ([switch(True)], True),
        ([switch(True, ASSET)], True),
        ([switch(True, "press-02")], False),
        ([switch(True), switch(False, time_us=NOW_US + 1)], False),
        ([switch(True, ASSET), switch(False, time_us=NOW_US + 1)], True),
        ([switch(False, time_us=NOW_US + 1), switch(True)], False),
    ],
)
def test_the_kill_switch_is_of_all_or_of_one_and_its_last_word_counts(full, switches, is_stopped):
    full.take(came(*switches))
    assert full.is_stopped(ASSET) is is_stopped
    assert (full.step(NOW_US, served) == []) is is_stopped


def test_the_plant_files_switch_stops_all():
    board = Board(plant(stopped=True))
    board.take(came(*made(0, EVIDENCE + 4), switch(False)))
    assert board.step(NOW_US, served) == []


def test_a_switch_withdraws_what_is_open(full):
    full.step(NOW_US, served)
    full.take(came(switch(True)))
    assert states(full.step(NOW_US, served)) == [SuggestionState.WITHDRAWN]


def test_one_is_open_at_a_station_over_two_products(full):
    full.take(came(*made(1000, EVIDENCE + 4, product=OTHER)))
    later_us = NOW_US + 4 * HOUR_US
    [one] = full.step(later_us, served)
    assert full.step(later_us, served) == []
    full.take(came(answer(one, Verdict.REJECTED)))
    said = full.step(later_us, served)
    assert states(said) == [SuggestionState.REJECTED, SuggestionState.OPEN]
    assert {each.product for each in said} == {PRODUCT, OTHER}


def test_limits_of_an_edited_plant_file_hold_at_once(full):
    full.step(NOW_US, served)
    full.change_plant(plant(parameters={"heat": heat(low=147.0), "load": load()}))
    gone, one = full.step(NOW_US, served)
    assert (gone.state, one.proposed) == (SuggestionState.WITHDRAWN, 147.0)


def test_a_switch_in_an_edited_plant_file_holds_at_once(full):
    full.step(NOW_US, served)
    full.change_plant(plant(stopped=True))
    assert states(full.step(NOW_US, served)) == [SuggestionState.WITHDRAWN]


def test_a_station_that_is_gone_suggests_nothing(full):
    full.change_plant(parse(TOML))
    assert full.step(NOW_US, served) == []


def test_a_fault_at_one_station_stops_no_other_and_nothing_that_was_said_is_lost(full):
    full.take(came(*made(1000, EVIDENCE + 4, product=OTHER)))

    def broken(now_us, beside):
        raise KeyError("ours")

    full.tuners[ASSET, PRODUCT]._suggested = broken
    assert [one.product for one in full.step(NOW_US + 4 * HOUR_US, served)] == [OTHER]
    assert [(asset, product) for asset, product, _ in full.faults] == [(ASSET, PRODUCT)]


def test_a_model_that_raises_at_one_product_stops_no_other(full):
    full.take(came(*made(1000, EVIDENCE + 4, product=OTHER)))
    calls = []

    def at_first(rows):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("out of memory")
        return cooler(np.asarray(rows))

    said = full.step(NOW_US + 4 * HOUR_US, lambda name: Served("odd@1", at_first))
    assert [one.product for one in said] == [OTHER]


def test_the_time_of_a_plant_that_is_replayed_is_that_of_its_last_part(board):
    assert board.now_us(5) == 5
    board.take(came(part(1)))
    at = part(1).time_us
    assert board.now_us(at + BEHIND_US - 1) == at + BEHIND_US - 1
    assert board.now_us(at + BEHIND_US) == at


def test_a_part_of_tomorrow_is_counted_and_not_taken():
    at = part(1).time_us
    for ahead_us, taken in ((AHEAD_US, 1), (AHEAD_US + 1_000_000, 0)):
        board = Board(plant())
        one = Came(Topic.QUALITY, 0, b"", encode(part(1)), arrived_ms=(at - ahead_us) // 1000)
        assert (board.take([one]), board.odd) == (taken, 1 - taken)


def test_what_is_said_of_a_later_time_than_the_clock_moves_no_time(board):
    board.take(came(part(1)))
    clock_us = part(1).time_us - 3 * BEHIND_US
    assert board.now_us(clock_us) == clock_us
