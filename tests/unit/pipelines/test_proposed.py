"""Baselines that are proposed from stored rows, or of a fleet, how they are shown, and who approves them."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from msgspec.structs import replace
from rich.console import Console

from models.plant import parse
from models.records import Confidence, Doubt, Frame, HealthyBaseline, Origin
from pipelines.cli.baselines import BaselineError, add, approved, fleets, latest, print_known, proposals
from pipelines.proposed import Looking, NoHealthyTime, Seen, doubted, fleet_of, of_fleet, proposal, quietest
from tests.kit import grounds
from tests.kit.grounds import HOUR_US, START_US, STEP_US, rows

A = "filler-1"


def seen(temps: list[float], rule: str = "temp moves", products=("beer",)) -> tuple[Looking, Seen]:
    looking = Looking(grounds.plant(), A, rule, 120)
    looking.take(record for record in rows(A, temps, products) if isinstance(record, Frame))
    return looking, looking.finish(START_US + len(temps) * STEP_US)


def days(*spreads: float) -> list[float]:
    """Days whose values go up and down by so much."""
    return [60.0 + spread * (at % 2 * 2 - 1) for spread in spreads for at in range(144)]


def test_over_the_same_minutes_it_is_what_the_partition_found_by_itself():
    temps = np.round(60 + np.random.default_rng(1).normal(0, 1, 200), 2).tolist()
    out, _ = grounds.taken(rows(A, temps), grounds.at_once)
    (own,) = [one for one in grounds.said(out) if one.rule == "temp moves"]
    looking, found = seen(temps)
    made = proposal("tiny", A, looking.rule, found.where((found.minute + 1) * 60_000_000 <= own.to_us))
    assert (made.from_us, made.to_us, made.minutes, made.doubts) == (own.from_us, own.to_us, own.minutes, own.doubts)
    assert (made.mean, made.spread) == (pytest.approx(own.mean, rel=1e-12), pytest.approx(own.spread, rel=1e-9))
    assert (made.origin, made.number, made.approved_by) == (Origin.CHOSEN, 0, "")


def test_the_quietest_day_is_the_whole_one_of_least_spread():
    looking, found = seen([*days(3, 0.5, 2), *[60.0] * 30])
    made = quietest("tiny", A, looking.rule, found)
    assert (made.spread, (made.from_us - START_US) // HOUR_US) == (pytest.approx(0.5), 24)


def test_a_quiet_day_with_a_limit_passed_in_it_comes_after_one_with_none():
    hot = [90.0 + each - 60 for each in days(0.1)]
    looking, found = seen([*days(2), *hot, *days(3)])
    assert not quietest("tiny", A, looking.rule, found).doubts
    assert Doubt.LEVEL_HELD in proposal("tiny", A, looking.rule, found).doubts


def test_without_a_whole_day_nothing_is_proposed_and_it_says_what_to_do():
    looking, found = seen([60.0] * 100)
    with pytest.raises(NoHealthyTime, match="give --from and --to"):
        quietest("tiny", A, looking.rule, found)


def test_only_minutes_of_the_rules_product_are_looked_at():
    looking, found = seen([60.0] * 144, "vib moves [cola]", ["beer"] * 3 + ["cola"])
    made = proposal("tiny", A, looking.rule, found)
    assert (made.product, made.minutes, made.mean) == ("cola", 36, pytest.approx(4.1, abs=0.02))


@pytest.mark.parametrize(
    ("asset", "rule", "said"),
    [("nobody", "temp moves", "filler-1, filler-2"), (A, "limit of temp", "'temp moves', 'vib moves \\[beer\\]'")],
)
def test_an_asset_or_a_rule_that_is_not_there_is_told_with_what_there_is(asset, rule, said):
    with pytest.raises(NoHealthyTime, match=said):
        Looking(grounds.plant(), asset, rule, 120)


def of(asset: str, mean: float, **others) -> HealthyBaseline:
    return grounds.approved(asset, mean=mean, number=1, id=asset, approved_by="", **{"origin": Origin.RECENT} | others)


FLEET = [of(f"f{at}", 60.0 + at / 10) for at in range(5)]


def test_a_mean_far_from_its_fleets_is_a_doubt_of_five_machines_or_more():
    far = of("far", 70.0, origin=Origin.FIRST_DAY)
    assert fleet_of(FLEET[:4]) is None
    assert doubted(far, fleet_of(FLEET)).doubts == (Doubt.OFF_FLEET,)
    assert doubted(far, fleet_of(FLEET)).confidence is Confidence.LOW
    assert doubted(of("near", 61.0), fleet_of(FLEET)).doubts == ()


def test_the_fleets_median_serves_a_machine_without_a_healthy_time_and_is_of_low_confidence():
    made = of_fleet("old", [*FLEET, of("old", 90.0)])
    assert (made.asset, made.mean, made.origin, made.confidence) == ("old", 60.2, Origin.FLEET, Confidence.LOW)


def test_too_few_machines_are_no_fleet():
    with pytest.raises(NoHealthyTime, match="4 machines like 'old'"):
        of_fleet("old", FLEET[:4])


def test_what_was_taken_from_a_fleet_is_none_of_it():
    assert fleet_of([*FLEET[:4], of("old", 60.0, origin=Origin.FLEET)]) is None


def plant_of(*assets: str):
    head = grounds.TOML.partition("[assets")[0]
    return parse(head + "".join(f'[assets.{asset}]\ntype = "filler"\n' for asset in assets))


def shown(known, plant, *, as_json: bool = False) -> str:
    console = Console(file=io.StringIO(), width=260)
    print_known(plant, known, console, as_json=as_json)
    return console.file.getvalue()


def test_the_list_has_the_last_of_each_asset_and_rule_beside_its_fleet():
    every = [*FLEET, of("far", 70.0), replace(FLEET[0], number=2, mean=60.05)]
    known = latest(every)
    plant = plant_of(*(asset for asset, _ in known))
    assert [len(each) for each in fleets(plant, known).values()] == [6]
    (line,) = [line for line in shown(known, plant).splitlines() if "far" in line]
    assert "spreads above the fleet's 6 machines" in line
    told = {one["asset"]: one for one in json.loads(shown(known, plant, as_json=True))}
    assert (told["f0"]["number"], told["far"]["doubts"], told["far"]["fleet"]["machines"]) == (2, ["off-fleet"], 6)


def test_a_file_of_proposals_has_one_of_each_asset_and_rule(tmp_path):
    file = tmp_path / "proposals.json"
    add(file, of("a", 1.0))
    add(file, of("b", 2.0))
    add(file, of("a", 3.0))
    assert [(one.asset, one.mean) for one in proposals(file)] == [("b", 2.0), ("a", 3.0)]


def test_a_file_of_something_else_is_told(tmp_path):
    (tmp_path / "x.json").write_text('{"a": 1}')
    with pytest.raises(BaselineError, match="baseline propose"):
        proposals(tmp_path / "x.json")


def test_what_is_approved_is_taken_in_by_a_partition():
    looking, found = seen([60.0] * 144)
    (signed,) = approved(grounds.plant(), [proposal("tiny", A, looking.rule, found)], "Ann", 120)
    out, _ = grounds.taken([signed], grounds.at_once)
    (told,) = grounds.said(out)
    assert (told.approved_by, told.number, told.mean, told.confidence) == ("Ann", 1, 60.0, Confidence.HIGH)


def test_of_another_plant_or_rule_nothing_is_approved():
    with pytest.raises(BaselineError, match="of plant 'other'"):
        approved(grounds.plant(), [replace(of(A, 1.0), plant="other")], "Ann", 120)
    with pytest.raises(BaselineError, match="'no rule'"):
        approved(grounds.plant(), [replace(of(A, 1.0), rule="no rule")], "Ann", 120)
