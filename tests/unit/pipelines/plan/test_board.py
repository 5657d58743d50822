"""What is known of production, and what of it is a reason to plan anew."""

from __future__ import annotations

import msgspec
import pytest

from models.records import Advice, AlertState, HeldBack, Hold, OrderState, PlanReason, encode
from pipelines.console.ports import Came
from pipelines.plan.board import Board
from pipelines.topics import Topic
from tests.kit.production import HOUR_US, MONDAY_US, order, plant, tariff, warning


def came(*records):
    return [Came(Topic.ORDERS, 0, b"", encode(one)) for one in records]


@pytest.fixture
def board():
    return Board(plant())


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (order("a"), PlanReason.ORDERS),
        (tariff([0.1]), PlanReason.PRICES),
        (warning("press-1"), PlanReason.WARNING),
    ],
)
def test_orders_prices_and_warnings_are_reasons(board, record, why):
    assert board.take(came(record)) == {why}


@pytest.mark.parametrize("record", [order("a"), tariff([0.1]), warning("press-1")])
def test_what_comes_again_is_none(board, record):
    board.take(came(record))
    assert board.take(came(record)) == set()


def test_a_warning_of_a_machine_that_is_not_planned_is_none(board):
    assert board.take(came(warning("site"))) == set()


@pytest.mark.parametrize(
    "said",
    [
        {"advice": Advice.WATCH},
        {"state": AlertState.CLOSED},
        {"state": AlertState.RETURNED},
        {"held": (Hold(kind=HeldBack.SHELVED, since_us=0, until_us=None, by="a", why=""),)},
    ],
)
def test_a_warning_that_asks_for_no_work_is_none(board, said):
    assert board.take(came(warning("press-1", **said))) == set()
    assert board.situation(MONDAY_US).warnings == ()


def test_a_warning_of_a_machine_that_is_off_asks_for_work_all_the_same(board):
    off = Hold(kind=HeldBack.SUPPRESSED, since_us=0, until_us=None, by="", why="the machine is off")
    assert board.take(came(warning("press-1", held=(off,)))) == {PlanReason.WARNING}


def test_a_warning_that_is_over_is_a_reason_again(board):
    board.take(came(warning("press-1")))
    assert board.take(came(warning("press-1", revision=1, state=AlertState.CLOSED))) == {PlanReason.WARNING}


def test_an_order_that_is_done_is_not_planned(board):
    later = order("a", state=OrderState.DONE)
    board.take(came(order("a"), order("b")))
    board.take(came(msgspec.structs.replace(later, time_us=MONDAY_US + 1)))
    assert set(board.situation(MONDAY_US).orders) == {"b"}


def test_the_older_word_of_an_order_changes_nothing(board):
    newer = msgspec.structs.replace(order("a", units=5), time_us=MONDAY_US + 1)
    board.take(came(newer, order("a", units=7)))
    assert board.situation(MONDAY_US).orders["a"].units == 5


def test_a_plan_begins_with_a_quarter_hour(board):
    assert board.situation(MONDAY_US + 14 * 60 * 1_000_000).begin_us == MONDAY_US


def test_broken_machines_are_a_reason_once(board):
    assert board.change_down(frozenset({"press-1", "elsewhere"})) is PlanReason.BREAKDOWN
    assert board.change_down(frozenset({"press-1"})) is None


def test_an_edited_plant_file_is_a_reason_where_production_is_another(board):
    same = plant()
    other = msgspec.structs.replace(same, production=msgspec.structs.replace(same.production, base_kw=1.0))
    assert board.change_plant(same) is None
    assert board.change_plant(other) is PlanReason.PLANT


def test_the_time_of_a_plant_that_is_replayed_is_that_of_its_last_word(board):
    board.take(came(order("a")))
    assert board.now_us(MONDAY_US + HOUR_US) == MONDAY_US + HOUR_US
    assert board.now_us(MONDAY_US + 1000 * HOUR_US) == MONDAY_US


def test_as_of_a_time_what_was_said_later_is_not_known():
    board = Board(plant(), until_us=MONDAY_US - 1)
    board.take(came(order("a"), warning("press-1")))
    assert not board.has_orders
    assert board.now_us(0) == MONDAY_US - 1


def test_what_cannot_be_read_is_counted(board):
    assert board.take([Came(Topic.ORDERS, 0, b"", b"{}"), Came(Topic.ORDERS, 0, b"", None)]) == set()
    assert board.odd == 1


def test_a_price_that_no_sum_can_hold_is_not_read():
    board = Board(plant())
    board.take([Came(Topic.TARIFFS, 0, b"", encode(tariff([1e308])))])
    assert board.odd == 1
    assert board.situation(MONDAY_US).tariffs == ()
