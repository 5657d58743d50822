"""Another release takes a model's place while records come: where it counts, what is kept of it, what is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.failure.hazard import ENOUGH_FAILURES, Hazard, founded
from models.failure.learned import Lister
from models.records import (
    Confidence,
    DeadLetter,
    Forecast,
    Frame,
    ModelChange,
    Reject,
    Shadow,
    Tick,
    Whose,
    decode,
    encode,
)
from models.release import Role
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from tests.kit import changes, tiny
from tests.kit.streams import MINUTE_US, START_US

FIRST, SECOND = tiny.hazard(slope=0.5), tiny.hazard(slope=0.8)
SHELF: dict[str, Lister] = {each.card.version: each for each in (FIRST, SECOND)}
FOLDERS = tiny.hazard().card.version


def frame(minute: int, asset: str = "pump-01") -> Frame:
    signals: dict = {"pressure_bar": [5.0 + minute % 5 / 10], "temp_degc": [60.0]}
    return Frame(plant="tiny", asset=asset, source="t", times_us=[START_US + minute * MINUTE_US], signals=signals)


def to(made, number: int = 1, role: Role = Role.CHAMPION) -> ModelChange:
    version = made if isinstance(made, str) else made.card.version
    return ModelChange(plant="tiny", name="tiny", role=role, version=version, number=number)


def tick(minute: int) -> Tick:
    return Tick(plant="tiny", time_us=START_US + minute * MINUTE_US)


class Log:
    """A partition fed with records, in batches of so many."""

    def __init__(self, at_once: int = 1, shelf: dict | None = None) -> None:
        self.at_once, self.said, self.bytes = at_once, [], []
        self.partition = Partition(tiny.plant(), tiny.models(), shelf=SHELF if shelf is None else shelf)

    def take(self, *records) -> Log:
        for at in range(0, len(records), self.at_once):
            offset = self.partition.next_offset
            batch = [RawRecord(offset + n, 0, encode(one)) for n, one in enumerate(records[at : at + self.at_once])]
            effects = self.partition.receive(batch)
            self.partition.acknowledged()
            self.bytes += [output.value for output in effects.outputs]
        self.said = [decode(value) for value in self.bytes]
        return self

    @property
    def forecasts(self) -> list[Forecast]:
        return [one for one in self.said if isinstance(one, Forecast)]

    @property
    def shadows(self) -> list[Shadow]:
        return [one for one in self.said if isinstance(one, Shadow)]

    @property
    def letters(self) -> list[DeadLetter]:
        return [one for one in self.said if isinstance(one, DeadLetter)]


def stream(first: int, last: int) -> list:
    return [one for minute in range(first, last) for one in (frame(minute), frame(minute, "pump-02"))]


def test_each_forecast_before_the_change_is_of_the_one_model_and_each_after_it_of_the_other():
    log = Log().take(*stream(0, 20))
    before = len(log.forecasts)
    log.take(to(FIRST), *stream(20, 40))
    assert before > 20
    assert {one.model for one in log.forecasts[:before]} == {FOLDERS}
    assert {one.model for one in log.forecasts[before:]} == {FIRST.card.version}
    assert log.partition.meant["tiny"].number == 1


@pytest.mark.parametrize("at_once", [3, 7, 1000])
def test_the_bytes_do_not_depend_on_how_records_with_changes_among_them_were_cut(at_once):
    records = [*stream(0, 15), to(FIRST, 1), *stream(15, 30), to(SECOND, 2), to(FIRST, 3), *stream(30, 45), tick(60)]
    assert Log(at_once).take(*records).bytes == Log().take(*records).bytes


def test_a_minute_that_is_asked_again_after_the_change_is_a_further_revision_of_the_same_forecast():
    log = Log().take(frame(0), frame(1), to(FIRST), frame(0), frame(1), frame(2))
    of_first = [one for one in log.forecasts if one.id == log.forecasts[0].id]
    assert [one.revision for one in of_first] == list(range(len(of_first)))
    assert of_first[-1].model in (FOLDERS, FIRST.card.version)


def test_no_row_is_lost_or_read_twice_over_a_change():
    plain, changed = Log().take(*stream(0, 30)), Log().take(*stream(0, 15), to(FIRST), *stream(15, 30))
    assert changed.partition.ledger.rows_read == plain.partition.ledger.rows_read
    ids = [(one.id, one.revision) for one in changed.forecasts]
    assert len(set(ids)) == len(ids)
    assert {one.id for one in changed.forecasts} == {one.id for one in plain.forecasts}


def test_a_change_that_was_overtaken_changes_nothing():
    log = Log().take(to(SECOND, 5), to(FIRST, 4), to(FIRST, 5), *stream(0, 5))
    assert {one.model for one in log.forecasts} == {SECOND.card.version}
    assert not log.letters


def test_a_release_that_is_not_loaded_is_refused_and_the_last_one_serves_on():
    log = Log().take(to(FIRST), to("tiny@000000000000", 2), *stream(0, 5))
    (letter,) = log.letters
    assert letter.reason is Reject.MODEL_REFUSED
    assert "'tiny' stays what it was: release tiny@000000000000 cannot be loaded here" in letter.detail
    assert {one.model for one in log.forecasts} == {FIRST.card.version}


def test_an_empty_version_is_the_file_of_that_name_again():
    log = Log().take(to(FIRST), to("", 2), *stream(0, 5))
    assert {one.model for one in log.forecasts} == {FOLDERS}
    restored = Partition.restore(tiny.plant(), tiny.models(), log.partition.snapshot())
    assert restored.meant["tiny"].number == 2


def test_a_release_that_does_not_fit_a_type_is_refused():
    other = tiny.hazard(signals=("pressure_bar", "temp_degc", "nothing"))
    log = Log(shelf={other.card.version: other}).take(to(other), *stream(0, 5))
    assert [letter.reason for letter in log.letters] == [Reject.MODEL_REFUSED]
    assert {one.model for one in log.forecasts} == {FOLDERS}


def test_a_restart_goes_on_with_the_release_that_the_log_named_last():
    log = Log().take(*stream(0, 10), to(FIRST, 3), *stream(10, 15))
    restored = Partition.restore(tiny.plant(), tiny.models(), log.partition.snapshot(), shelf=SHELF)
    assert restored.meant == log.partition.meant
    batch = [RawRecord(restored.next_offset + n, 0, encode(one)) for n, one in enumerate(stream(15, 20))]
    again, on = restored.receive(batch), log.partition.receive(batch)
    assert [output.value for output in again.outputs] == [output.value for output in on.outputs]
    assert again.outputs


def test_a_restart_without_that_release_goes_on_by_the_file_of_that_name_with_low_confidence_and_says_so():
    log = Log().take(to(FIRST), to(SECOND, 1, Role.SHADOW), *stream(0, 5))
    sure = tiny.hazard()
    sure = Hazard(tiny.graph(len(sure.spec.names)), replace(sure.card, failures=ENOUGH_FAILURES))
    assert founded(sure, Whose.OWN) is Confidence.HIGH
    restored = Partition.restore(tiny.plant(), tiny.models() | {"tiny": sure}, log.partition.snapshot())
    assert set(restored.missing) == {"tiny", "tiny/shadow"}
    assert f"release {FIRST.card.version} cannot be loaded here" in restored.missing["tiny"]
    batch = [RawRecord(restored.next_offset + n, 0, encode(one)) for n, one in enumerate(stream(5, 8))]
    said = [decode(output.value) for output in restored.receive(batch).outputs]
    forecasts = [one for one in said if isinstance(one, Forecast)]
    assert forecasts and {(one.model, one.confidence) for one in forecasts} == {(FOLDERS, Confidence.LOW)}
    assert not any(isinstance(one, Shadow) for one in said)


def test_a_change_to_what_can_be_loaded_ends_that():
    log = Log().take(to(FIRST), *stream(0, 5))
    restored = Partition.restore(
        tiny.plant(), tiny.models(), log.partition.snapshot(), shelf={SECOND.card.version: SECOND}
    )
    assert restored.missing
    batch = [
        RawRecord(restored.next_offset + n, 0, encode(one)) for n, one in enumerate([to(SECOND, 2), *stream(5, 8)])
    ]
    said = [decode(output.value) for output in restored.receive(batch).outputs]
    assert {one.model for one in said if isinstance(one, Forecast)} == {SECOND.card.version} and not restored.missing


def test_the_same_change_told_once_more_heals_what_could_not_be_loaded_and_nothing_else():
    log = Log().take(to(FIRST, 4), *stream(0, 5))
    shelf: dict = {}
    restored = Partition.restore(tiny.plant(), tiny.models(), log.partition.snapshot(), shelf=shelf)
    shelf[FIRST.card.version] = FIRST
    records = [to(FIRST, 4), *stream(5, 8)]
    batch = [RawRecord(restored.next_offset + n, 0, encode(one)) for n, one in enumerate(records)]
    said = [decode(output.value) for output in restored.receive(batch).outputs]
    assert {one.model for one in said if isinstance(one, Forecast)} == {FIRST.card.version} and not restored.missing


def test_a_changed_plant_keeps_what_its_models_names_mean():
    log = Log().take(to(FIRST), *stream(0, 5), changes.change(changes.plant("a wider range")), *stream(5, 10))
    assert not log.letters
    assert {one.model for one in log.forecasts} == {FIRST.card.version}


def test_a_shadow_speaks_where_a_forecast_is_published_and_changes_none_of_it():
    plain, beside = Log().take(*stream(0, 20)), Log().take(*stream(0, 10), to(FIRST, 1, Role.SHADOW), *stream(10, 20))
    assert [encode(one) for one in beside.forecasts] == [encode(one) for one in plain.forecasts]
    said = {(one.id, one.revision): one for one in beside.shadows}
    by_rows = FIRST.card.version
    after = [one for one in beside.forecasts if one.window_end_us > START_US + 11 * MINUTE_US]
    assert len(said) == len(beside.shadows) >= len(after) > 10
    for one in after:
        shadow = said[one.id, one.revision]
        assert (shadow.model, shadow.beside, shadow.asset) == (by_rows, one.model, one.asset)
        assert shadow.window_end_us == one.window_end_us and shadow.chances < one.chances


def test_a_shadow_ends_and_a_promoted_one_says_the_same_as_champion():
    shadowed = Log().take(*stream(0, 10), to(FIRST, 1, Role.SHADOW), *stream(10, 20))
    beside = to(SECOND, 1, Role.SHADOW), to("", 2, Role.SHADOW)
    promoted = Log().take(*stream(0, 10), to(FIRST, 1), *stream(10, 20), *beside)
    wanted = {(one.asset, one.window_end_us): one.chances for one in promoted.forecasts}
    assert shadowed.shadows
    assert all(wanted[one.asset, one.window_end_us] == one.chances for one in shadowed.shadows[4:])
    assert not promoted.take(*stream(20, 25)).shadows


def test_a_shadow_lives_over_a_restart_and_a_replay_in_other_batches_gives_the_same_bytes():
    records = [*stream(0, 10), to(FIRST, 1, Role.SHADOW), *stream(10, 15), to(SECOND, 2, Role.SHADOW), *stream(15, 20)]
    log = Log().take(*records)
    assert Log(9).take(*records).bytes == log.bytes
    restored = Partition.restore(tiny.plant(), tiny.models(), log.partition.snapshot(), shelf=SHELF)
    batch = [RawRecord(restored.next_offset + n, 0, encode(one)) for n, one in enumerate(stream(20, 22))]
    said = [decode(output.value) for output in restored.receive(batch).outputs]
    assert {one.model for one in said if isinstance(one, Shadow)} == {SECOND.card.version}


def test_a_type_with_a_pin_stays_with_its_release_and_others_of_the_name_go_on():
    pin = ModelChange(plant="tiny", name="tiny", role=Role.PIN, asset_type="pump", version=FIRST.card.version, number=1)
    gears = [frame(minute, "gear-01") for minute in range(10)]
    log = Log().take(pin, to(SECOND, 1), *stream(0, 5), *gears)
    models = {one.asset: one.model for one in log.forecasts}
    assert models == {asset: SECOND.card.version if asset == "gear-01" else FIRST.card.version for asset in models}
    assert {"pump-01", "gear-01"} <= set(models)
    unpin = replace(pin, version="", number=2)
    assert Log().take(pin, unpin, to(SECOND, 1), *stream(0, 5)).forecasts[0].model == SECOND.card.version


def test_a_partition_without_a_shelf_scores_by_the_models_that_it_was_given_whatever_the_log_says():
    partition = Partition(tiny.plant(), tiny.models())
    batch = [RawRecord(n, 0, encode(one)) for n, one in enumerate([to(FIRST), *stream(0, 5)])]
    said = [decode(output.value) for output in partition.receive(batch).outputs]
    assert {one.model for one in said if isinstance(one, Forecast)} == {FOLDERS}
    assert not any(isinstance(one, DeadLetter) for one in said)


def test_what_is_missing_is_looked_for_again_where_the_plant_changes():
    log = Log().take(to(FIRST), *stream(0, 5))
    shelf: dict = {}
    restored = Partition.restore(tiny.plant(), tiny.models(), log.partition.snapshot(), shelf=shelf)
    assert restored.missing
    shelf[FIRST.card.version] = FIRST
    change = encode(changes.change(changes.plant("a wider range")))
    restored.receive([RawRecord(restored.next_offset, 0, change)])
    assert not restored.missing
