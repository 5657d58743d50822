"""What a writer outside is told of a warning: nobody's name, nothing that people typed; and what is taken of it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.alerting.lifecycle import SELF
from models.alerting.prose import Unfounded, answered, asking, masked_names
from models.alerting.value import Entry, Kind
from models.plant import parse
from models.records import CloseReason, Move
from tests.kit.closing import close, move
from tests.kit.paged import PLANT, case, facts
from tests.kit.runs import at

SHELVED = {"until_us": at(10), "why": "Ms Secret has the spare"}


def told(*moves, of=None, plant=PLANT) -> str:
    made = of or case()
    for what, by, says in moves:
        made = move(made, what, 2, by=by, **says)
    return asking(facts(made, plant=plant)).text


def test_the_facts_of_the_page_are_sent_and_no_name_is():
    text = told((Move.ASSIGN, "Ann Doe", {"to": "Kim Lee"}), (Move.SHELVE, "Bob Roe", SHELVED))
    assert "Chance of failure: 50 % in 72 h (from simulated pumps)." in text
    assert "signal: vibration_mm_s, mm/s" in text
    for name in ("Ann", "Kim", "Bob", "intake mechanics"):
        assert name not in text
    assert "assigned to person 1" in text


def test_authors_of_comments_are_taken_out_wherever_they_stand():
    plant = replace(
        PLANT, assets={**PLANT.assets, "pump-01": replace(PLANT.assets["pump-01"], description="Zoe's pump")}
    )
    assert "Zoe" in told(plant=plant)
    assert "Zoe" not in told((Move.COMMENT, "zoe", {"why": "loud"}), plant=plant)


def test_what_people_typed_is_left_out_since_it_may_name_others():
    text = told((Move.SHELVE, "kim", SHELVED), (Move.COMMENT, "kim", {"why": "ask Mr Other"}))
    closed = asking(facts(close(case(), CloseReason.REPAIRED, 9, by="kim", found="Mr Third changed it"))).text
    for name in ("Secret", "Other", "Third"):
        assert name not in text + closed


def test_a_name_that_is_a_word_of_two_letters_is_taken_out_of_where_names_stand_alone():
    text = told((Move.ASSIGN, "ok", {"to": "it"}))
    assert "assigned to person 1" in text
    assert "plan a check" in text


def test_addresses_are_taken_out():
    toml = 'plant = "p"\n[types.pump.signals.x]\nkind = "gauge"\n[assets.pump-01]\ntype = "pump"\n'
    text = told(plant=parse(toml + 'description = "ask a.b@example.com"\n'))
    assert "example.com" not in text
    assert "ask somebody" in text


def test_prose_has_the_peoples_names_again_and_is_one_paragraph():
    asked = asking(facts(move(case(), Move.ASSIGN, 2, to="Kim Lee")))
    assert answered("Person 1 looks\n after pump-01.", asked) == "Kim Lee looks after pump-01."


def test_prose_with_a_number_that_no_fact_has_is_none():
    asked = asking(facts())
    assert "50 %" in answered("It fails within 72 h by 50 %, so look before 3 January 2026.", asked)
    with pytest.raises(Unfounded, match=r"numbers that no fact has: 41, 99\.5"):
        answered("It fails by 41 %, or 99.5.", asked)


def entry(by: str, found: str) -> Entry:
    return Entry(kind=Kind.SAVED, time_us=0, asset="pump-01", asset_type="pump", mode="seal", by=by, found=found)


def test_in_an_export_people_are_aliases_wherever_they_stand_and_the_same_one_for_the_same():
    told = masked_names([
        entry("Kim Lee", "worn seal, says Ana"), entry("Ana", "told by KIM LEE, kim@plant.example"),
        entry(SELF, ""), entry("Kim Lee", "again"),
    ])  # fmt: skip
    assert [one.by for one in told] == ["person 1", "person 2", SELF, "person 1"]
    assert [one.found for one in told] == ["worn seal, says person 2", "told by person 1, somebody", "", "again"]
