"""From a release to a model, as a worker's own loader goes: kinds as the plant has them, and a run before it counts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.releases.loader import WARM_ROWS, ReleaseLoader
from connectors.releases.registry import Cached, Registry
from models.failure.hazard import Hazard
from models.failure.health import HealthModel
from models.failure.learned import load, warm
from models.figures.card import KINDS
from models.figures.model import FigureModel
from models.records import Release, encode
from models.release import Kind, Part, Refusal, Refused, decoded
from pipelines.releases.board import Board, key_of
from pipelines.releases.check import manifest_of
from pipelines.releases.shelf import Shelf
from tests.kit import figures, releasing, tiny


def loader(folder: Path, kinds: dict[str, Kind], models: dict | None = None, **more) -> ReleaseLoader:
    files = Cached(Registry(str(folder / "registry")), folder / "cache")
    models = tiny.models() if models is None else models
    return ReleaseLoader(files, {}, models, unsigned=True, kinds=lambda: kinds, **more)


def served(folder: Path, files: dict[Part, bytes]) -> None:
    registry = Registry(str(folder / "registry"))
    for content in files.values():
        registry.put(content)


def shelf_of(release: Release, made: ReleaseLoader) -> Shelf:
    board = Board("tiny")
    board.take(key_of(release), encode(release))

    async def told(*_: object) -> None:
        return None

    return Shelf(board, made, told)


@pytest.mark.parametrize("kind", KINDS)
def test_a_release_of_a_name_that_has_no_file_in_the_folder_is_loaded(tmp_path, kind: Kind):
    release = figures.release(kind)
    served(tmp_path, figures.files(kind))
    shelf = shelf_of(release, loader(tmp_path, {figures.NAMES[kind]: kind}, {}))
    asyncio.run(shelf.keep([release]))
    assert not shelf.refused
    model = shelf[release.version]
    assert isinstance(model, FigureModel) and model.card.kind is kind


def test_one_of_another_kind_than_the_plant_has_is_refused(tmp_path):
    files = figures.files(Kind.DEFECT)
    made = manifest_of("tiny", files, 1)
    with pytest.raises(Refused, match="it is a defect model, asked for is one of energy") as found:
        loader(tmp_path, {"weld": Kind.ENERGY}).checked(made, files, None)
    assert found.value.reason is Refusal.WRONG_INPUTS


def test_a_hazard_looks_at_what_the_folder_s_looks_at_and_an_energy_model_at_its_own(tmp_path):
    kinds = {"tiny": Kind.FAILURE, "line-load": Kind.ENERGY}
    other = {"tiny": tiny.hazard(signals=("pressure_bar",)), "line-load": figures.model(Kind.ENERGY, 0.5)}
    made = loader(tmp_path, kinds, other)
    energy = figures.files(Kind.ENERGY)
    made.checked(manifest_of("tiny", energy, 1), energy, None)
    with pytest.raises(Refused) as found:
        made.checked(releasing.manifest(0.5), releasing.files(0.5), None)
    assert found.value.reason is Refusal.WRONG_FEATURES


class Noting(Hazard):
    """A hazard that notes how many rows each run had, and whether the shelf had it then."""

    runs: list[tuple[int, bool]]
    shelf: Shelf

    def run(self, rows):
        type(self).runs.append((len(rows), self.card.version in type(self).shelf))
        return super().run(rows)


def test_a_model_has_run_a_row_and_a_batch_before_the_shelf_has_it(tmp_path):
    release = releasing.release(0.5)
    served(tmp_path, releasing.files(0.5))
    shelf = shelf_of(release, loader(tmp_path, {"tiny": Kind.FAILURE}, load=Noting.load))
    Noting.runs, Noting.shelf = [], shelf
    asyncio.run(shelf.keep([release]))
    assert isinstance(shelf[release.version], Noting)
    assert Noting.runs == [(1, False), (256, False)]
    assert decoded(bytes(release.manifest)).version in shelf


def test_any_kind_of_model_can_be_warmed():
    counted: list[int] = []

    class Counting(HealthModel):
        def scores(self, rows):
            counted.append(len(rows))
            return super().scores(rows)

    health = tiny.health()
    counting = Counting.__new__(Counting)
    counting.__dict__ = health.__dict__
    warm(counting, WARM_ROWS)
    assert counted == [1, 256]
    for kind in KINDS:
        files = figures.files(kind)
        warm(load(files[Part.ONNX], files[Part.CARD]), WARM_ROWS)
