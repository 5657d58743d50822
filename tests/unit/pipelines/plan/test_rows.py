"""What rows of machines and of the meter tell: minutes, profiles, breakdowns, peaks, forecasts, results."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
import polars as pl
import pytest

from models.energy.baseline import fit
from models.energy.demand import Watch
from models.energy.load import LoadQuantiles
from models.energy.profiles import STATES
from models.plant.production import Air, Metered, Tap
from models.records import DemandWarning, EnergyProfile, LoadForecast, PlanReason, PlanResult, Suggestion, encode
from pipelines.console.ports import Came
from pipelines.plan.air import advise, advising
from pipelines.plan.board import Board
from pipelines.plan.machines import Learner, look
from pipelines.plan.meter import forecasting, limit_of, quarter_means, readings, send_forecast, watching
from pipelines.plan.meter import look as look_at_meter
from pipelines.plan.readings import idle_spells, minutes_of
from pipelines.plan.results import daily, result_of, telling
from pipelines.topics import Topic
from tests.kit.production import DAY_US, HOUR_US, MONDAY_US, order, plant, situation
from tests.kit.rows import MINUTE_US, MemoryRows, shift_of_a_press

PLANT = plant()
PRESS = PLANT.production.machines["press-1"]
BEGIN_US = MONDAY_US - 7 * DAY_US
WEEK = shift_of_a_press("press-1", BEGIN_US)
FAILED = pl.DataFrame({
    "asset": ["press-2"], "time_us": [MONDAY_US - HOUR_US], "action": ["failed"], "mode": ["seal-leak"],
})  # fmt: skip


class Sent:
    def __init__(self):
        self.records = []

    async def __call__(self, topic, records):
        self.records += [(topic, record) for _, record in records]

    def of(self, kind):
        return [one for _, one in self.records if isinstance(one, kind)]


class Stirred:
    """A planner that notes why it is to plan anew."""

    def __init__(self):
        self.reasons = []

    def stir(self, why):
        self.reasons += [why] * (why is not None)


def states(minutes):
    return [str(STATES[at]) for at in minutes.state]


def test_minutes_say_what_a_machine_does_by_its_power():
    found = minutes_of(WEEK, PRESS, PLANT.types["press"])
    assert len(found.minute) == 7 * 1440
    assert states(found)[-1] == "off"
    assert found.products == ("cover",)
    assert found.units.sum() == pytest.approx(WEEK["parts"].max() - WEEK["parts"].min())


def test_idle_minutes_between_off_and_running_are_of_a_start():
    rows = pl.DataFrame(
        {"time_us": [at * MINUTE_US for at in range(8)], "power_kw": [1.0, 1.0, 9.0, 9.0, 30.0, 9.0, 9.0, 30.0]}
    )
    found = minutes_of(rows, PRESS, PLANT.types["press"])
    assert states(found) == ["off", "off", "starting", "starting", "running", "idle", "idle", "running"]
    assert idle_spells(found).tolist() == [2.0]


def test_a_counter_that_falls_made_nothing_in_that_minute():
    rows = pl.DataFrame({
        "time_us": [at * MINUTE_US for at in range(4)], "power_kw": [30.0] * 4, "parts": [10.0, 12.0, 1.0, 3.0],
    })  # fmt: skip
    assert minutes_of(rows, PRESS, PLANT.types["press"]).units.tolist() == [0.0, 2.0, 0.0, 2.0]


def test_without_rows_there_are_no_minutes():
    assert len(minutes_of(pl.DataFrame(), PRESS, PLANT.types["press"]).minute) == 0


def test_a_profile_is_learned_of_rows_and_told_once_an_hour():
    board, rows, learner = Board(PLANT), MemoryRows(press=WEEK), Learner()
    (made,) = asyncio.run(learner.learn(board, rows, MONDAY_US))
    product = made.products[0]
    assert made.states_kw["idle"].value == pytest.approx(12.0, abs=0.2)
    assert product.kwh_per_unit.value == pytest.approx(0.25, abs=0.03)
    assert asyncio.run(learner.learn(board, rows, MONDAY_US + 60 * MINUTE_US - 1)) == []


def test_only_what_is_new_is_read_again():
    board, rows, learner = Board(PLANT), MemoryRows(press=WEEK), Learner()
    asyncio.run(learner.learn(board, rows, MONDAY_US))
    first = len(rows.asked)
    asyncio.run(learner.learn(board, rows, MONDAY_US + HOUR_US))
    assert rows.asked[first][1] == MONDAY_US - MINUTE_US - HOUR_US


def test_a_machine_that_failed_and_was_not_repaired_is_broken():
    board, sent, planner = Board(PLANT), Sent(), Stirred()
    asyncio.run(look(planner, board, sent, MemoryRows(maintenance=FAILED), MONDAY_US, Learner(), {}))
    assert planner.reasons == [PlanReason.BREAKDOWN]
    assert board.situation(MONDAY_US).down == {"press-2"}
    repaired = FAILED.with_columns(action=pl.lit("repaired"), time_us=pl.col("time_us") + 1)
    both = MemoryRows(maintenance=pl.concat([FAILED, repaired]))
    asyncio.run(look(planner, board, sent, both, MONDAY_US, Learner(), {}))
    assert board.situation(MONDAY_US).down == frozenset()


def advised(rows):
    """What two looks an hour apart say of press-1, and the profiles that they publish."""
    board, sent, learner, said = Board(PLANT), Sent(), Learner(), {}
    for time_us in (MONDAY_US, MONDAY_US + HOUR_US):
        asyncio.run(look(Stirred(), board, sent, MemoryRows(press=rows), time_us, learner, said))
    assert len(sent.of(EnergyProfile)) == 2
    return sent.of(Suggestion)


def test_standby_is_advised_once_a_day_where_idle_times_are_long():
    (advice,) = advised(shift_of_a_press("press-1", BEGIN_US, longest_idle_min=300))
    assert advice.subject == "standby"
    assert advice.proposed < 60


def test_standby_is_not_advised_where_a_start_costs_what_it_saves():
    assert advised(WEEK) == []


class Rolling:
    """A planner as looks see it."""

    def __init__(self, *records):
        self.board, self.send = Board(PLANT), Sent()
        self.board.take([Came(Topic.DEMAND, 0, b"", encode(one)) for one in records])

    def stir(self, why):
        pass


def looked(look, *times_us):
    async def all_of():
        for time_us in times_us:
            await look.once(time_us)

    asyncio.run(all_of())


def test_a_quarter_hour_is_forecast_once():
    planner = Rolling()
    says = {Metered("site", "power_kw", "site-1"): lambda *_: ("site-1", LoadQuantiles(*(np.ones(288),) * 3))}
    look = forecasting(planner, MemoryRows(meter=meter([100] * 60)), says)
    looked(look, *(MONDAY_US + HOUR_US + at * MINUTE_US for at in (0, 5, 14, 15)))
    assert [one.begin_us for one in planner.send.of(LoadForecast)] == [
        MONDAY_US + HOUR_US,
        MONDAY_US + HOUR_US + 15 * MINUTE_US,
    ]


def test_a_warning_of_a_peak_goes_on_under_its_id_after_a_start_anew():
    rows = MemoryRows(meter=meter([240] * 12))
    first = Rolling()
    looked(watching(first, rows), MONDAY_US + 9 * MINUTE_US)
    (opened,) = first.send.of(DemandWarning)
    second = Rolling(opened)
    rows.tables["meter"] = meter([240] * 9 + [900] * 3)
    looked(watching(second, rows), MONDAY_US + 12 * MINUTE_US)
    (revised,) = second.send.of(DemandWarning)
    assert (revised.id, revised.revision) == (opened.id, opened.revision + 1)


def test_compressed_air_is_advised_on_once_a_day():
    planner = Rolling()
    planner.board = Board(air_plant())
    looked(advising(planner, MemoryRows(meter=air_rows(6.6))), MONDAY_US, MONDAY_US + HOUR_US)
    assert len(planner.send.of(Suggestion)) == 2


def test_a_day_that_is_over_is_told_once():
    planner = Rolling()
    planner.board.plan = a_plan()
    day_us = planner.board.plan.begin_us
    look = telling(planner, MemoryRows(), None)
    looked(look, day_us + HOUR_US, day_us + DAY_US, day_us + DAY_US + HOUR_US)
    (made,) = planner.send.of(PlanResult)
    assert (made.begin_us, made.end_us) == (day_us, day_us + DAY_US)


def air_plant():
    tap = Tap(asset="site", signal="power_kw")
    air = Air(
        compressors=(tap,), pressure=Tap(asset="site", signal="bar"), setpoint_bar=7.0, least_bar=5.8, lowest_bar=5.5
    )
    return msgspec.structs.replace(PLANT, production=msgspec.structs.replace(PLANT.production, air=air))


def air_rows(bar):
    times = MONDAY_US - np.arange(14 * 1440, 0, -1) * MINUTE_US
    hours = times // HOUR_US % 24
    kw = np.where((hours >= 6) & (hours < 22), 60.0, 18.0)
    return pl.DataFrame(
        {"asset": ["site"] * len(times), "time_us": times, "power_kw": kw, "bar": np.full(len(times), bar)}
    )


def test_a_network_at_more_pressure_than_is_needed_and_leaks_at_night_are_advised_on():
    sent, rows = Sent(), MemoryRows(meter=air_rows(6.6), press=WEEK.with_columns(pl.col("time_us")))
    asyncio.run(advise(Board(air_plant()), sent, rows, MONDAY_US))
    pressure, leaks = sent.of(Suggestion)
    assert (pressure.parameter, pressure.now, pressure.proposed) == ("network pressure", 7.0, pytest.approx(6.7))
    assert "step" in pressure.rails
    assert leaks.parameter == "leak share of output"


def test_a_network_that_has_no_pressure_to_spare_is_left_alone():
    sent = Sent()
    asyncio.run(advise(Board(air_plant()), sent, MemoryRows(meter=air_rows(5.9)), MONDAY_US))
    assert [one.parameter for one in sent.of(Suggestion)] == ["leak share of output"]


def meter(kw):
    times = [MONDAY_US + at * MINUTE_US for at in range(len(kw))]
    return pl.DataFrame({"asset": ["site"] * len(kw), "time_us": times, "power_kw": [float(one) for one in kw]})


def test_the_limit_is_what_is_allowed_or_billed_anyway():
    assert limit_of(PLANT.production) == pytest.approx(208.0)


def test_readings_hold_until_the_next_one_and_not_for_long():
    found = readings(meter([100, 110]), "power_kw", MONDAY_US + HOUR_US)
    assert (found[0].end_us, found[1].end_us) == (MONDAY_US + MINUTE_US, MONDAY_US + 6 * MINUTE_US)


def test_a_quarter_hour_that_will_pass_its_limit_is_warned_of_with_who_may_wait():
    board, sent = Board(PLANT), Sent()
    rows = MemoryRows(meter=meter([240] * 10), press=WEEK.filter(pl.lit(False)))
    now_us = MONDAY_US + 9 * MINUTE_US
    drawing = pl.DataFrame({"asset": ["press-1"], "time_us": [now_us - MINUTE_US], "power_kw": [34.0]})
    rows.tables["press"] = drawing
    asyncio.run(look_at_meter(board, sent, rows, now_us, Watch()))
    (found,) = sent.of(DemandWarning)
    assert found.minutes_left == pytest.approx(6.0)
    assert found.expected_kw > found.limit_kw == pytest.approx(208.0)
    assert [one.asset for one in found.shed] == ["press-1"]
    assert "oven" in {one.asset for one in found.kept}


def test_below_the_limit_nothing_is_said():
    sent = Sent()
    rows = MemoryRows(meter=meter([150] * 10))
    asyncio.run(look_at_meter(Board(PLANT), sent, rows, MONDAY_US + 9 * MINUTE_US, Watch()))
    assert sent.records == []


def test_quarter_means_are_nan_where_nothing_was_measured():
    rows = pl.concat([meter([10, 20]), meter([30]).with_columns(pl.col("time_us") + HOUR_US)])
    found = quarter_means(rows, "power_kw", MONDAY_US + HOUR_US + 15 * MINUTE_US)
    assert found[[0, 4]].tolist() == [15.0, 30.0]
    assert np.isnan(found[1:4]).all()


def test_a_forecast_of_the_meter_is_published():
    sent = Sent()
    seen = []

    def says(history, origin_us):
        seen.append((len(history), origin_us))
        return "site-1", LoadQuantiles(*(np.full(288, kw) for kw in (90.0, 100.0, 110.0)))

    origin_us = MONDAY_US + HOUR_US
    asyncio.run(
        send_forecast(
            Board(PLANT),
            sent,
            MemoryRows(meter=meter([100] * 60)),
            origin_us,
            Metered("site", "power_kw", "site-1"),
            says,
        )
    )
    ((topic, made),) = sent.records
    assert (topic, type(made), made.model, len(made.q50_kw)) == (Topic.LOADS, LoadForecast, "site-1", 288)
    assert seen == [(4, origin_us)]


def test_days_have_energy_and_units_by_product():
    found = asyncio.run(daily(PLANT, MemoryRows(press=WEEK), BEGIN_US // DAY_US * DAY_US + DAY_US, MONDAY_US))
    assert found["energy_kwh"].min() > 100
    assert found["units_cover"].sum() > 0
    assert found["units_seal"].sum() == 0


def a_plan():
    from models.energy.planning import search
    from models.energy.planning.posing import pose
    from models.energy.planning.telling import Made, told

    day_us = MONDAY_US // DAY_US * DAY_US
    here = situation(order("a"), begin_us=day_us)
    posed = pose(here)
    return told(here, posed, search.first(posed.problem), Made(PlanReason.FIRST, day_us, "test", 1.0, None, 0))


def test_without_a_baseline_no_saving_is_claimed_and_it_is_said_how_to_make_one():
    plan = a_plan()
    made = asyncio.run(result_of(PLANT, {plan.id: plan}, MemoryRows(), plan.begin_us, None))
    assert not made.is_valid
    assert "forewarn energy baseline" in made.why


def test_what_a_day_brought_is_held_against_the_baseline_of_its_units():
    random = np.random.default_rng(3)
    units = random.uniform(400, 1200, 40)
    baseline = fit(150 + 0.6 * units + random.normal(0, 5, 40), {"units_cover": units})
    plan = a_plan()
    day = shift_of_a_press("press-1", plan.begin_us, days=1)
    made = asyncio.run(result_of(PLANT, {plan.id: plan}, MemoryRows(press=day), plan.begin_us, baseline))
    assert made.is_valid, made.why
    assert made.realised_low < made.realised < made.realised_high
    assert made.measured_kwh == pytest.approx(day["power_kw"].sum() / 60, rel=0.01)
