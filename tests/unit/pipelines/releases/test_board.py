"""What the topic of releases says, whatever stands on it."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from models.records import Tick, encode
from models.release import Signature, decoded
from pipelines.releases.board import Odd, key_of
from tests.kit import releasing
from tests.kit.releasing import board, ready

A, B, C = (releasing.release(slope, made_us) for slope, made_us in ((0.5, 1), (0.8, 2), (0.9, 3)))


def test_a_worker_is_to_have_the_champion_the_one_before_it_and_the_last_that_were_offered():
    others = [releasing.release(slope, 9) for slope in (0.7, 0.71, 0.72)]
    found = board(A, B, C, *others, releasing.champion(B.version, 2, A.version))
    assert [one.version for one in found.wanted(["tiny"])] == [B.version, A.version, *(one.version for one in others)]
    assert found.wanted(["other"]) == []
    assert [one.version for one in board(A, B).wanted(["tiny"])] == [A.version, B.version]


def test_a_release_that_is_offered_again_may_be_signed_by_another_key_and_is_the_newest():
    again = releasing.release(0.5, 1, (Signature("team", "x"),))
    found = board(A, B, again)
    assert list(found.releases) == [B.version, A.version]
    assert found.releases[A.version].signatures == again.signatures


def test_a_champion_that_was_overtaken_changes_nothing():
    found = board(A, B, releasing.champion(B.version, 2), releasing.champion(A.version, 1))
    assert found.appointed["tiny"].version == B.version
    found.take(b"tiny/appointment/tiny", encode(releasing.champion(A.version, 2)))
    assert found.appointed["tiny"].version == B.version


def test_a_version_stays_with_its_files_whatever_else_is_offered_under_it():
    manifest = releasing.manifest(0.5)
    other = replace(A, manifest=Raw(replace(manifest, files=releasing.manifest(0.8).files).encoded()))
    rubbish = replace(A, manifest=Raw(b"{}"))
    found = board(A)
    for one in (other, rubbish):
        with pytest.raises(Odd, match="with other files than it has"):
            found.take(key_of(one), encode(one))
    assert bytes(found.releases[A.version].manifest) == bytes(A.manifest)


def test_a_release_that_is_offered_anew_is_as_young_as_that():
    found = board(A, B, releasing.release(0.5, 99))
    assert decoded(bytes(found.releases[A.version].manifest)).made_us == 99
    assert list(found.releases) == [B.version, A.version]


def test_a_release_that_is_withdrawn_is_gone():
    found = board(A, B)
    found.take(key_of(A), None)
    found.take(b"rubbish", None)
    assert list(found.releases) == [B.version]


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (b"x", b"no json", "no record"), (b"x", b"{}", "no record"), (b"x", b"\xff", "no record"),
        (b"x", b'{"type":"release","x":' + b"[" * 100_000, "no record"),
        (b"x", encode(Tick(plant="tiny", time_us=1)), "a Tick, which is of another topic"),
        (b"x", encode(B), "a Release under the key b'x'"),
        (key_of(B), encode(releasing.champion(B.version, 1)), "an? Appointment under the key"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_topic_is_odd_and_changes_nothing(key, value, why):
    found = board(A)
    with pytest.raises(Odd, match=why):
        found.take(key, value)
    assert list(found.releases) == [A.version] and not found.appointed and not found.ready


def test_what_is_of_another_plant_is_for_others():
    found = board(A)
    found.take(b"other/release/x", encode(replace(B, plant="other")))
    assert list(found.releases) == [A.version]


def test_it_is_known_which_partitions_lack_refuse_or_have_not_met_a_release():
    champion = releasing.champion(A.version, 3)
    found = board(A, ready(0, A.version, tiny=3), ready(2, refused={A.version: "too-slow: 40 ms"}, tiny=2))
    assert found.lacking(A.version, 3) == [1, 2]
    assert found.refused(A.version) == {2: "too-slow: 40 ms"}
    assert found.behind(champion, 3) == [1, 2]
