"""Learning on by the commands, on a running plant: drift told on its topic, a refit offered, its history read back."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from connectors.releases import keys
from models.alerting.verdict import Bars
from models.records import Drift, ModelUpdate, UpdateStep
from models.release import Role
from onnx_export.history import DAY_US
from pipelines.cli.board import board_of
from pipelines.cli.learning import rounds, telling
from pipelines.cli.learning.live import Wanted, told_of
from pipelines.cli.releasing import Signer
from pipelines.settings import Settings
from tests.kit.drifting import SEEDS
from tests.kit.following import NAMES, plant_toml, rows_table, simulated
from tests.kit.installation import Installation

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600)]

DAYS, DAYS_AFTER = 30, 30


def wanted(folder: Path, signer: Signer, learned_until_us: int) -> Wanted:
    return Wanted(
        name="pump", data=str(folder / "rows"), labels=None, every_min=110, signer=signer, bars=Bars(),
        learned_until_us=learned_until_us, reference_days=DAYS, recent_days=14, memory_mib=512,
        simulated="simulated pumps", out=folder / "made",
    )  # fmt: skip


def test_a_round_offers_a_refit_that_runs_beside_the_champion_and_the_history_tells_it(servers, tmp_path: Path):
    history, middle_us = simulated(SEEDS[1], True, DAYS, DAYS_AFTER)
    (tmp_path / "rows").mkdir()
    rows_table(history, NAMES).write_parquet(tmp_path / "rows" / "rows.parquet")
    pem, public = keys.new_key("team")
    (tmp_path / "team.pem").write_bytes(pem)
    asked = wanted(tmp_path, Signer(f"team:{tmp_path / 'team.pem'}"), middle_us)
    places = {"release_keys": public, "registry": str(tmp_path / "registry"), "cache": str(tmp_path / "cache")}
    with Installation(tmp_path, plant=plant_toml(), **places) as installation:
        installation.worker_at_work()
        settings = installation.settings
        console = Console(file=io.StringIO(), width=200)
        rounds.once(settings, asked, rounds.May(False, False), console, console)
        rounds.once(settings, asked, rounds.May(True, False, middle_us + DAY_US // 2), console, console)
        told = told_of(settings, "pump")
        offered = [one for one in told if isinstance(one, ModelUpdate)]
        assert any(isinstance(one, Drift) for one in told)
        assert offered[0].step in (UpdateStep.WOULD_UPDATE, UpdateStep.NOT_TO_BE_LEARNED)
        assert offered[1].step is UpdateStep.OFFERED, console.file.getvalue()
        assert board_of(settings).version_of("pump", Role.SHADOW) == offered[1].candidate
        rounds.once(settings, asked, rounds.May(True, True), console, console)
        assert told_of(settings, "pump")[-1].step is UpdateStep.WAITS
        check_told(settings, tmp_path / "history.svg")


def check_told(settings: Settings, chart: Path) -> None:
    told, said = told_of(settings), Console(file=io.StringIO(), width=400)
    telling.show_history(told, said, as_json=True)
    assert [one["step"] for one in json.loads(said.file.getvalue()) if "step" in one][1:] == ["offered", "waits"]
    telling.show_history(told, said, as_json=False)
    assert "leaves refitted on" in said.file.getvalue()
    telling.draw_history(told, chart)
    assert chart.read_text().count("<svg")
