"""`forewarn model compare RUN RUN`: two backfills of one history held against each other in warnings."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from models.failure.hazard import Hazard
from pipelines.cli.comparing import of_runs, show
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from tests.kit import tiny
from tests.kit.runs import failed, forecasts, plan, repaired, run

CHAMPION, CANDIDATE = tiny.hazard(), tiny.hazard(slope=0.5)
ASSET = "pump-01"


@pytest.fixture
def settings(tmp_path) -> Settings:
    folder = tmp_path / "models"
    folder.mkdir()
    tiny.write(folder)
    keep(folder, CANDIDATE, 0.5)
    (tmp_path / "plant.toml").write_text(tiny.PLANT_TOML)
    return Settings(models=folder, plant=tmp_path / "plant.toml", cache=tmp_path / "cache")


def keep(folder, made: Hazard, slope: float) -> None:
    import msgspec

    (folder / "other.onnx").write_bytes(tiny.graph(len(made.spec.names), 0, slope))
    (folder / "other.json").write_bytes(msgspec.json.encode(made.card))


def history(made: Hazard, *high: tuple[int, int]) -> list[pl.DataFrame]:
    """Hourly forecasts of 300 h that are high in some spans."""
    inside = np.zeros(300, bool)
    for begin, end in high:
        inside[begin:end] = True
    version = made.card.version
    return [
        forecasts(ASSET, np.flatnonzero(inside).tolist(), chance=0.9, model=version),
        forecasts(ASSET, np.flatnonzero(~inside).tolist(), chance=0.05, model=version),
    ]


def runs(tmp_path, first: list[pl.DataFrame], second: list[pl.DataFrame]):
    of = plan(assets=(ASSET,))
    records = [failed(ASSET, 150), repaired(ASSET, 152)]
    made = [
        run(tmp_path / name, of=of, records=records, tables=tables) for name, tables in (("a", first), ("b", second))
    ]
    return made[0].folder, made[1].folder


def test_it_says_what_would_change_in_warnings_and_leads(settings, tmp_path):
    folders = runs(tmp_path, history(CHAMPION, (120, 151), (200, 210)), history(CANDIDATE, (100, 151)))
    found = of_runs(settings, folders, None)
    champion, candidate = found.whole.sides
    assert (found.champion, found.candidate) == (CHAMPION.card.version, CANDIDATE.card.version)
    assert [side.worth.warnings for side in (champion, candidate)] == [2, 1]
    assert found.whole.both == 1 and len(champion.alone_us) == 1 and not candidate.alone_us
    assert found.whole.gained_h == (20.0,)
    assert all(us > 0 for us in found.took_us)


def test_it_is_printed_for_people_and_for_machines(settings, tmp_path):
    folders = runs(tmp_path, history(CHAMPION, (120, 151), (200, 210)), history(CANDIDATE, (100, 151)))
    found, console = of_runs(settings, folders, None), Console(file=io.StringIO(), width=160)
    show(found, console, as_json=False)
    said = console.file.getvalue()
    assert "1 of 1" in said and "median +20.0 h" in said and f"only {CHAMPION.card.version} warns of {ASSET}" in said
    show(found, console := Console(file=io.StringIO()), as_json=True)
    told = json.loads(console.file.getvalue())
    assert told["both"] == 1 and told["lead_gained_h"] == [20.0]
    assert told["sides"][CANDIDATE.card.version]["warnings"] == 1


def test_runs_that_share_no_minute_or_mix_models_are_not_compared(settings, tmp_path):
    apart = runs(tmp_path / "apart", [forecasts(ASSET, [1.0], model="x@1")], [forecasts(ASSET, [2.0], model="y@1")])
    with pytest.raises(ReleaseError, match="nothing of the same minutes"):
        of_runs(settings, apart, None)
    mixed = runs(tmp_path / "mixed", [*history(CHAMPION), forecasts(ASSET, [301], model="x@1")], history(CANDIDATE))
    with pytest.raises(ReleaseError, match="each run is to be of one model"):
        of_runs(settings, mixed, None)
