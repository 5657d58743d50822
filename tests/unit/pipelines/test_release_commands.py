"""Keys of releases, and what the command line says where a release cannot be moved as asked; no server is needed."""

from __future__ import annotations

import io
import stat

import pytest
from msgspec.structs import replace
from rich.console import Console

from connectors.releases import keys
from models.release import Cause, Role, State
from pipelines.cli.board import in_folder
from pipelines.cli.releasing import make_key
from pipelines.releases.moves import ReleaseError, moves_of
from pipelines.releases.readiness import check_ready
from pipelines.settings import Settings
from tests.kit import releasing, tiny
from tests.kit.releasing import board, ready

A, B = releasing.release(0.5, 1), releasing.release(0.8, 2)


def test_a_key_is_readable_by_its_owner_alone_and_is_not_written_over(tmp_path):
    console, file = Console(file=io.StringIO(), width=200), tmp_path / "team.pem"
    make_key("team", file, console)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    public = console.file.getvalue().partition("FOREWARN_RELEASE_KEYS=")[2].strip()
    assert public == keys.public_text(keys.load_private(file.read_bytes()), "team")
    with pytest.raises(ReleaseError, match="is there already"):
        make_key("team", file, console)


def test_what_is_refused_or_not_loaded_is_not_promoted_and_says_by_whom_and_why():
    refused = board(A, ready(0, refused={A.version: "too-slow: 40 ms"}), ready(1, A.version))
    with pytest.raises(ReleaseError, match="is refused by the workers of partitions 0: too-slow: 40 ms"):
        check_ready(refused, A.version, 2)
    with pytest.raises(ReleaseError, match="is not loaded by the workers of partitions 0, 2"):
        check_ready(board(A, ready(1, A.version)), A.version, 3)
    check_ready(board(A, ready(0, A.version)), A.version, 1)


def test_the_folder_s_version_of_a_name_is_known_where_there_is_a_card(tmp_path):
    settings = Settings(models=tmp_path)
    assert in_folder(settings, "tiny") == ""
    tiny.write(tmp_path)
    assert in_folder(settings, "tiny") == tiny.hazard().card.version


def test_each_appointment_moves_the_release_that_comes_and_the_one_that_goes():
    promoted = releasing.champion(B.version, 2, A.version)
    moves = [
        (one.version, one.begin, one.cause, one.to)
        for one in moves_of(promoted, board(A, B, releasing.champion(A.version, 1)))
    ]
    assert moves == [
        (B.version, State.CHECKED, Cause.PROMOTED, State.CHAMPION),
        (A.version, State.CHAMPION, Cause.REPLACED, State.RETIRED),
    ]


def test_a_board_tells_where_a_release_stands():
    found = board(A, B, releasing.champion(A.version, 1), releasing.champion(B.version, 2, A.version))
    assert (found.state_of(A.version), found.state_of(B.version)) == (State.RETIRED, State.CHAMPION)
    assert found.state_of("tiny@0") is State.CHECKED
    assert (found.version_of("tiny", Role.CHAMPION), found.version_of("tiny", Role.SHADOW)) == (B.version, "")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("cause", [Cause.PROMOTED, Cause.ROLLED_BACK])
def test_whatever_a_release_is_it_can_be_promoted_and_rolled_back_to(role, cause):
    held = releasing.champion(B.version, 1)
    held = replace(held, role=role, asset_type="pump" if role is Role.PIN else "")
    now = board(A, B, releasing.champion(A.version, 1, B.version), *([] if role is Role.CHAMPION else [held]))
    one = replace(releasing.champion(B.version, 2, A.version), cause=cause)
    moves = list(moves_of(one, now))
    assert moves[-1].version == A.version and moves[-1].to is State.RETIRED
    assert len(moves) == (1 if role is Role.PIN else 2)
