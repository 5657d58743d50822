"""Groups of features against plain loops and figures by hand: the fleet's usual, siblings, events, works, products."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from models.bins import COUNT, MINUTE_US, Samples, summarise
from models.failure.hazard import Card, founded
from models.failure.health import without_fleet
from models.features import Facts, Fleet, Groups, Pairs, Spec, compute, serviced, stated
from models.inference import ModelError
from models.plant import PlantError, parse
from models.plant.layout import Layout
from models.records import Confidence, Whose
from models.tiers import Tiers
from tests.kit import grouped

HOUR_MIN, DAY_MIN = 60, 24 * 60
HOUR_US = HOUR_MIN * MINUTE_US
SIGNALS = ("a", "b", "e")
SPEC = Spec(("a", "b"), expected=(replace(grouped.EXPECTED, target="b", intercept=1.0, terms=(("a", 2.0),)),))
FLEET = Fleet("b", 40.0, 3.0, 4.0)


def with_groups(**groups) -> Spec:
    return replace(SPEC, groups=Groups(**groups))


def row(spec: Spec, samples: list[tuple[int, int, float]], minute: int, usual: float = math.nan, **facts) -> dict:
    """The features of a machine at the end of a minute, from samples (signal, minute, value)."""
    signal, at, value = (np.array(column) for column in zip(*samples, strict=True))
    bins = summarise(Samples(np.zeros(len(at), int), signal, at * MINUTE_US, value), len(SIGNALS), np.zeros(3))
    tiers = Tiers.empty(1, np.zeros(3), np.empty(0, np.int64))
    for hour in np.unique(bins.minute // 20):
        now = bins.minute // 20 == hour
        tiers.write(bins.where(now))
        use = bins.statistics[now, COUNT] > 0
        tiers.use(bins.asset[now], bins.minute[now], use, np.zeros((now.sum(), 3, 0)))
    zero = np.zeros(1, np.int64)
    pairs = Pairs(zero, np.array([minute]), zero, zero, zero, np.array([[usual]]), np.array([[usual / 10]]))
    columns = np.array([SIGNALS.index(name) for name in spec.inputs])
    told = Facts(**{"since_h": np.empty((1, 0))} | facts)
    return dict(zip(spec.names, compute(spec, columns, tiers, pairs, facts=told)[0].tolist(), strict=True))


def levels(minutes: int, a: float, b: float, every: int = 5) -> list[tuple[int, int, float]]:
    return [(signal, m, value) for m in range(0, minutes, every) for signal, value in ((0, a), (1, b))]


def test_a_list_without_groups_is_what_it_was():
    assert replace(SPEC, groups=Groups()).sha256 == SPEC.sha256
    assert SPEC.names[-3:] == ("completeness_72h", "running_h", "starts")
    assert replace(SPEC, groups=Groups()).inputs == ("a", "b")


def test_groups_come_behind_the_list_and_what_they_rest_on_is_hashed():
    spec = grouped.SPEC
    assert spec.names[: len(spec.names) - len(GROUPED)] == replace(spec, groups=Groups(), shares=spec.shares).names
    assert spec.names[-len(GROUPED) :] == GROUPED
    other = replace(spec, groups=replace(spec.groups, fleet=(replace(grouped.FLEET, usual=1.6),)))
    types = replace(spec, groups=replace(spec.groups, types=("pump", "gear")))
    assert len({spec.sha256, other.sha256, types.sha256}) == 3


GROUPED = (
    "temp_degc.is_own", "temp_degc.siblings_24h",
    "error.events_24h", "error.events_72h", "error.events_7d", "error.since_event_h",
    "error:E1.events_24h", "error:E1.events_72h", "error:E1.events_7d", "error:E1.since_event_h",
    "bearing.since_maintenance_h", "seal.since_maintenance_h", "product.code", "asset_type.code",
)  # fmt: skip


def test_without_a_usual_of_its_own_a_machine_is_held_against_its_fleet():
    spec = with_groups(fleet=(FLEET,), siblings=True)
    cold = row(spec, levels(120, 2.0, 57.0), 119)
    assert (cold["b.over_24h"], cold["b.change_24h"], cold["b.is_own"]) == (52.0, 12.0, 0.0)
    assert cold["b.exceeds_72h"] == 1.0, "12 are over two spreads of a stranger, hypot(3, 4) = 5"
    assert row(spec, levels(120, 2.0, 54.0), 119)["b.exceeds_72h"] == 0.0, "9 are not"
    own = row(spec, levels(120, 2.0, 57.0), 119, usual=51.0)
    assert (own["b.change_24h"], own["b.is_own"]) == (1.0, 1.0)
    assert own["b.siblings_24h"] == cold["b.siblings_24h"] == 3.0, "12 in spreads between siblings, of 4"
    plain = row(SPEC, levels(120, 2.0, 57.0), 119)
    assert math.isnan(plain["b.change_24h"]) and math.isnan(plain["b.exceeds_72h"])


def test_events_are_counted_over_days_and_the_last_is_dated():
    minutes = 12 * DAY_MIN
    came = sorted(np.random.default_rng(3).choice(minutes - 100, 60, replace=False).tolist())
    spec = with_groups(counted=("e",))
    found = row(spec, [*levels(minutes, 2.0, 50.0, 5), *((2, m, 1.0) for m in came)], minutes - 1)
    assert found["e.events_24h"] == sum(m >= minutes - DAY_MIN for m in came)
    assert found["e.events_72h"] == sum(m >= minutes - 3 * DAY_MIN for m in came)
    assert found["e.events_7d"] == sum(m >= minutes - 6 * DAY_MIN for m in came), "today has just begun"
    assert found["e.since_event_h"] == (minutes - (came[-1] // 15 + 1) * 15) / 60
    noon = minutes - DAY_MIN // 2
    found = row(spec, [*levels(noon, 2.0, 50.0, 5), *((2, m, 1.0) for m in came if m < noon)], noon - 1)
    assert found["e.events_7d"] == sum(noon - 6 * DAY_MIN - DAY_MIN // 2 <= m < noon for m in came)


@pytest.mark.parametrize(("day", "hours"), [(2, (7.0 - 3) * 24 + 12), (None, math.nan)])
def test_an_event_of_long_ago_is_dated_by_its_day_and_none_is_not(day, hours):
    samples = levels(7 * DAY_MIN + DAY_MIN // 2, 2.0, 50.0)
    samples += [(2, day * DAY_MIN + 100, 1.0)] if day is not None else []
    found = row(with_groups(counted=("e",)), samples, 7 * DAY_MIN + DAY_MIN // 2 - 1)
    assert found["e.since_event_h"] == pytest.approx(hours, nan_ok=True)
    assert (found["e.events_24h"], found["e.events_72h"]) == (0.0, 0.0)
    assert found["e.events_7d"] == (day is not None)


def test_a_model_of_more_types_knows_which_one_it_looks_at():
    spec = with_groups(types=("fan", "pump"))
    samples = levels(60, 2.0, 50.0)
    assert row(spec, samples, 59, asset_type="pump")["asset_type.code"] == 1.0
    assert math.isnan(row(spec, samples, 59, asset_type="mill")["asset_type.code"])


@pytest.mark.parametrize(
    ("shares", "code"),
    [((1.0, 0.0), 0.0), ((0.2, 0.8), 1.0), ((0.5, 0.5), 0.0), ((0.0, 0.0), math.nan), ((), math.nan)],
)
def test_the_product_is_what_was_made_for_the_most_of_an_hour(shares, code):
    spec = Spec(("a",), shares=("e=x", "e=y"), groups=Groups(product="e"))
    samples = [(0, m, 1.0) for m in range(60)]
    samples += [
        (at + 1, m, float(m < 60 * share if at == 0 else m >= 60 - 60 * share))
        for at, share in enumerate(shares)
        for m in range(60)
    ]
    signal, at, value = (np.array(column) for column in zip(*samples, strict=True))
    bins = summarise(Samples(np.zeros(len(at), int), signal, at * MINUTE_US, value), 3, np.zeros(3))
    tiers = Tiers.empty(1, np.zeros(3), np.empty(0, np.int64))
    tiers.write(bins)
    tiers.use(bins.asset, bins.minute, bins.statistics[:, COUNT] > 0, np.zeros((60, 3, 0)))
    zero, none = np.zeros(1, np.int64), np.empty((1, 0))
    found = compute(spec, np.arange(3), tiers, Pairs(zero, np.array([59]), zero, zero, zero, none, none))
    assert found[0, spec.column("e.code")] == pytest.approx(code, nan_ok=True)
    assert ("e" in stated.missing(spec, found)[0]) == math.isnan(code)


def test_work_on_a_component_counts_by_its_date_from_when_it_was_known():
    known: serviced.Serviced = {}
    serviced.note(known, "seal", known_us=10 * HOUR_US, done_us=4 * HOUR_US, final_us=0)
    serviced.note(known, "seal", known_us=6 * HOUR_US, done_us=6 * HOUR_US, final_us=0)
    minute = np.array([5, 6, 7, 12]) * HOUR_MIN - 1
    found = serviced.since_h(("bearing", "seal"), {2: known}, np.full(4, 2), minute)
    assert np.isnan(found[:, 0]).all(), "nobody told of the bearing"
    np.testing.assert_array_equal(found[:, 1], [np.nan, np.nan, 1.0, 6.0]), "the latest date counts, told first or not"
    assert np.isnan(serviced.since_h(("seal",), {2: known}, np.array([1]), minute[:1])).all()


def test_of_works_that_all_minutes_know_the_latest_alone_is_kept():
    known: serviced.Serviced = {}
    for hour in (3, 1, 2, 9):
        serviced.note(known, "seal", hour * HOUR_US, hour * HOUR_US, final_us=0)
    serviced.note(known, "seal", 8 * HOUR_US, 8 * HOUR_US, final_us=5 * HOUR_US)
    assert known["seal"] == [(h * HOUR_US, h * HOUR_US) for h in (3, 8, 9)]
    for hour in range(20, 20 + 3 * serviced.MOST):
        serviced.note(known, "seal", hour * HOUR_US, hour * HOUR_US, final_us=0)
    assert len(known["seal"]) == serviced.MOST, "dates that lie ahead are not kept without end"


def test_what_a_window_has_nothing_of_is_named_and_nothing_else():
    spec = grouped.SPEC
    rows = np.zeros((3, len(spec.names)), np.float32)
    rows[1, [spec.column("temp_degc.spread_1h"), spec.column("temp_degc.mean_24h")]] = np.nan
    rows[1, spec.column("seal.since_maintenance_h")] = np.nan
    rows[2, [spec.column("product=clay.share_1h"), spec.column("product.code")]] = np.nan
    rows[2, [spec.column("temp_degc.slope_30d_per_d"), spec.column("error.since_event_h")]] = np.nan
    assert stated.missing(spec, rows) == [(), ("temp_degc", "seal"), ("product",)]
    assert stated.missing(spec, rows[:0]) == []


def test_whose_usual_changes_are_from_is_said():
    spec = with_groups(fleet=(FLEET,))
    rows = np.zeros((2, len(spec.names)), np.float32)
    rows[1, spec.column("b.is_own")] = 1.0
    assert stated.whose(spec, rows) == [Whose.FLEET, Whose.OWN]
    two = replace(SPEC, expected=(*SPEC.expected, replace(SPEC.expected[0], target="a", terms=())))
    rows = np.zeros((3, len(two.names)), np.float32)
    rows[1:, two.column("b.change_24h")] = rows[2, two.column("a.change_24h")] = np.nan
    assert stated.whose(two, rows) == [Whose.OWN, Whose.SOME, Whose.NOBODY]
    assert stated.whose(Spec(("a",)), np.zeros((1, 6), np.float32)) == [Whose.NOBODY]


@pytest.mark.parametrize(
    ("failures", "own", "cold"),
    [(0, "low", "low"), (5, "medium", "low"), (20, "high", "medium")],
)
def test_without_a_usual_of_its_own_a_forecast_is_a_step_less_sure(failures, own, cold):
    hazard = grouped.hazard(failures=failures)
    assert founded(hazard, Whose.OWN) is Confidence(own)
    assert (
        founded(hazard, Whose.FLEET) is founded(hazard, Whose.BOTH) is founded(hazard, Whose.NOBODY) is Confidence(cold)
    )


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (Groups(fleet=(FLEET,)), "must tell of all that is expected"),
        (Groups(fleet=(replace(grouped.FLEET, between=0.0),)), "spreads of its fleet"),
        (Groups(siblings=True), "tells of no fleet"),
        (Groups(product="mode"), "'mode' has no words"),
        (Groups(components=("temp_degc",)), "each once"),
    ],
)
def test_a_card_whose_groups_contradict_its_list_is_refused(groups, said):
    with pytest.raises(ModelError, match=said):
        grouped.hazard(replace(grouped.SPEC, groups=groups))


def test_a_health_model_sees_no_change_that_is_from_a_fleet():
    change, own = (grouped.SPEC.column(f"temp_degc.{what}") for what in ("change_24h", "is_own"))
    rows = np.ones((2, len(grouped.SPEC.names)), np.float32)
    rows[0, own] = 0.0
    found = without_fleet(grouped.SPEC, rows)
    assert np.isnan(found[0, change]) and np.isnan(found).sum() == 1
    assert not np.isnan(rows).any(), "the hazard sees it"
    assert without_fleet(SPEC, rows) is rows


def test_a_card_tells_its_groups_and_one_without_is_as_it_was():
    card = grouped.hazard().card
    again = msgspec.json.decode(msgspec.json.encode(card), type=Card)
    assert Spec.of_card(again) == grouped.SPEC
    assert b"groups" not in msgspec.json.encode(grouped.hazard(replace(grouped.SPEC, groups=Groups())).card)


def test_words_of_an_event_are_counted_apart_and_put_nothing_where_another_is_said():
    layout = Layout("pump", grouped.plant().types["pump"])
    which, column, value = layout.told["error"].samples(["E2", "E9"])
    names = [layout.column_names[at] for at in column]
    assert list(zip(which.tolist(), names, value.tolist(), strict=True)) == [
        (0, "error", 1.0), (0, "error:E2", 1.0), (1, "error", 1.0),
    ]  # fmt: skip
    assert Groups.of(layout.asset_type).counted == ("error", "error:E1", "error:E2")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('alarms = ["E1", "E2"]', 'alarms = ["E1", "E1"]', "types.pump.signals.error.alarms has a word twice"),
        ('words = ["sand", "clay"]', 'words = ["sand"]\nalarms = ["mud"]', "'mud' is none of its words"),
        ('sampling = "on-change"\nmax_silence = "2h"\nwords', 'alarms = ["clay"]\nwords', "comes again and again"),
        ('unit = "bar"', 'alarms = ["E1"]', "has alarms, but a gauge says no words"),
        ('product = "product"', 'product = "mode"', "types.pump.product is 'mode': name a state"),
        ('seal = ["ELP", "leak"]', 'seal = ["BRD"]', "types.pump.components.seal: 'BRD' names 'bearing' already"),
        ('seal = ["ELP", "leak"]', "error = []", "types.pump.components.error is the name of a signal"),
    ],
)  # fmt: skip
def test_what_a_type_says_of_components_alarms_and_products_must_hold_together(old, new, said):
    assert old in grouped.TOML
    with pytest.raises(PlantError, match=said):
        parse(grouped.TOML.replace(old, new, 1))
