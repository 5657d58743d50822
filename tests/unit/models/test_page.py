"""A warning's page in words: what it asks, what is known, and why what is missing is missing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.alerting.page import parts, title
from models.alerting.track import Track, found_in, suspected, track_of
from models.plant import parse
from models.records import Advice, CloseReason, Evidence, Level, ModeShare, Move, Rung
from models.records import Confidence as Sure
from tests.kit.closing import close, ended, move, opened
from tests.kit.paged import PLANT, case, facts, shaking
from tests.kit.runs import at

BARE = parse('plant = "p"\n[types.pump.signals.vibration_mm_s]\nkind = "gauge"\n[assets.pump-01]\ntype = "pump"\n')


def said(of, part: str) -> str:
    (one,) = [one for one in parts(of) if one.title == part]
    cells = [cell for row in (one.table.rows if one.table else ()) for cell in row]
    return "\n".join((*one.lines, *cells))


def test_it_says_what_to_do_and_before_when_and_that_it_is_no_alarm():
    assert title(facts()) == "pump-01: plan a check, before 2026-01-03 01:00 UTC"
    asks = said(facts(), "What it asks")
    assert asks.startswith("Plan a check, before 2026-01-03 01:00 UTC, in 46 h.")
    assert "NAMUR NE 107 'maintenance required'), kept off the operators' alarm list" in asks


def test_a_time_that_is_over_is_said_to_be_and_one_that_nobody_knows_too():
    assert "which is 5 h ago" in said(facts(now_us=at(54)), "What it asks")
    assert "no time to act before is told" in said(facts(case(act_before_us=None)), "What it asks")


def test_each_advice_has_its_words_and_what_ended_asks_what_became_of_it():
    words = [title(facts(case(advice=one, act_before_us=None))) for one in Advice]
    assert words == ["pump-01: watch it", "pump-01: plan a check", "pump-01: act now"]
    assert title(facts(ended(case(), 5))) == "pump-01: say what became of it"
    closed = close(case(), CloseReason.REPAIRED, 9, found="worn lip")
    assert title(facts(closed)) == "pump-01: closed, found-and-repaired"
    assert "Closed by kim 2026-01-01 09:00 UTC: worn lip." in said(facts(closed), "What it asks")


def test_what_holds_it_back_is_said_with_who_and_why():
    shelved = move(case(), Move.SHELVE, 2, until_us=at(10), why="spare on Monday")
    assert "Held back, shelved until 2026-01-01 10:00 UTC, by kim: spare on Monday." in said(
        facts(shelved), "What it asks"
    )


def test_the_machine_has_its_place_its_plain_name_and_its_owner():
    machine = said(facts(), "Machine")
    for told in (
        "Functional location: NORTH-INT-P01.",
        "pump-01, Raw water pump 1.",
        "Criticality: A.",
        "Owner: intake mechanics.",
    ):
        assert told in machine
    assert "site north, area intake, line raw water" in machine


def test_what_the_plant_file_does_not_say_is_named_with_its_key_and_nothing_stands_in():
    bare = facts(plant=BARE)
    for part, keys in (
        ("Machine", ("assets.pump-01.functional_location", "assets.pump-01.owner", "assets.pump-01.criticality")),
        ("What to do there", ("types.pump.care.VIB.first_check", "types.pump.care.VIB.safe_to_run")),
        ("When", ("none is in the plant file (stops)", "types.pump.care.VIB.spare")),
    ):
        assert all(key in said(bare, part) for key in keys), part
    assert "in the plant file no more" in said(facts(case(asset="gone")), "Machine")


def test_a_chance_is_told_only_where_a_hazard_speaks_and_with_what_it_was_learned_from():
    assert "Chance of failure: 50 % in 72 h (from simulated pumps)." in said(facts(), "What is suspected")
    founded = said(facts(case(confidence=Sure.HIGH)), "What is suspected")
    assert "Chance of failure: 50 % in 72 h." in founded
    ruled = case(rung=Rung.RULES, evidence=(shaking(),))
    assert "Neither a chance nor a health is told: this rests on rules alone." in said(
        facts(ruled), "What is suspected"
    )


def test_without_a_hazard_a_health_is_told_in_its_place():
    health = Evidence(
        rung=Rung.HEALTH, name="pump.health", level=Level.WARNING, since_us=at(0), mode="any", signals=(), value=42.0,
        limit=50.0, unit="of 100", basis="healthy days", confidence=Sure.LOW,
    )  # fmt: skip
    told = said(facts(case(rung=Rung.HEALTH, chances=(), evidence=(health,))), "What is suspected")
    assert "Health: 42 of 100, 50 is its limit. No chance is told: no hazard speaks." in told


def test_the_component_is_the_one_whose_words_have_the_mode_and_a_likeliest_mode_stands_for_any():
    told = said(facts(case(mode="BRD")), "What is suspected")
    assert "Component: bearing." in told
    likely = case(mode="any", modes=(ModeShare(mode="ELP", share=0.8),))
    assert suspected(likely) == "ELP"
    assert "Component: seal, Mechanical seal." in said(facts(likely), "What is suspected")
    assert "Component: none is known of mode VIB" in said(facts(), "What is suspected")


def test_trends_stand_beside_what_is_usual_and_their_limit():
    told = said(facts(), "Trends")
    assert "vibration_mm_s, mm/s" in told
    assert "3.668\n5.526" in told  # means of the first and last 24 of 336 steps of 2/336 from 3.6: 3.6 + 2 x 11.5 / 336
    assert "3.5, healthy mean (first-day-after-repair)" in told
    (one,) = facts().trends
    empty = replace(one, points=(), limit=None, usual=None)
    told = said(facts(trends=(empty,)), "Trends")
    assert "No row of vibration_mm_s in this time." in told
    assert "no baseline is known\nno level of its own" in told
    assert said(facts(trends="Not told: InfluxDB is away."), "Trends") == "Not told: InfluxDB is away."


def test_a_stop_after_the_time_to_act_before_and_a_spare_that_comes_too_late_are_said_loud():
    told = said(facts(), "When")
    assert "Next planned stop: 2026-12-19, AFTER the time to act before." in told
    assert "Spare: bearing set DE/NDE, 3d to come, LONGER than is left" in told
    later = said(facts(case(act_before_us=at(24 * 400))), "When")
    assert "2026-12-19." in later
    assert "LONGER" not in later
    assert "none is ahead in the plant file" in said(facts(now_us=at(24 * 800)), "When")


def test_a_spare_whose_lead_nobody_said_is_told_with_the_key_that_lacks_it():
    bare = {"spare": "bearing set"}
    kind = replace(PLANT.types["pump"], care={"VIB": replace(PLANT.types["pump"].care["VIB"], **bare, spare_lead=None)})
    told = said(facts(plant=replace(PLANT, types={**PLANT.types, "pump": kind})), "When")
    assert "Spare: bearing set, not in the plant file (types.pump.care.VIB.spare_lead)." in told


def test_what_changed_lately_is_told_and_so_is_that_nothing_did():
    assert said(facts(), "What changed lately") == "2025-12-30 18:00 UTC: corrective order 4711 finished: seal."
    assert said(facts(changed=()), "What changed lately").startswith("Nothing is known")


def test_the_track_record_says_how_many_like_this_were_right_or_that_nobody_knows():
    assert (
        "Of 12 like this (type pump, mode VIB) that were inspected, 9 found something: 75% (95 % interval 47%"
        in said(facts(), "Track record")
    )
    assert "nothing can be said of how often" in said(facts(like_it=Track()), "Track record")


def test_only_what_somebody_looked_at_counts_in_a_track_record():
    cases = [close(opened("a", n), outcome, n + 5) for n, outcome in enumerate(CloseReason)]
    looked_at = {
        CloseReason.REPAIRED: True, CloseReason.DEFERRED: True, CloseReason.FAILED: True,
        CloseReason.NOTHING_FOUND: False, CloseReason.PROCESS_CHANGE: False,
    }  # fmt: skip
    assert [found_in(one) for one in cases] == [looked_at.get(outcome) for outcome in CloseReason]
    assert track_of(cases) == Track(5, 3)
    assert found_in(opened("a", 1)) is None


@pytest.mark.parametrize("name", [one.title for one in parts(facts())])
def test_no_part_is_empty(name):
    assert said(facts(), name)
    assert said(facts(plant=BARE, changed=(), trends=()), name) or name == "Trends"


def test_the_example_has_care_for_the_mode_of_its_vibration():
    assert PLANT.types["pump"].care["VIB"].spare_lead == "3d"
