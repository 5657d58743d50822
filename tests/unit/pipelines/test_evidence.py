"""What cases rest on goes when nobody asks for it any more, and goes on where only the one who asks is another."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from models.failure.learned import Learned
from models.plant import parse
from models.records import Alert, AlertReason, Forecast, Frame, Health, Notice, Rung
from pipelines.partition import Partition
from tests.kit import changes, tiny
from tests.unit.pipelines.test_plant_change import Log, at, tick

PRESSED = tiny.PLANT_TOML.partition('[[types.pump.rules]]\nname = "pressed"')[2].partition("[[")[0]
ALSO_OF_GEARS = f'[[types.gear.rules]]\nname = "pressed"{PRESSED}[assets.pump-01]'
OWN = 'signal = "temp_degc"\nwarning_high = 68\n'


def alerts(log: Log) -> list[tuple[AlertReason, tuple[str, ...]]]:
    return [(one.reason, tuple(e.name for e in one.evidence)) for one in log.said if isinstance(one, Alert)]


def hot_lathe(log: Log, first: int, last: int) -> Log:
    """A lathe that runs at 70 degrees, over its own warning and under its type's."""
    for minute in range(first, last):
        signals = {"pressure_bar": [5.0], "temp_degc": [70.0], "mode": ["auto"]}
        log.take(Frame(plant="tiny", asset="lathe-01", source="t", times_us=[at(minute)], signals=signals))
    return log


def test_a_level_that_an_asset_has_no_longer_holds_no_more():
    log = hot_lathe(Log(models=tiny.models(limit=0.99)), 0, 30)
    assert alerts(log) == [(AlertReason.OPENED, ("limit of temp_degc",))]
    text = tiny.PLANT_TOML.replace(OWN, 'signal = "temp_degc"\n')
    log.take(changes.change(parse(text)))
    assert [reason for reason, _ in alerts(log)] == [AlertReason.OPENED, AlertReason.CLEARED]
    hot_lathe(log.turn_to(), 30, 60)
    assert [reason for reason, _ in alerts(log)][2:] == [AlertReason.RECURRED]


def test_a_rule_that_another_type_has_as_well_begins_anew_with_an_asset_that_goes_there():
    log = Log(models=tiny.models(limit=0.99))
    log.take(changes.change(parse(tiny.PLANT_TOML.replace("[assets.pump-01]", ALSO_OF_GEARS))))
    for minute in range(20):
        log.take(pressed(minute, 6.9))
    assert alerts(log) == [(AlertReason.OPENED, ("pressed",))]
    as_gear = ALSO_OF_GEARS + '\ntype = "gear"'
    log.take(changes.change(parse(tiny.PLANT_TOML.replace('[assets.pump-01]\ntype = "pump"', as_gear))))
    assert [reason for reason, _ in alerts(log)][1:] == [AlertReason.CLEARED]


def pressed(minute: int, bar: float) -> Frame:
    signals = {"pressure_bar": [bar], "temp_degc": [60.0]}
    return Frame(plant="tiny", asset="pump-01", source="t", times_us=[at(minute)], signals=signals)


def test_what_holds_by_health_goes_on_under_another_model_of_it():
    block = Partition(tiny.plant(), tiny.models()).state.blocks["lathe"]
    block.index_of("lathe-01")
    block.make_room()
    block.hours.unhealthy.on[0] = block.hours.near.on[0] = True
    other = tiny.health()
    other.card = msgspec.structs.replace(other.card, sha256="0" * 64)
    block.adopt(Learned(tiny.hazard(), other))
    assert block.hours.unhealthy.on[0] and block.hours.near.on[0]
    block.adopt(Learned(tiny.hazard()))
    block.adopt(Learned(tiny.hazard(), other))
    assert not block.hours.unhealthy.on[0]


def test_what_was_near_a_limit_under_another_model_is_told_once_it_is_known_which():
    log = hot_lathe(Log(models=tiny.models(limit=0.99)), 0, 1)
    block = log.partition.state.blocks["lathe"]
    block.hours.near.on[0] = True
    hot_lathe(log, 1, 20)
    assert [one.limiting for one in log.said if isinstance(one, Health)] == [""]
    assert {evidence.rung for evidence in block.small.evidence[0].values()} == {Rung.RULES}


def test_a_pause_that_ends_after_a_tick_made_it_final_is_told_by_the_record_that_ends_it():
    """The run over the limit is ten minutes long at the pause, of which nobody knew before."""
    log = Log(models=tiny.models(limit=0.99))
    hot_lathe(log, 17, 23).take(tick(48.5))
    assert not alerts(log)
    hot_lathe(log, 45, 46)
    (only,) = (one for one in log.said if isinstance(one, Alert))
    assert only.window_end_us == at(30)


def test_rates_over_different_spans_are_each_of_their_own_signal():
    rises = '[[types.pump.rules]]\nname = "rises"\nof = "rate"\nsignals = ["pressure_bar"]\nspan = "15min"\n'
    rises += 'warning_high = 0.3\nfor = "2min"\nclears_after = "5min"\n[assets.pump-01]'
    log = Log(models=tiny.models(limit=0.99)).take(
        changes.change(parse(tiny.PLANT_TOML.replace("[assets.pump-01]", rises)))
    )
    for minute in range(100):
        signals = {"pressure_bar": [5 + 0.4 * minute / 60], "temp_degc": [60 + 6 * minute / 60]}
        log.take(Frame(plant="tiny", asset="pump-01", source="t", times_us=[at(minute)], signals=signals))
    told = {one.name: one.value for alert in log.said if isinstance(alert, Alert) for one in alert.evidence}
    assert (told["rises"], told["heats up"]) == (pytest.approx(0.4), pytest.approx(6.0))


def test_the_ledger_counts_forecasts_revisions_of_warnings_and_notices_each_by_itself():
    log = hot_lathe(Log(models=tiny.models(limit=0.99)), 0, 80)
    log.take(tick(600))
    ledger, said = log.partition.ledger, Counter(type(one) for one in log.said)
    assert set(said) >= {Forecast, Health, Alert, Notice}
    assert (ledger.forecasts, ledger.alerts, ledger.notices) == (said[Forecast], said[Alert], said[Notice])
