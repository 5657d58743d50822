"""A plant file that is written to while a worker runs: what counts, what is told to whom, what is left aside."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from models.inference import ModelError
from models.records import PlantChange, decode
from pipelines.main import fitting, read_models
from pipelines.plant_file import PlantFile
from pipelines.ports import Output
from pipelines.reload import PlantTeller
from pipelines.topics import MAX_FRAME_BYTES, Topic
from tests.kit import changes, tiny

WIDER = tiny.PLANT_TOML.replace("range = [0, 25]", "range = [0, 100]", 1)
RULED = tiny.PLANT_TOML.replace(*changes.EDITS["a rule"][0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "plant.toml"
    path.write_text(tiny.PLANT_TOML)
    return path


@pytest.fixture
def logs():
    with capture_logs() as found:
        yield found


def looked(file: PlantFile, times: int = 2) -> list[bool]:
    return [file.look() for _ in range(times)]


def test_a_change_counts_once_it_was_the_same_in_two_looks(path):
    file = PlantFile(path)
    assert looked(file) == [False, False]
    path.write_text(WIDER)
    assert looked(file, 3) == [False, True, False]
    assert file.plant.types["pump"].signals["pressure_bar"].range == (0, 100)


def test_a_file_that_is_half_written_does_not_count(path):
    file = PlantFile(path)
    half = tiny.PLANT_TOML.partition("[assets.fan-01]")[0]
    path.write_text(half)
    assert not file.look()
    path.write_text(WIDER)
    assert looked(file) == [False, True]
    assert "fan-01" in file.plant.assets


def test_what_cannot_be_used_is_told_once_with_file_and_line_and_changes_nothing(path, logs):
    file = PlantFile(path)
    path.write_text(tiny.PLANT_TOML.replace('kind = "gauge"', 'kind = "gouge"', 1))
    assert not any(looked(file, 4))
    (error,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert f"{path}: line 7: types.pump.signals.pressure_bar.kind" in error["error"]
    assert file.plant == tiny.plant()
    path.write_text(WIDER)
    assert looked(file) == [False, True]


def test_a_file_that_is_away_changes_nothing_and_counts_when_it_is_back(path, logs):
    file = PlantFile(path)
    path.unlink()
    assert not any(looked(file))
    assert "cannot be read" in logs[-1]["error"]
    path.write_text(WIDER)
    assert looked(file) == [False, True]


def test_a_comment_is_no_change_and_a_tag_is(path):
    file = PlantFile(path)
    path.write_text(f"# a word\n{tiny.PLANT_TOML}")
    assert not any(looked(file))
    path.write_text(f'{tiny.PLANT_TOML}\n[[tags]]\naddress = "a"\nasset = "pump-01"\nsignal = "temp_degc"\n')
    assert looked(file) == [False, True]


def test_a_folder_is_watched_with_all_its_files(tmp_path):
    (tmp_path / "a.toml").write_text(tiny.PLANT_TOML)
    file = PlantFile(tmp_path)
    (tmp_path / "b.toml").write_text('[assets.pump-04]\ntype = "pump"\n')
    assert looked(file) == [False, True]
    assert "pump-04" in file.plant.assets


def test_a_plant_of_another_name_is_left_aside(path, logs):
    file = PlantFile(path)
    path.write_text(tiny.PLANT_TOML.replace('plant = "tiny"', 'plant = "other"'))
    assert not any(looked(file))
    assert "the plant is 'other' now, but 'tiny' runs" in logs[-1]["error"]


def test_only_the_assets_of_the_site_are_seen(path):
    path.write_text(f'site = "north"\n{tiny.PLANT_TOML}[assets.fan-02]\ntype = "fan"\nsite = "south"\n')
    file = PlantFile(path, "south")
    path.write_text(path.read_text() + '[assets.fan-03]\ntype = "fan"\nsite = "south"\n')
    assert looked(file) == [False, True]
    assert set(file.plant.assets) == {"fan-02", "fan-03"}


def test_a_model_that_a_type_names_for_the_first_time_is_read_and_a_missing_one_told(path, tmp_path, logs):
    tiny.write(tmp_path)
    models = read_models(tiny.plant(), tmp_path)
    file = PlantFile(path, None, fitting(models, tmp_path))
    path.write_text(tiny.PLANT_TOML.replace('model = "tiny"', 'model = "new"', 1))
    assert not any(looked(file))
    assert "model 'new' cannot be read" in logs[-1]["error"]
    for ending in ("onnx", "json"):
        (tmp_path / f"new.{ending}").write_bytes((tmp_path / f"tiny.{ending}").read_bytes())
    path.write_text(path.read_text() + "\n")
    assert looked(file) == [False, True]
    assert set(models) == {"tiny", "tiny.health", "new"}


def test_models_that_no_type_names_are_read_too_but_need_not_be_right(tmp_path, logs):
    tiny.write(tmp_path)
    (tmp_path / "old.onnx").write_bytes((tmp_path / "tiny.onnx").read_bytes())
    (tmp_path / "old.json").write_bytes((tmp_path / "tiny.json").read_bytes())
    (tmp_path / "bad.onnx").write_bytes(b"no")
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "notes.json").write_text("{}")
    assert set(read_models(tiny.plant(), tmp_path)) == {"tiny", "tiny.health", "old"}
    assert "'model': 'bad'" in str(logs) and "notes" not in str(logs)
    (tmp_path / "tiny.onnx").unlink()
    with pytest.raises(ModelError, match="model 'tiny' cannot be read"):
        read_models(tiny.plant(), tmp_path)


class Publisher:
    """Keeps what is published; is away if told."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, PlantChange]] = []
        self.away = False

    async def publish(self, partition: int, outputs: Sequence[Output]) -> None:
        if self.away:
            raise ConnectionError("away")
        for output in outputs:
            assert output.topic is Topic.RECORDS and output.key == b"tiny"
            self.sent.append((partition, decode(output.value)))


class Runner:
    """Knows of its heart's plant."""

    def __init__(self, version: str | None) -> None:
        self.plant_version = version


class Told:
    """A teller over two partitions, and what they were told."""

    def __init__(self, path: Path) -> None:
        self.file, self.publisher = PlantFile(path), Publisher()
        self.owned = {1: Runner(tiny.plant().version), 4: Runner(tiny.plant().version)}
        self.teller = PlantTeller(self.file, self.publisher, lambda: self.owned)

    def __call__(self, times: int = 2) -> list[int]:
        """Look and tell so many times; which partitions were told."""
        before = len(self.publisher.sent)
        for _ in range(times):
            asyncio.run(self.teller.look())
        return [partition for partition, _ in self.publisher.sent[before:]]


def test_each_partition_is_told_once_of_each_change(path):
    told = Told(path)
    assert told(3) == []
    path.write_text(WIDER)
    assert told(4) == [1, 4]
    change = told.publisher.sent[0][1]
    assert change.version == told.file.plant.version
    for runner in told.owned.values():
        runner.plant_version = change.version
    path.write_text(RULED)
    assert told(4) == [1, 4]


def test_a_change_that_a_heart_refuses_is_not_told_again(path):
    told = Told(path)
    path.write_text(WIDER)
    assert told(2) == [1, 4]
    assert told(5) == []


def test_a_partition_taken_over_with_an_older_plant_is_told_at_once(path):
    told = Told(path)
    assert told() == []
    told.owned[2] = Runner("of a snapshot")
    told.owned[3] = Runner(None)
    assert told(1) == [2]


def test_a_partition_that_another_worker_turned_back_is_told_again(path):
    told = Told(path)
    told.owned[1].plant_version = "before"
    assert told() == [1]
    told.owned[1].plant_version = "another's"
    assert told() == [1]


def test_what_is_not_on_the_log_is_told_again(path, logs):
    told = Told(path)
    told.owned[1].plant_version = "before"
    told.publisher.away = True
    assert told() == []
    assert "plant-not-told" in str(logs)
    told.publisher.away = False
    assert told() == [1]


def test_other_tags_are_nothing_to_a_worker(path):
    told = Told(path)
    path.write_text(f'{tiny.PLANT_TOML}\n[[tags]]\naddress = "a"\nasset = "pump-01"\nsignal = "temp_degc"\n')
    assert told(4) == []


def test_a_plant_that_no_record_can_carry_is_told_in_the_log_and_not_sent(path, logs):
    told = Told(path)
    path.write_text(f'{tiny.PLANT_TOML}[assets.fan-02]\ntype = "fan"\ndescription = "{"x" * MAX_FRAME_BYTES}"\n')
    assert told(4) == []
    assert str(logs).count("run workers by site") == 2
