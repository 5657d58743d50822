"""What is told of a change: both arms, what parts took, and the verdict of a test that may be looked at any time."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.records import EffectVerdict, Expected
from models.tuning.arms import Arms
from models.tuning.effect import Arm, Pair
from models.tuning.journal import Journal
from models.tuning.measuring import effect_of, figures_of
from tests.kit.tuned import START, part, ready, suggested

ONE = suggested(ready())


def arm(defects, parts):
    return Arm(parts=parts, defects=defects)


def told(old, new, pair=None, one=ONE):
    return effect_of(one, Arms(arm(*old), arm(*new), pair), (), 7)


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        ((100, 2000), (20, 2000), EffectVerdict.DELIVERS),
        ((20, 2000), (100, 2000), EffectVerdict.HARMS),
        ((3, 60), (2, 60), EffectVerdict.NOT_YET),
        ((2500, 50_000), (2500, 50_000), EffectVerdict.FUTILE),
        ((0, 0), (0, 0), EffectVerdict.NOT_YET),
    ],
)
def test_the_verdict_is_that_of_the_parts(old, new, verdict):
    assert told(old, new).verdict is verdict


def test_arms_have_rates_within_their_bounds():
    found = told((100, 2000), (20, 2000))
    assert (found.before.rate, found.after.rate) == (0.05, 0.01)
    assert found.before.low < 0.05 < found.before.high and found.change_low < -0.04 < found.change_high


def test_proof_without_end_is_still_a_number_that_a_record_holds():
    assert told((90_000, 100_000), (0, 100_000)).e_better <= 1e300


def test_what_a_machine_beside_shows_as_well_is_no_effect():
    alike = Pair(old=arm(100, 2000), new=arm(20, 2000))
    assert told((100, 2000), (20, 2000), alike).verdict is not EffectVerdict.DELIVERS


def test_an_expectation_that_is_no_gain_is_no_promise():
    flat = Expected(figure="defect rate", unit="1", before=0.01, after=0.01, after_low=0.0, after_high=0.1)
    found = told((5, 100), (5, 100), one=replace(ONE, expected=(flat,)))
    assert (found.least_parts, found.verdict) == (0, EffectVerdict.NOT_YET)


def test_figures_are_means_at_both_settings_since_the_change():
    journal = Journal(("heat", "load"), ("heat",), ("energy_kj", "cycle_s"))
    new = START | {"heat": 142.0}
    for at, (settings, energy) in enumerate([(new, 99.0), (START, 10.0), (START, 12.0), (new, 8.0), (new, 9.0)]):
        journal.take(part(at, settings, measured={"heat": 1.0, "energy_kj": energy}))
    journal.take(part(9, new, measured={"heat": 1.0}))
    [found] = figures_of(journal.rows, {"energy_kj": "kJ", "cycle_s": "s"}, (150.0, 5.0), (142.0, 5.0), part(3).time_us)
    assert (found.figure, found.unit, found.before, found.after) == ("energy_kj", "kJ", 11.0, 8.5)
    assert found.after_low < 8.5 < found.after_high
