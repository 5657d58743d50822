"""Which model a name means: the champion among releases, else the folder's file; a wrong one is told and serves not."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from structlog.testing import capture_logs

from models.inference import ModelError
from models.records import encode
from models.release import Kind
from pipelines.releases.board import key_of
from pipelines.tune.served import ServedModels
from tests.kit import figures, releasing, tiny

NAME = "tiny"
ROWS = np.zeros((4, 3), np.float32)


class Follower:
    """A follower whose shelf a test fills."""

    def __init__(self):
        self.board, self.shelf, self.done = releasing.board(), {}, []

    def appoint(self, version, number, before=""):
        one = releasing.champion(version, number, before)
        self.board.take(key_of(one), encode(one))

    def offer(self, one):
        self.board.take(key_of(one), encode(one))

    async def catch_up(self):
        self.done.append("catch_up")

    async def follow(self):
        self.done.append("follow")

    async def stop(self):
        self.done.append("stop")


class Served:
    def __init__(self):
        self.follower, self.folder = Follower(), {}
        self.models = ServedModels(self.follower, self._in_folder)

    def _in_folder(self, name):
        found = self.folder.get(name)
        if isinstance(found, Exception):
            raise found
        return found

    def of(self, name=NAME):
        return self.models.of(name)


@pytest.fixture
def at():
    return Served()


def defect(slope=1.0):
    return figures.model(Kind.DEFECT, slope)


def test_a_name_without_release_or_file_means_none(at):
    assert at.of() is None


def test_without_a_release_it_is_the_folders_file(at):
    at.folder[NAME] = model = defect()
    assert (at.of().version, at.of().inputs) == (model.card.version, tuple(one.name for one in figures.INPUTS))


def test_it_is_asked_for_chances_and_spreads_of_rows(at):
    at.folder[NAME] = model = defect()
    chances, spreads = at.of().ask(ROWS)
    said = model.run(ROWS)
    assert (chances.shape, spreads.shape) == ((4,), (4,))
    assert (chances == said["defect"][:, 0]).all() and (spreads == said["spread"][:, 0]).all()


def test_a_champion_serves_in_the_files_place_and_another_in_its_place(at):
    at.folder[NAME] = defect()
    at.of()
    for number, slope in enumerate((2.0, 3.0), start=1):
        model = defect(slope)
        at.follower.shelf[model.card.version] = model
        at.follower.appoint(model.card.version, number)
        assert at.of().version == model.card.version


def test_a_champion_that_is_not_loaded_yet_leaves_the_one_before_in_charge(at):
    first = defect(2.0)
    at.follower.shelf[first.card.version] = first
    at.follower.appoint(first.card.version, 1)
    at.of()
    at.follower.appoint("tiny@ffffffffffff", 2, first.card.version)
    assert at.of().version == first.card.version


def test_a_model_stays_the_same_object_until_another_is_in_charge(at):
    model = defect()
    at.follower.shelf[model.card.version] = model
    at.follower.appoint(model.card.version, 1)
    assert at.of() is at.of()


@pytest.mark.parametrize("wrong", [tiny.hazard(), figures.model(Kind.ANOMALY), figures.model(Kind.ENERGY)])
def test_a_wrong_kind_of_model_serves_not_and_that_is_told_once(at, wrong):
    at.folder[NAME] = wrong
    with capture_logs() as logs:
        assert at.of() is None and at.of() is None
    assert [(one["event"], one["model"]) for one in logs] == [("model-wrong", NAME)]


def test_a_champion_of_a_wrong_kind_serves_not(at):
    wrong = figures.model(Kind.ENERGY)
    at.follower.shelf[wrong.card.version] = wrong
    at.follower.appoint(wrong.card.version, 1)
    assert at.of() is None


def test_a_file_that_is_no_model_is_told_once_and_serves_once_it_is_one(at):
    at.folder[NAME] = ModelError("its sha256 is another")
    with capture_logs() as logs:
        assert at.of() is None and at.of() is None
    assert [one["error"] for one in logs] == ["its sha256 is another"]
    at.folder[NAME] = defect()
    assert at.of() is not None


def test_it_follows_releases_and_stops(at):
    async def check():
        await at.models.catch_up()
        await at.models.follow()
        await at.models.stop()

    asyncio.run(check())
    assert at.follower.done == ["catch_up", "follow", "stop"]
