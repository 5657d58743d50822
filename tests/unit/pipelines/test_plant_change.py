"""The plant changes while records come: what goes on, what begins anew, what is refused."""

from __future__ import annotations

import copy

import msgspec
import numpy as np
import pytest

from models.plant import content, parse
from models.records import (
    Frame,
    Maintenance,
    MaintenanceAction,
    Notice,
    PlantChange,
    Reject,
    Tick,
    decode,
    encode,
)
from pipelines import saving
from pipelines.ledger import LEDGER
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.state import SnapshotError
from tests.kit import changes, tiny
from tests.kit.streams import MINUTE_US, START_US


def at(minute: float) -> int:
    return START_US + round(minute * MINUTE_US)


def frame(minute: float, asset: str = "pump-01", **signals: float) -> Frame:
    signals = signals or {"pressure_bar": 5.0, "temp_degc": 60.0}
    columns = {name: [value] for name, value in signals.items()}
    return Frame(plant="tiny", asset=asset, source="t", times_us=[at(minute)], signals=columns)


def tick(minute: float) -> Tick:
    return Tick(plant="tiny", time_us=at(minute))


class Log:
    """A partition fed record by record; `said` are all records published."""

    def __init__(self, *edits: str, models: dict | None = None) -> None:
        self.models = models or changes.models()
        self.partition = Partition(changes.plant(*edits), self.models)
        self.said: list = []
        self.rows = 0

    def take(self, *records) -> Log:
        for record in records:
            value = record if isinstance(record, bytes) else encode(record)
            effects = self.partition.receive([RawRecord(self.partition.next_offset, 0, value)])
            self.partition.acknowledged()
            self.rows += sum(map(len, effects.rows))
            self.said += [decode(o.value) for o in effects.outputs]
        return self

    def turn_to(self, *edits: str) -> Log:
        return self.take(changes.change(changes.plant(*edits)))

    @property
    def letters(self) -> list:
        return [r for r in self.said if hasattr(r, "payload_sha256")]

    @property
    def forecasts(self) -> list:
        return [r for r in self.said if hasattr(r, "running_until_us")]

    def state(self) -> dict[str, bytes]:
        """All that it remembers but its counts, as a snapshot of a copy would have it."""
        parts, _ = saving.save(copy.deepcopy(self.partition.state), 120)
        return {name: part for name, part in parts.items() if not name.startswith(LEDGER)}


def steady(first: int, last: int, asset: str = "pump-01") -> list[Frame]:
    return [frame(m, asset) for m in range(first, last)]


def test_a_signal_more_keeps_the_forecasts_going_as_if_nothing_had_happened():
    changed, plain = Log().take(*steady(0, 30)).turn_to("a signal more").take(*steady(30, 60)), Log()
    plain.take(*steady(0, 60))
    assert len(changed.forecasts) > 50
    assert [encode(f) for f in changed.forecasts] == [encode(f) for f in plain.forecasts]


def test_a_new_signal_is_stored_and_its_bins_fill_from_the_change_on():
    log = Log().take(*steady(0, 10), frame(10, flow_m3_h=40.0))
    assert log.letters[-1].reason is Reject.UNKNOWN_SIGNAL
    log.turn_to("a signal more").take(*(frame(m, flow_m3_h=40.0) for m in range(11, 20)))
    block = log.partition.state.blocks["pump"]
    column = block.layout.column_index["flow_m3_h"]
    minutes = np.arange(START_US // MINUTE_US, START_US // MINUTE_US + 19)
    counts = block.tiers.statistics(np.zeros(19, np.int64), minutes)[:, 0, column]
    assert counts.tolist() == [0.0] * 11 + [1.0] * 8
    assert len(log.letters) == 1


def test_squares_stay_about_what_they_were_when_a_range_changes():
    log = Log().take(*steady(0, 30)).turn_to("a wider range")
    block = log.partition.state.blocks["pump"]
    column = block.layout.column_index["pressure_bar"]
    assert (
        block.layout.reference[column] == block.tiers.reference[column] == block.layout.rule.reference[column] == 12.5
    )
    assert changes.plant("a wider range").types["pump"].signals["pressure_bar"].range == (-10, 130)
    restored = Partition.restore(tiny.plant(), log.models, log.partition.snapshot())
    assert restored.state.blocks["pump"].layout.reference[column] == 12.5


def test_a_range_applies_from_the_change_on():
    log = Log().take(frame(0, pressure_bar=99.0))
    assert [letter.reason for letter in log.letters] == [Reject.OUT_OF_RANGE]
    log.turn_to("a wider range").take(frame(1, pressure_bar=99.0))
    assert len(log.letters) == 1 and log.rows == 1
    log.turn_to().take(frame(2, pressure_bar=99.0))
    assert len(log.letters) == 2


def test_a_signal_less_leaves_the_columns_of_the_others_in_place():
    """The gear's first signal goes: its second moves to the first column with all its bins."""
    models = changes.models()
    edit = ('[types.gear]\nmodel = "tiny"', '[types.gear]\nmodel = "half"')
    gone = ('[types.gear.signals.temp_degc]\nkind = "gauge"\nsampling = "on-change"\nmax_silence = "45min"\n', "")
    log = Log(models=models).take(*(frame(m, "gear-01", pressure_bar=m, temp_degc=60.0) for m in range(20)))
    log.take(changes.change(changes.edited(edit, gone)))
    block = log.partition.state.blocks["gear"]
    minutes = np.arange(START_US // MINUTE_US, START_US // MINUTE_US + 19)
    assert block.layout.column_names == ("pressure_bar",)
    sums = block.tiers.statistics(np.zeros(19, np.int64), minutes)[:, 1]
    assert sums[:, 0].tolist() == [float(m) for m in range(19)]
    assert set(block.open.all().signal.tolist()) == {0}
    assert block.machines.held[0].tolist() == [16.0]  # of the last minute that is final


def test_a_signal_that_is_held_from_now_on_begins_anew():
    log = Log().take(*steady(0, 20, "mixer-01")).turn_to("held")
    block = log.partition.state.blocks["mixer"]
    temp, pressure = (block.layout.column_index[name] for name in ("temp_degc", "pressure_bar"))
    assert not block.tiers.minute_statistics[0, :, 0, temp].any()
    assert block.tiers.minute_statistics[0, :, 0, pressure].any()


def test_what_held_into_a_minute_moves_with_its_signal():
    temp = "[types.gear.signals.temp_degc]"
    more = f'[types.gear.signals.level_m]\nkind = "gauge"\nsampling = "on-change"\n{temp}'
    log = Log().take(*(frame(m + 0.4, "gear-01", pressure_bar=5.0, temp_degc=m) for m in range(20)))
    before = log.partition.state.blocks["gear"].tiers.minute_lead[0, :, :, 0]
    assert before.any()
    log.take(changes.change(changes.edited((temp, more))))
    after = log.partition.state.blocks["gear"].tiers.minute_lead[0]
    assert (after[:, :, 1] == before).all() and not after[:, :, 0].any()


def test_a_usual_is_kept_over_a_new_signal():
    log = Log().take(tick(0), *(r for m in range(0, 30 * 60, 10) for r in (tick(m), frame(m))))
    usual = log.partition.state.blocks["pump"].small.baselines[0]
    log.turn_to("a signal more")
    assert log.partition.state.blocks["pump"].small.baselines[0] == usual
    log.turn_to("without a model")
    assert not log.partition.state.blocks["pump"].small.baselines


def test_a_threshold_applies_from_the_change_on():
    log = Log().take(*(frame(m, "mixer-01", pressure_bar=4.5 + m % 2 / 10) for m in range(20)))
    log.turn_to("another threshold")
    log.take(*(frame(m, "mixer-01", pressure_bar=4.5 + m % 2 / 10) for m in range(20, 40)), tick(60))
    told = {forecast.window_end_us: forecast.operating for forecast in log.forecasts}
    assert told[at(10)] == "running"
    assert told[at(39)] == "idle"


def test_an_asset_that_is_gone_is_unknown_and_goes_on_when_it_comes_back():
    log = Log().take(*steady(0, 30, "pump-02")).turn_to("an asset less").take(*steady(30, 32, "pump-02"))
    assert [letter.reason for letter in log.letters] == [Reject.UNKNOWN_ASSET] * 2
    log.turn_to().take(*steady(32, 34, "pump-02"))
    plain = Log().take(*steady(0, 30, "pump-02"), *steady(32, 34, "pump-02"))
    assert [encode(f) for f in log.forecasts] == [encode(f) for f in plain.forecasts]


def test_an_asset_of_another_type_begins_anew_and_says_no_forecast_twice():
    log = Log().take(*steady(0, 30, "pump-02")).turn_to("a pump is a gear")
    assert log.partition.state.blocks["pump"].names == []
    gear = log.partition.state.blocks["gear"]
    assert gear.names == ["pump-02"]
    assert not gear.tiers.minute_statistics[0, :, 0].any()
    log.take(*steady(28, 40, "pump-02"))
    said = [(f.id, f.revision) for f in log.forecasts]
    assert len(set(said)) == len(said)
    assert any(revision for _, revision in said)


def test_what_was_done_to_an_asset_and_its_warning_go_with_it_to_another_type():
    repaired = Maintenance(plant="tiny", asset="pump-02", time_us=at(5), action=MaintenanceAction.REPAIRED)
    log = Log(models=changes.models() | {"tiny": tiny.hazard(limit=0.01)})
    log.take(*steady(0, 5, "pump-02"), repaired, *steady(5, 30, "pump-02"))
    before = log.partition.state.blocks["pump"].small
    assert [case.revision for case in before.cases[0]] == [0]
    log.turn_to("a pump is a gear")
    after = log.partition.state.blocks["gear"].small
    assert (after.cases[0], after.repairs_us[0]) == (before.cases[0], before.repairs_us[0])


def test_records_of_a_type_that_is_gone_are_refused_and_what_was_known_of_it_waits():
    log = Log().take(frame(0, "fan-01", speed_rpm=1.0)).turn_to("a type less").take(frame(1, "fan-01", speed_rpm=1.0))
    assert "fan" not in log.partition.state.blocks
    assert log.letters[-1].reason is Reject.UNKNOWN_ASSET
    log.turn_to()
    assert log.partition.state.blocks["fan"].names == ["fan-01"]
    assert log.partition.state.gone == {}


def test_a_model_that_comes_back_at_once_says_no_forecast_twice():
    log = Log().take(*steady(0, 30)).turn_to("without a model").turn_to().take(*steady(28, 31))
    said = [(f.id, f.revision) for f in log.forecasts]
    assert len(set(said)) == len(said)


def test_without_a_model_rows_are_stored_and_nothing_is_said():
    log = Log().take(*steady(0, 30)).turn_to("without a model")
    said, rows = len(log.said), log.rows
    log.take(*steady(30, 60))
    assert (len(log.said), log.rows) == (said, rows + 30)
    assert not log.partition.state.blocks["pump"].small.entries


REFUSED = {
    "a model that is not there": (
        changes.change(changes.edited(*changes.REFUSED[0])), Reject.PLANT_REFUSED, "wants model 'unknown'",
    ),
    "a signal that the model needs": (
        changes.change(changes.edited(*changes.REFUSED[1])), Reject.PLANT_REFUSED, "needs signals",
    ),
    "another plant inside": (
        changes.change(changes.edited(*changes.REFUSED[2])), Reject.WRONG_PLANT, "its content is plant 'other'",
    ),
    "another plant": (changes.change(changes.plant(), "other"), Reject.WRONG_PLANT, "plant 'other'"),
    "a version that is not its own": (
        msgspec.structs.replace(changes.change(changes.plant("a rule")), version="abc"), Reject.PLANT_REFUSED, "'abc'",
    ),
    "no plant": (
        msgspec.structs.replace(changes.change(changes.plant()), content=msgspec.Raw(b"[1]")),
        Reject.PLANT_REFUSED, "no plant",
    ),
    "NaN": (
        encode(changes.change(changes.plant("a wider range"))).replace(b"130.0", b"NaN"), Reject.NOT_A_RECORD, "raw",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_change_that_is_refused_leaves_everything_as_it_was(name):
    record, reason, detail = REFUSED[name]
    log = Log("a signal more").take(*steady(0, 30), *steady(0, 5, "fan-01"))
    state, version, said = log.state(), log.partition.plant_version, len(log.said)
    log.take(record)
    (letter,) = log.said[said:]
    assert letter.reason is reason and detail in letter.detail
    assert (log.state(), log.partition.plant_version) == (state, version)
    assert log.partition.ledger.rejected_by_reason[reason] >= 1
    assert log.take(frame(31)).forecasts


def test_the_same_plant_again_changes_nothing():
    log = Log().take(*steady(0, 30))
    state = log.state()
    log.turn_to()
    assert log.state() == state


def test_a_restart_goes_on_with_the_plant_of_the_snapshot():
    log = Log().take(*steady(0, 30)).turn_to("a signal more")
    restored = Partition.restore(tiny.plant(), log.models, log.partition.snapshot())
    assert restored.plant_version == changes.plant("a signal more").version != tiny.plant().version
    assert content.encode(restored.plant) == content.encode(changes.plant("a signal more"))


def test_a_snapshot_whose_model_is_gone_says_what_to_do():
    log = Log("another model").take(*steady(0, 3))
    with pytest.raises(SnapshotError, match=r"wants model 'half'.*FOREWARN_MODELS"):
        Partition.restore(tiny.plant(), tiny.models(), log.partition.snapshot())


def test_a_snapshot_of_another_plant_is_refused():
    log = Log().take(*steady(0, 3))
    with pytest.raises(SnapshotError, match="plant 'tiny', and this is 'other'"):
        Partition.restore(changes.edited(*changes.REFUSED[2]), log.models, log.partition.snapshot())


def test_a_change_that_is_taken_says_nothing():
    log = Log().turn_to("a signal more")
    assert not log.said
    assert (log.partition.ledger.records_read, log.partition.ledger.records_rejected) == (1, 0)


def notices(log: Log) -> list[tuple[str, str, str]]:
    return [(n.signal, n.reason, str(n.state)) for n in log.said if isinstance(n, Notice)]


def plant_without(text: str) -> PlantChange:
    return changes.change(parse(tiny.PLANT_TOML.replace(text, "")))


def test_a_fault_of_a_sensor_that_does_not_go_on_is_closed():
    log = Log()
    for minute in range(40):
        log.take(frame(minute, "mixer-01", pressure_bar=5.0 + minute % 7 / 100, temp_degc=60.0))
    assert notices(log) == [("temp_degc", "stuck", "open")]
    log.take(plant_without('[assets.mixer-01]\ntype = "mixer"\n'))
    assert notices(log)[1:] == [("temp_degc", "stuck", "closed")]


def test_an_asset_that_is_not_in_the_plant_is_not_missed_and_its_silence_is_told_once():
    log = Log().take(frame(0, "mixer-01"), tick(5), plant_without('[assets.mixer-01]\ntype = "mixer"\n'))
    log.take(*(tick(minute) for minute in range(6, 200)))
    assert notices(log) == []
    log.turn_to().take(*(tick(minute) for minute in range(200, 260)))
    assert notices(log) == [("", "silent", "open")]


def test_the_silence_of_an_asset_that_leaves_the_plant_ends_and_begins_anew_where_it_comes_back():
    log = Log().take(frame(0, "mixer-01"), *(tick(minute) for minute in range(200)))
    assert notices(log) == [("", "silent", "open")]
    log.take(plant_without('[assets.mixer-01]\ntype = "mixer"\n'), *(tick(minute) for minute in range(200, 260)))
    assert notices(log)[1:] == [("", "left-the-plant", "closed")]
    log.turn_to().take(*(tick(minute) for minute in range(260, 400)), frame(400, "mixer-01"))
    assert notices(log)[2:] == [("", "silent", "open"), ("", "heard-again", "closed")]
    first, _, again, _ = [n for n in log.said if isinstance(n, Notice)]
    assert (first.since_us, again.since_us) == (at(0), at(199))
    assert len({(n.id, n.revision) for n in log.said if isinstance(n, Notice)}) == 4


def test_a_signal_that_is_new_and_says_nothing_is_told_of():
    rule = "[types.mixer.operating]"
    new = tiny.PLANT_TOML.replace(rule, f'[types.mixer.signals.flow]\nkind = "gauge"\n{rule}')
    log = Log()
    for minute in range(20):
        log.take(frame(minute, "mixer-01", pressure_bar=5.0 + minute % 7 / 100, temp_degc=60.0 + minute % 5))
    log.take(changes.change(parse(new)))
    for minute in range(20, 50):
        log.take(frame(minute, "mixer-01", pressure_bar=5.0 + minute % 7 / 100, temp_degc=60.0 + minute % 5))
    assert notices(log) == [("flow", "silent", "open")]


def test_a_type_that_goes_and_comes_back_says_nothing_twice():
    log = Log().take(*(frame(minute, "gear-01") for minute in range(30)))
    gear = tiny.PLANT_TOML.partition("[types.gear]")[2].partition("[types.mixer]")[0]
    asset = '[assets.gear-01]\ntype = "gear"\n'
    log.take(changes.change(parse(tiny.PLANT_TOML.replace(f"[types.gear]{gear}", "").replace(asset, ""))))
    assert "gear" not in log.partition.state.blocks
    snapshot = log.partition.snapshot()
    log.partition = Partition.restore(changes.plant(), log.models, snapshot)
    log.turn_to().take(*(frame(minute, "gear-01", pressure_bar=9.0) for minute in range(20, 60)))
    told: dict[tuple[str, int], bytes] = {}
    for forecast in log.forecasts:
        assert told.setdefault((forecast.id, forecast.revision), encode(forecast)) == encode(forecast)
    assert max(forecast.window_end_us for forecast in log.forecasts) > at(55)
