"""`forewarn model judge` on a running installation: it promotes where the setting allows it, and the audit says why."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from models.alerting.verdict import Bars
from models.records import Maintenance, MaintenanceAction, Tick
from models.release import Role
from pipelines.cli import promoting
from pipelines.cli.board import board_of
from pipelines.cli.released import laid_or_none
from pipelines.main import read_model
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from tests.kit import releasing, tiny
from tests.kit.installation import Installation
from tests.kit.streams import MINUTE_US, START_US
from tests.servers.test_releases import Signing, models, moves, publish, rows

pytestmark = pytest.mark.servers


def failures(minute: int) -> list[Maintenance]:
    """Both pumps fail."""
    return [
        Maintenance(plant="tiny", asset=f"pump-0{pump}", time_us=START_US + minute * MINUTE_US,
                    action=MaintenanceAction.FAILED, mode="bearing-wear")
        for pump in (1, 2)
    ]  # fmt: skip


def judged(settings: Settings) -> dict[str, str]:
    """What `forewarn model judge --json` prints, where an hour and two failures are enough."""
    console = Console(file=io.StringIO())
    wanted = promoting.Wanted("", None, Bars(least_days=0.01, least_failures=2))
    promoting.judge(settings, wanted, console, Console(quiet=True), as_json=True)
    return json.loads(console.file.getvalue())


def test_a_better_candidate_is_promoted_by_itself_where_its_name_is_allowed_and_the_audit_says_why(servers, tmp_path):
    signing = Signing(tmp_path)
    steep = releasing.manifest(3.0).version  # surer than the champion, of failures that come
    places = {"registry": str(tmp_path / "registry"), "cache": str(tmp_path / "cache")}
    with Installation(tmp_path, release_keys=signing.public, **places) as installation:
        settings = installation.settings
        allowing = settings.model_copy(update={"auto_promote": "tiny"})
        installation.worker_at_work()
        with pytest.raises(ReleaseError, match="no release runs beside a champion"):
            judged(allowing)
        publish(installation, signing, [3.0])
        told = Console(file=io.StringIO(), width=200)
        promoting.judge(allowing, promoting.Wanted("tiny", None, Bars()), Console(quiet=True), told)
        assert "'tiny' is not judged: no release of 'tiny' said anything beside a champion yet" in told.file.getvalue()
        installation.send([*rows(0, 60), *failures(61), Tick(plant="tiny", time_us=START_US + 90 * MINUTE_US)])
        installation.finish()
        told = judged(settings)
        assert (told["candidate"], told["reason"], told["step"]) == (steep, "better", "not-allowed"), told
        assert board_of(settings).version_of("tiny", Role.CHAMPION) == ""
        place = laid_or_none(settings, steep)  # for a backfill by it
        assert place is not None and read_model(*place).card.version == steep
        assert laid_or_none(settings, "tiny@0") is None
        assert judged(allowing)["step"] == "promotes"
        board = board_of(settings)
        assert (board.version_of("tiny", Role.CHAMPION), board.version_of("tiny", Role.SHADOW)) == (steep, "")
        (move,) = [one for one in moves(installation) if one.by == promoting.BY]
        assert (move.version, str(move.begin), str(move.to)) == (steep, "shadow", "champion")
        assert "better: " in move.why and "2 failures are known" in move.why and "Brier" in move.why
        installation.send(rows(100, 105))
        installation.finish()
        assert models(installation) == {tiny.hazard().card.version, steep}
