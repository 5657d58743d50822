"""What a plant file may say of process tuning, and what is wrong in one, with its place."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from models.plant import PlantError, Tuning, content, parse
from models.release import Kind
from models.tuning.stated import limits_of
from pipelines.controls.plant import kinds_of, needed_of

TEXT = (Path(__file__).parents[3] / "infra" / "examples" / "tuning" / "plant.toml").read_text()
PLANT = parse(TEXT)
STATION = PLANT.tuning.stations["weld-01"]
WHERE = "tuning.stations.weld-01"


def changed(before: str, after: str) -> str:
    assert before in TEXT
    return TEXT.replace(before, after, 1)


def test_the_example_says_what_may_be_changed_and_when_nothing_may():
    assert list(STATION.parameters) == ["current_ka", "force_kn", "weld_ms", "boost_ka"]
    assert STATION.parameters["boost_ka"].moves.per == "since_dress"
    assert [lock.signal for lock in STATION.interlocks] == ["since_dress"]
    assert (STATION.pair, PLANT.tuning.stopped) == ("weld-02", False)


def test_its_limits_are_what_rails_hold_a_change_to():
    limits = limits_of(STATION, "bracket")["current_ka"]
    assert (limits.recipe, limits.qualified, limits.trial_above) == ((8.2, 9.8), (8.0, 10.0), 0.5)
    assert limits_of(STATION, "another")["current_ka"].recipe is None


def test_a_station_needs_no_more_than_parameters_and_inputs():
    least = TEXT[: TEXT.index("[tuning]")] + (
        '[tuning.stations.weld-02]\ninputs = { force_kn = "kN" }\n'
        'parameters = { force_kn = { unit = "kN", low = 2, high = 4, step = 0.1 } }\n'
    )
    assert parse(least).tuning.stations["weld-02"].models == {}


def test_models_are_named_once_whichever_stations_and_products_they_are_of():
    other = msgspec.structs.replace(STATION, models={"bracket": "bracket-defects", "rail": "rail-defects"})
    assert Tuning(stations={"weld-01": STATION, "weld-02": other}).models == {"bracket-defects", "rail-defects"}
    assert Tuning(stations={}).models == set()


def test_models_of_stations_are_of_defects_and_need_no_file():
    assert kinds_of(PLANT) == {"bracket-defects": Kind.DEFECT}
    assert needed_of(PLANT) == set()


def test_a_site_has_its_own_stations_alone():
    elsewhere = parse(changed("[assets.weld-01]", '[assets.spare]\ntype = "gun"\nsite = "hall-9"\n[assets.weld-01]'))
    assert set(elsewhere.of_site("hall-3").tuning.stations) == set(PLANT.tuning.stations)
    assert elsewhere.of_site("hall-9").tuning is None


def test_workers_are_told_nothing_of_it():
    assert PLANT.for_workers().tuning is None
    assert b"tuning" not in content.encode(PLANT) and content.decode(content.encode(PLANT)).tuning is None


def test_it_is_part_of_what_the_file_means():
    assert parse(changed("step = 20", "step = 10")).version != PLANT.version
    assert parse(changed("stopped = false ", "")).version == PLANT.version


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[tuning.stations.weld-01]\n", "[tuning.stations.weld-03]\ninputs={a='1'}\nparameters={}\n"
         "[tuning.stations.weld-01]\n", "tuning.stations.weld-03: there is no asset 'weld-03'"),
        ('pair = "weld-02"', 'pair = "weld-09"', f"{WHERE}: there is no asset 'weld-09'"),
        ('pair = "weld-02"', 'pair = "weld-01"', f"{WHERE}.pair is the station itself"),
        ('valid = "24h"', 'valid = "a day"', f"{WHERE}.valid: 'a day' is no duration"),
        ('valid = "24h"', 'valid = "0h"', f"{WHERE}.valid is 0h"),
        ('late = "72h"', 'late = "0s"', f"{WHERE}.late is 0s"),
        ('tolerance = "2s"', 'tolerance = "near"', f"{WHERE}.tolerance"),
        ("evidence = 1000", "evidence = 0", f"{WHERE}.evidence must be at least 1"),
        ('cool_down = "2h"', 'cool_down = "2"', f"{WHERE}.parameters.current_ka.cool_down"),
        ("low = 7.5", "low = 11", f"{WHERE}.parameters.current_ka: low and high"),
        ("high = 10.5", "high = inf", f"{WHERE}.parameters.current_ka: low and high"),
        ("[8.0, 10.0]", "[10.0, 8.0]", f"{WHERE}.parameters.current_ka.qualified: low and high"),
        ("[8.0, 10.0]", "[11.0, 12.0]", "qualified is 11 to 12, which shares nothing with 7.5 to 10.5"),
        ("step = 0.3", "step = -0.3", f"{WHERE}.parameters.current_ka.step must be a number of 0 or more"),
        ("step = 0.3", "step = nan", f"{WHERE}.parameters.current_ka.step must be a number"),
        ("step = 0.3", "step = 0", f"{WHERE}.parameters.current_ka.step is 0"),
        ("rate_h = 24", "rate_h = 0", f"{WHERE}.parameters.current_ka.rate_h is 0"),
        ("rate = 0.6", "rate = 0", f"{WHERE}.parameters.current_ka.rate is 0"),
        ("rate = 0.6", "rate = inf", f"{WHERE}.parameters.current_ka.rate must be a number"),
        ("least_step = 0.1", "least_step = 0.4", f"{WHERE}.parameters.current_ka.least_step is over step, 0.3"),
        ("least_step = 0.1", "least_step = -1", f"{WHERE}.parameters.current_ka.least_step must be"),
        ("two_above = 0.25", "two_above = -1", f"{WHERE}.parameters.current_ka.two_above must be"),
        ("trial_above = 0.5", "trial_above = nan", f"{WHERE}.parameters.current_ka.trial_above must be"),
        ("parameters.force_kn]", "parameters.force]", "parameters.force.moves: 'force' is none of the inputs"),
        ('input = "current_ka"', 'input = "amps"', "parameters.boost_ka.moves: 'amps' is none of the inputs"),
        ('per = "since_dress"', 'per = "wear"', "parameters.boost_ka.moves: 'wear' is none of the inputs"),
        ("factor = 0.01", "factor = inf", "parameters.boost_ka.moves.factor must be a number"),
        ("current_ka = [8.2, 9.8]", "amps = [8.2, 9.8]", f"{WHERE}.recipes.bracket: 'amps' is none of the parameters"),
        ("current_ka = [8.2, 9.8]", "current_ka = [9.8, 8.2]", f"{WHERE}.recipes.bracket.current_ka: low and high"),
        ("current_ka = [8.2, 9.8]", "current_ka = [1, 2]", "current_ka is 1 to 2, which shares nothing with 7.5 to 10"),
        ("current_ka = [8.2, 9.8]", "current_ka = [10.2, 10.4]", "10.2 to 10.4, which shares nothing with 8 to 10"),
        ("ranges = { current_ka = [9.6, inf]", "ranges = { amps = [9.6, inf]", "forbidden 'expulsion': 'amps' is none"),
        ("current_ka = [9.6, inf]", "current_ka = [9.6, nan]", "forbidden 'expulsion'.current_ka: low and high"),
        ("ranges = { current_ka = [9.6, inf], force_kn = [-inf, 2.4] }", "ranges = {}", "'expulsion'.ranges is empty"),
        ("high = 250", "high = inf", f"{WHERE}.interlocks 'the tip is not worn out': low and high"),
        (
            "evidence = ", 'signals = { force_kn = "force" }\nevidence = ',
            f"{WHERE}.signals.force_kn: there is no signal",
        ),
        ('[assets.weld-01]', '[types.gun.models]\nenergy = "bracket-defects"\n[assets.weld-01]',
         "tuning.stations: 'bracket-defects' is a model of defects here, of kind energy in types"),
        ('evidence = 1000', 'evidences = 1000', "evidences"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(before, after, said):
    with pytest.raises(PlantError) as wrong:
        parse(changed(before, after))
    assert said in str(wrong.value)


@pytest.mark.parametrize("left_out", ["parameters", "inputs"])
def test_a_station_without_parameters_or_inputs_is_refused(left_out):
    text = TEXT[: TEXT.index("[tuning]")] + (
        "[tuning.stations.weld-01]\n"
        + ("parameters = {}\ninputs = { a = '1' }" if left_out == "parameters" else "inputs = {}\nparameters = "
           "{ a = { unit = '1', low = 0, high = 1, step = 0.1 } }")
    )  # fmt: skip
    with pytest.raises(PlantError, match="name at least one of parameters, and one of inputs"):
        parse(text)


def test_a_model_of_defects_of_a_type_may_be_a_stations_too():
    assert kinds_of(
        parse(changed("[assets.weld-01]", '[types.gun.models]\ndefect = "bracket-defects"\n[assets.weld-01]'))
    )
