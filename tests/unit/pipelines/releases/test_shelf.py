"""From a release to a loaded model: each step in its place, each refusal told, nothing half loaded."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from models.failure.learned import Model
from models.inference import ModelError
from models.records import Release, encode
from models.release import Cause, Manifest, Refusal, Refused, Role, Signature, State, decoded
from pipelines.releases.board import Board, key_of
from pipelines.releases.shelf import AGAIN_S, Files, Shelf
from tests.kit import releasing, tiny

A, B = releasing.release(0.5, 10), releasing.release(0.8, 20)
MODELS = {A.version: tiny.hazard(slope=0.5), B.version: tiny.hazard(slope=0.8)}


class Steps:
    """A loader that notes what is asked of it; `fails` names a step and what it raises."""

    def __init__(self, fails: dict[str, Refusal | Exception]) -> None:
        self.fails, self.done, self.manifest = fails, [], None

    def _step(self, name: str, said: object = None) -> None:
        self.done.append((name, said) if name == "checked" else name)
        fault = self.fails.get(name)
        if fault is not None:
            raise Refused(fault, "as told") if isinstance(fault, Refusal) else fault

    def trusted(self, release: Release) -> Manifest:
        self._step("trusted")
        self.manifest = decoded(bytes(release.manifest))
        return self.manifest

    def fetched(self, manifest: Manifest) -> Files:
        self._step("fetched")
        return releasing.files(0.5)

    def checked(self, manifest: Manifest, files: Files, newer_than_us: int | None) -> None:
        self._step("checked", newer_than_us)

    async def tried(self, files: Files) -> None:
        self._step("tried")

    def loaded(self, files: Files) -> Model:
        self._step("loaded")
        assert self.manifest
        return MODELS[self.manifest.version]


class Bench:
    """A shelf, and what was told of its releases."""

    def __init__(self, *releases: Release, fails: dict[str, Refusal | Exception] | None = None) -> None:
        self.fails, self.moves = fails or {}, []
        self.steps, self.board = Steps(self.fails), Board("tiny")
        for one in releases:
            self.board.take(key_of(one), encode(one))
        self.shelf = Shelf(self.board, self.steps, self._told)

    @property
    def done(self) -> list:
        return self.steps.done

    async def _told(self, release, begin, to, cause, refused) -> None:
        self.moves.append((release.version, begin, to, cause, refused.reason if refused else None))

    def keep(self, *wanted: Release) -> Bench:
        asyncio.run(self.shelf.keep(wanted))
        return self


def test_a_release_is_trusted_fetched_checked_tried_and_then_loaded():
    bench = Bench(A).keep(A)
    assert bench.done == ["trusted", "fetched", ("checked", None), "tried", "loaded"]
    assert bench.shelf[A.version] is MODELS[A.version]
    assert bench.moves == [
        (A.version, State.OFFERED, State.FETCHED, Cause.FILES_HERE, None),
        (A.version, State.FETCHED, State.CHECKED, Cause.PASSED, None),
    ]
    assert len(bench.keep(A).done) == 5


@pytest.mark.parametrize("step", ["trusted", "checked", "tried", "loaded"])
def test_a_refusal_in_any_step_is_told_once_and_nothing_is_loaded(step):
    bench = Bench(A, fails={step: Refusal.WRONG_FEATURES}).keep(A).keep(A)
    begin = State.OFFERED if step == "trusted" else State.FETCHED
    assert bench.moves[-1] == (A.version, begin, State.REFUSED, Cause.FAILED, Refusal.WRONG_FEATURES)
    assert len(bench.moves) == (1 if step == "trusted" else 2)
    assert A.version not in bench.shelf and bench.shelf.refused == {A.version: "wrong-features: as told"}


def test_what_was_not_foreseen_refuses_the_release_with_its_text_and_ends_nothing():
    bench = Bench(A, B, fails={"checked": RecursionError("too deep")}).keep(A)
    assert bench.moves[-1] == (A.version, State.FETCHED, State.REFUSED, Cause.FAILED, Refusal.CRASHED)
    assert bench.shelf.refused == {A.version: "crashed: RecursionError: too deep"}


def test_one_that_is_offered_again_as_signed_by_another_key_is_looked_at_again():
    bench = Bench(A, fails={"trusted": Refusal.UNKNOWN_KEY}).keep(A)
    bench.fails.clear()
    bench.keep(A)
    assert A.version not in bench.shelf
    bench.keep(releasing.release(0.5, 10, (Signature("team", "x"),)))
    assert A.version in bench.shelf and not bench.shelf.refused


def test_files_that_cannot_be_fetched_are_asked_for_again_and_the_release_is_not_refused():
    bench = Bench(A, fails={"fetched": Refusal.NOT_FETCHED}).keep(A)
    assert not bench.moves and not bench.shelf.refused
    bench.fails.clear()

    async def later() -> None:
        now_s = asyncio.get_running_loop().time()
        bench.shelf._again_s = {A.version: now_s + AGAIN_S}
        await bench.shelf.keep([A])
        assert A.version not in bench.shelf
        bench.shelf._again_s = {A.version: now_s - 1}
        await bench.shelf.keep([A])

    asyncio.run(later())
    assert A.version in bench.shelf


def test_only_one_that_is_to_take_the_champions_place_must_be_newer_than_it():
    bench = Bench(A, B)
    champion = releasing.champion(B.version, 1)
    bench.board.take(key_of(champion), encode(champion))
    bench.keep(B, A)
    assert [step for step in bench.done if isinstance(step, tuple)] == [("checked", None), ("checked", 20)]


def test_what_is_not_wanted_any_more_is_let_go():
    bench = Bench(A, B).keep(A, B).keep(B)
    assert list(bench.shelf) == [B.version]


def test_what_the_log_names_unprepared_is_loaded_at_once_without_a_trial():
    bench = Bench(A)
    assert A.version not in bench.shelf
    assert bench.shelf[A.version] is MODELS[A.version]
    assert "tried" not in bench.done and "checked" in str(bench.done)


def test_what_cannot_be_loaded_at_once_says_why():
    with pytest.raises(KeyError, match="no such release is known"):
        Bench().shelf["tiny@000000000000"]
    with pytest.raises(KeyError, match="wrong-hash: as told"):
        Bench(A, fails={"fetched": Refusal.WRONG_HASH}).shelf[A.version]


def test_what_was_refused_is_not_loaded_in_a_step_but_for_its_age():
    bench = Bench(A, B, fails={"tried": Refusal.CRASHED}).keep(A)
    with pytest.raises(KeyError, match="crashed: as told"):
        bench.shelf[A.version]
    assert "loaded" not in bench.done
    old = Bench(A, fails={"checked": Refusal.OLDER_THAN_CHAMPION}).keep(A)
    old.fails.clear()
    assert old.shelf[A.version] is MODELS[A.version]


def test_a_file_that_cannot_be_loaded_at_once_is_missing_and_ends_no_step():
    with pytest.raises(KeyError, match="other bits here"):
        Bench(A, fails={"loaded": ModelError("other bits here")}).shelf[A.version]


@pytest.mark.parametrize("role", [Role.PIN, Role.SHADOW, Role.CHAMPION])
def test_what_has_an_office_may_be_older_than_the_champion(role):
    bench = Bench(A, B)
    champion, held = releasing.champion(B.version, 9), releasing.champion(A.version, 1)
    held = replace(held, role=role, asset_type="pump" if role is Role.PIN else "")
    for one in (held, champion if role is not Role.CHAMPION else replace(champion, before=A.version)):
        bench.board.take(key_of(one), encode(one))
    bench.keep(A)
    assert ("checked", None) in bench.done and A.version in bench.shelf
