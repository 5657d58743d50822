"""A release that gives figures takes a name of its type while records come: it is carried, kept and replayed.

No stage asks these models yet, so that all that is published stays what it was.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.figures.card import KINDS
from models.inference import ModelError
from models.plant import parse
from models.records import (
    Confidence,
    DeadLetter,
    Frame,
    Health,
    ModelChange,
    Reject,
    decode,
    encode,
)
from models.release import Kind, Role
from pipelines.controls.plant import kinds_of, learned_of, names_of, needed_of
from pipelines.main import fitting, read_models, read_named
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from tests.kit import changes, figures, tiny
from tests.kit.streams import MINUTE_US, START_US

PLANT = parse(figures.PLANT_TOML)
FIRST, SECOND = figures.model(Kind.ENERGY, 0.5), figures.model(Kind.ENERGY, 0.8)
WELD = figures.model(Kind.DEFECT)
SHELF: dict = {one.card.version: one for one in (FIRST, SECOND, WELD)}


def stream(first: int, last: int) -> list:
    return [
        Frame(plant="tiny", asset="pump-01", source="t", times_us=[START_US + minute * MINUTE_US],
              signals={"pressure_bar": [5.0 + minute % 5 / 10], "temp_degc": [60.0]})
        for minute in range(first, last)
    ]  # fmt: skip


class Log:
    """A partition of the plant with names for figures, fed with records in batches of so many."""

    def __init__(self, at_once: int = 1, shelf: dict | None = None, models: dict | None = None) -> None:
        self.at_once, self.bytes = at_once, []
        self.partition = Partition(PLANT, models or tiny.models(), shelf=SHELF if shelf is None else shelf)

    def take(self, *records) -> Log:
        for at in range(0, len(records), self.at_once):
            offset = self.partition.next_offset
            batch = [RawRecord(offset + n, 0, encode(one)) for n, one in enumerate(records[at : at + self.at_once])]
            self.bytes += [output.value for output in self.partition.receive(batch).outputs]
            self.partition.acknowledged()
        return self

    @property
    def energy(self):
        return self.partition.learned["pump"].figures.get(Kind.ENERGY)

    @property
    def letters(self) -> list[DeadLetter]:
        return [one for one in map(decode, self.bytes) if isinstance(one, DeadLetter)]

    def restored(self, shelf: dict | None = None, models: dict | None = None) -> Partition:
        kept = self.partition.whole()
        return Partition.restore(PLANT, models or tiny.models(), kept, shelf=SHELF if shelf is None else shelf)


CHANGES = [
    *stream(0, 5), figures.to(FIRST, Kind.ENERGY), *stream(5, 10), figures.to(WELD, Kind.DEFECT), *stream(10, 15),
    figures.to(SECOND, Kind.ENERGY, 2), *stream(15, 20),
]  # fmt: skip


def test_a_change_of_an_energy_model_is_carried_for_the_stage_that_will_ask_it():
    log = Log().take(*stream(0, 5))
    assert log.energy is None
    assert log.take(figures.to(FIRST, Kind.ENERGY)).energy is FIRST
    assert log.take(figures.to(SECOND, Kind.ENERGY, 2)).energy is SECOND
    assert not log.letters and log.partition.learned["gear"].figures == {}


def test_nothing_that_is_published_changes_with_it():
    plain = [one for one in CHANGES if not isinstance(one, ModelChange)]
    assert Log().take(*CHANGES).bytes == Log().take(*plain).bytes
    assert Log().take(*plain).bytes


def test_a_restart_goes_on_with_what_each_name_meant_last():
    log = Log().take(*CHANGES)
    restored = log.restored()
    assert restored.meant == log.partition.meant
    assert {name: one.number for name, one in restored.meant.items()} == {"line-load": 2, "weld": 1}
    assert restored.learned["pump"].figures == {Kind.ENERGY: SECOND, Kind.DEFECT: WELD}


def test_a_replay_in_other_batches_gives_the_same_bytes_and_the_same_models():
    one, other = Log().take(*CHANGES), Log(9).take(*CHANGES)
    assert other.bytes == one.bytes
    assert other.partition.learned["pump"].figures == one.partition.learned["pump"].figures
    assert other.partition.snapshot() == one.partition.snapshot()


def test_an_empty_version_is_the_folder_s_file_or_nothing_where_it_has_none():
    back = figures.to("", Kind.ENERGY, 2)
    assert Log().take(figures.to(FIRST, Kind.ENERGY), back).energy is None
    folder = tiny.models() | {"line-load": SECOND}
    log = Log(models=folder)
    assert log.energy is SECOND
    assert log.take(figures.to(FIRST, Kind.ENERGY)).energy is FIRST
    assert log.take(back).energy is SECOND


def test_a_type_with_a_pin_stays_with_its_release():
    pin = figures.to(FIRST, Kind.ENERGY, role=Role.PIN, asset_type="pump")
    assert Log().take(pin, figures.to(SECOND, Kind.ENERGY)).energy is FIRST


def test_one_of_another_kind_is_refused_and_what_was_meant_goes_on():
    log = Log().take(figures.to(FIRST, Kind.ENERGY), figures.to(WELD, Kind.ENERGY, 2))
    assert [letter.reason for letter in log.letters] == [Reject.MODEL_REFUSED]
    assert "as a model of kind energy" in log.letters[0].detail and log.energy is FIRST


def test_a_hazard_takes_no_name_of_an_energy_model():
    hazard = tiny.hazard()
    log = Log(shelf={hazard.card.version: hazard}).take(figures.to(hazard, Kind.ENERGY))
    assert [letter.reason for letter in log.letters] == [Reject.MODEL_REFUSED]


def test_one_that_cannot_be_loaded_is_missing_and_the_folder_s_file_stands_in_where_there_is_one():
    log = Log().take(figures.to(FIRST, Kind.ENERGY))
    alone = log.restored(shelf={})
    assert set(alone.missing) == {"line-load"} and alone.learned["pump"].figures == {}
    beside = log.restored(shelf={}, models=tiny.models() | {"line-load": SECOND})
    found = beside.learned["pump"].figures[Kind.ENERGY]
    assert found.card == SECOND.card and found.stands_in


def test_a_plant_that_names_one_in_the_log_carries_what_is_meant_already():
    partition = Partition(tiny.plant(), tiny.models(), shelf=SHELF)
    batch = [figures.to(FIRST, Kind.ENERGY), changes.change(PLANT)]
    partition.receive([RawRecord(at, 0, encode(one)) for at, one in enumerate(batch)])
    assert partition.plant.types["pump"].models == PLANT.types["pump"].models
    assert partition.learned["pump"].figures == {Kind.ENERGY: FIRST}


def test_a_type_s_names_are_each_of_their_kind_and_those_of_figures_need_no_file(tmp_path):
    kinds = {"tiny": Kind.FAILURE, "tiny.health": Kind.HEALTH} | {figures.NAMES[kind]: kind for kind in KINDS}
    assert kinds_of(PLANT) == kinds and names_of(PLANT) == set(kinds)
    assert needed_of(PLANT) == {"tiny", "tiny.health"}
    tiny.write(tmp_path)
    assert set(read_named(PLANT, tmp_path)) == {"tiny", "tiny.health"}
    fitting(dict(read_models(PLANT, tmp_path)), tmp_path)(PLANT)


def test_a_file_of_that_name_in_the_folder_is_read_and_must_be_of_its_kind(tmp_path):
    tiny.write(tmp_path)
    for name, kind in (("line-load", Kind.ENERGY), ("weld", Kind.ENERGY)):
        for ending, content_of in zip(("onnx", "json"), figures.files(kind).values(), strict=True):
            (tmp_path / f"{name}.{ending}").write_bytes(content_of)
        if name == "line-load":
            assert read_named(PLANT, tmp_path)[name].card.name == "line-load"
    with pytest.raises(ModelError, match="wants 'weld' as a model of kind defect"):
        read_named(PLANT, tmp_path)


def test_a_pin_of_another_kind_fits_no_type():
    pin = {"line-load/pin/pump": WELD}
    with pytest.raises(ModelError, match="kind energy"):
        learned_of(PLANT, tiny.models() | pin)


DAY_MIN = 1440


def lathe(first: int, last: int) -> list[Frame]:
    """A lathe that runs, of which a health model speaks every hour; in a day it has a usual of its own."""
    signals: dict = {"pressure_bar": [5.0], "temp_degc": [60.0], "mode": ["auto"]}
    return [
        Frame(plant="tiny", asset="lathe-01", source="t", times_us=[START_US + minute * MINUTE_US], signals=signals)
        for minute in range(first, last, 10)
    ]


@pytest.mark.parametrize(("is_there", "sure"), [(True, Confidence.HIGH), (False, Confidence.LOW)])
def test_a_health_model_that_stands_in_for_a_release_is_of_low_confidence(is_there: bool, sure: Confidence):
    release = tiny.health()
    change = ModelChange(plant="tiny", name="tiny.health", version=release.card.version, number=1)
    log = Log(200, shelf={release.card.version: release}).take(change, *lathe(0, 2 * DAY_MIN))
    restored = log.restored(shelf={release.card.version: release} if is_there else {})
    assert set(restored.missing) == (set() if is_there else {"tiny.health"})
    more = enumerate(lathe(2 * DAY_MIN, 2 * DAY_MIN + 300))
    batch = [RawRecord(restored.next_offset + at, 0, encode(one)) for at, one in more]
    said = [one for output in restored.receive(batch).outputs if isinstance(one := decode(output.value), Health)]
    assert {one.confidence for one in said[1:]} == {sure}


def test_a_change_of_another_role_than_these_have_is_carried_nowhere():
    shadow = replace(figures.to(FIRST, Kind.ENERGY), role=Role.SHADOW)
    assert Log().take(shadow).energy is None
