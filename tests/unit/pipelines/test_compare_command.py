"""`forewarn model compare RUN RUN`: two backfills of one history held against each other in warnings."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace
from rich.console import Console

from models.alerting.verdict import Bars, Reason, verdict
from models.failure.hazard import Hazard
from models.records import Shadow, encode
from models.release import Cause, Role
from pipelines.cli import reliability
from pipelines.cli.backfill.asked import Asked, Source
from pipelines.cli.both_runs import Wanted, scored_by, whom
from pipelines.cli.compared import show
from pipelines.cli.comparing import SHADOWS, Pair, of_runs, pair_of, shadows_of
from pipelines.plant_file import read_plant
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from tests.kit import releasing, tiny
from tests.kit.runs import at, failed, forecasts, plan, repaired, run

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


def test_a_verdict_can_ask_what_a_stricter_champion_would_do_and_what_the_plant_says_of_costs(settings, tmp_path):
    settings.plant.write_text(settings.plant.read_text() + "[budget]\nmissed_to_unfounded = 7\n")
    found = of_runs(settings, runs(tmp_path, history(CHAMPION, (120, 151)), history(CANDIDATE, (100, 151))), None)
    assert found.trial.missed_to_unfounded == 7.0
    assert found.trial.stricter(0.5) == found.whole
    assert [side.worth.warnings for side in found.trial.stricter(0.95).sides] == [0, 1]


def test_it_is_printed_for_people_and_for_machines(settings, tmp_path):
    folders = runs(tmp_path, history(CHAMPION, (120, 151), (200, 210)), history(CANDIDATE, (100, 151)))
    found, console = of_runs(settings, folders, None), Console(file=io.StringIO(), width=160)
    held = verdict(found.trial, Bars())
    show(found, held, console, as_json=False)
    said = console.file.getvalue()
    assert "too-short: 12.5 days beside the champion, at least 28 are asked for; 1 failures are known" in said
    assert "1 of 1" in said and "median +20.0 h" in said and f"only {CHAMPION.card.version} warns of {ASSET}" in said
    show(found, held, console := Console(file=io.StringIO()), as_json=True)
    told = json.loads(console.file.getvalue())
    assert told["both"] == 1 and told["lead_gained_h"] == [20.0]
    assert told["sides"][CANDIDATE.card.version]["warnings"] == 1
    assert told["verdict"]["reason"] == "too-short" and len(told["verdict"]["figures"]) == 8


def test_chances_are_told_in_bins_with_what_came_and_how_many_failures_that_rests_on(settings, tmp_path):
    folders = runs(tmp_path, history(CHAMPION, (120, 151), (200, 210)), history(CANDIDATE, (100, 151)))
    found, console = of_runs(settings, folders, None), Console(file=io.StringIO(), width=160)
    show(found, verdict(found.trial, Bars()), console, as_json=True)
    bins = {
        one["from"]: one for one in json.loads(console.file.getvalue())["sides"][CHAMPION.card.version]["reliability"]
    }
    # Hours 120 to 149 are high before the failure at 150, 200 to 209 are high and quiet.
    high = bins[0.9]
    assert (high["rows"], high["mean_chance"], high["failures"]) == (40, pytest.approx(0.9), 1)
    assert high["came"] == pytest.approx(30 / 40) and high["low"] < 0.75 < high["high"]
    assert bins[0.1]["rows"] == 0 and bins[0.1]["came"] is None
    show(found, verdict(found.trial, Bars()), console := Console(file=io.StringIO(), width=160), as_json=False)
    said = console.file.getvalue()
    assert "75.0%" in said and "minutes of one machine before one failure are not independent" in said


@pytest.mark.parametrize(("ending", "begins"), [("svg", b"<?xml"), ("png", b"\x89PNG")])
def test_both_curves_are_drawn_beside_the_diagonal(settings, tmp_path, ending, begins):
    found = of_runs(settings, runs(tmp_path, history(CHAMPION, (120, 151)), history(CANDIDATE, (100, 151))), None)
    file = tmp_path / f"chart.{ending}"
    reliability.check_file(file)
    reliability.draw(found, file)
    drawn = file.read_bytes()
    assert drawn.startswith(begins)
    texts = (CHAMPION.card.version, CANDIDATE.card.version, "as often as said")
    assert ending == "png" or all(text.encode() in drawn for text in texts)


def test_a_picture_of_another_kind_is_refused_before_anything_is_compared(tmp_path):
    with pytest.raises(ReleaseError, match=r"name a file that ends in \.svg or \.png"):
        reliability.check_file(tmp_path / "chart.pdf")


def test_a_verdict_is_given_of_the_longest_machine_and_of_what_each_takes(settings, tmp_path):
    folders = runs(tmp_path, history(CHAMPION, (200, 210)), history(CANDIDATE, (100, 151)))
    found = of_runs(settings, folders, None)
    assert found.trial.days == pytest.approx(299 / 24)
    bars = Bars(least_days=12, least_failures=1, lost_lead_h=1, lost_brier=1)
    assert verdict(found.trial, bars).reason is Reason.BETTER
    assert verdict(found.trial._replace(us_a_row=(1.0, 1e9)), bars).reason is Reason.TOO_SLOW


def said_live(*told: tuple[str, str]) -> pl.DataFrame:
    """Shadows: whose, and beside whom."""
    return pl.DataFrame([(ASSET, at, 0, *one, 0.1) for at, one in enumerate(told)], SHADOWS, orient="row")


def appointed(version: str, role: Role, number: int = 1, asset_type: str = ""):
    one = releasing.champion(version, number)
    return replace(one, role=role, asset_type=asset_type, cause=Cause.SHADOWS if role is Role.SHADOW else one.cause)


def test_compared_are_the_champion_and_the_shadow_of_now_whatever_ran_before():
    told = said_live(("tiny@new", "tiny@old"), ("tiny@older", "tiny@oldest"))
    board = releasing.board(appointed("tiny@now", Role.CHAMPION), appointed("tiny@new", Role.SHADOW))
    assert pair_of(told, board) == Pair("tiny@now", "tiny@new")


def test_once_a_candidate_was_promoted_it_is_still_compared_with_what_it_ran_beside():
    board = releasing.board(appointed("tiny@new", Role.CHAMPION), appointed("", Role.SHADOW, 2))
    assert pair_of(said_live(("tiny@new", "tiny@old")), board) == Pair("tiny@old", "tiny@new")


def test_beside_a_file_it_is_what_the_shadow_ran_beside_last_but_for_types_that_stay_with_a_release():
    told = said_live(("tiny@new", "tiny@file"), ("tiny@new", "tiny@pinned"))
    board = releasing.board(appointed("tiny@new", Role.SHADOW), appointed("tiny@pinned", Role.PIN, asset_type="pump"))
    assert pair_of(told, board) == Pair("tiny@file", "tiny@new")
    assert pair_of(told, releasing.board()) == Pair("tiny@pinned", "tiny@new")


def test_versions_that_are_given_are_taken_and_must_be_two_of_one_name(settings):
    plant = read_plant(settings.plant, settings.site)
    assert whom(settings, plant, Wanted("", "tiny@a", "tiny@b")) == Pair("tiny@a", "tiny@b")
    for champion, candidate in (("tiny@a", "tiny@a"), ("tiny@a", "pump@b")):
        with pytest.raises(ReleaseError, match="two versions of one name"):
            whom(settings, plant, Wanted("", champion, candidate))


def test_history_of_machines_without_the_model_is_not_scored(settings):
    plant, asked = read_plant(settings.plant, settings.site), a_backfill(("*",))
    assert "fan-01" not in scored_by(plant, asked, "tiny") and ASSET in scored_by(plant, asked, "tiny")
    with pytest.raises(ReleaseError, match="is of a type with the model 'tiny'"):
        scored_by(plant, a_backfill(("fan-01",)), "tiny")


def a_backfill(assets: tuple[str, ...]) -> Asked:
    return Asked(from_us=0, to_us=1, source=Source.CSV, what=(), into=(), assets=assets)


def test_runs_that_share_no_minute_or_mix_models_are_not_compared(settings, tmp_path):
    apart = runs(tmp_path / "apart", [forecasts(ASSET, [1.0], model="x@1")], [forecasts(ASSET, [2.0], model="y@1")])
    with pytest.raises(ReleaseError, match="nothing of the same minutes"):
        of_runs(settings, apart, None)
    mixed = runs(tmp_path / "mixed", [*history(CHAMPION), forecasts(ASSET, [301], model="x@1")], history(CANDIDATE))
    with pytest.raises(ReleaseError, match="each run is to be of one model"):
        of_runs(settings, mixed, None)


def test_what_a_release_said_beside_itself_while_it_was_promoted_is_not_compared():
    said = [
        Shadow(
            plant="tiny",
            id="x",
            asset=ASSET,
            window_end_us=at,
            revision=0,
            model="tiny@new",
            beside=beside,
            chances=(0.5,) * 6,
        )
        for at, beside in enumerate(("tiny@old", "tiny@new"), 1)
    ]
    rows = list(shadows_of([b"rubbish", None, *map(encode, said)], tiny.plant(), "tiny"))
    assert [row[4] for row in rows] == ["tiny@old"]


def test_days_in_which_one_of_them_was_silent_are_no_time_beside_each_other(settings, tmp_path):
    candidate = [
        table.filter(~pl.col("window_end_us").is_in([at(hour) for hour in range(10, 290)]))
        for table in history(CANDIDATE)
    ]
    found = of_runs(settings, runs(tmp_path, history(CHAMPION), candidate), None)
    assert found.trial.days == pytest.approx((9 + 9 + 24) / 24)
