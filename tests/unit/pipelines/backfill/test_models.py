"""Which models history is scored by, and when."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.backfill.kept import LaneFolder
from pipelines.backfill.lane import Lane, Span
from pipelines.backfill.results import Results
from pipelines.cli.backfill.asked import BackfillError
from pipelines.cli.backfill.models import Turn, as_of, named_ones, present
from pipelines.partition import Partition
from tests.kit import history, streams, tiny

NOW, THEN = tiny.hazard(), tiny.hazard(signals=("pressure_bar",))
HOUR_US = 3_600_000_000
TURN_US = streams.START_US + 2 * HOUR_US


@pytest.fixture
def folder(tmp_path):
    tiny.write(tmp_path)
    (tmp_path / "before").mkdir()
    tiny.write(tmp_path / "before", "tiny-1", THEN)
    return tmp_path


def said(*forecasts: tuple[str, int]) -> pl.DataFrame:
    """Live forecasts: of which model, and at what time."""
    return pl.DataFrame(list(forecasts), {"model": pl.String, "window_end_us": pl.Int64}, orient="row")


def test_a_model_is_found_by_its_version_anywhere_below_the_folder(folder):
    turn = named_ones(present(tiny.without_health(), folder), [THEN.card.version], folder)
    assert turn.read(tiny.without_health())["tiny"].card == THEN.card


def test_a_beginning_of_the_version_will_do(folder):
    turn = named_ones(present(tiny.without_health(), folder), [f"tiny@{THEN.card.sha256[:4]}"], folder)
    assert turn.files["tiny"] == (folder / "before", "tiny-1")


@pytest.mark.parametrize("wanted", ["tiny@ffff", "tiny", "pump@1"])
def test_a_model_that_is_not_there_is_an_error_that_names_those_that_are(folder, wanted):
    with pytest.raises(BackfillError, match="tiny"):
        named_ones(present(tiny.without_health(), folder), [wanted], folder)


def test_a_model_that_the_folder_lacks_may_be_a_release(folder, tmp_path):
    asked: list[str] = []

    def fetch(version: str):
        asked.append(version)
        return (tmp_path / "released", "model") if version == "tiny@0123456789ab" else None

    turn = named_ones(present(tiny.without_health(), folder), ["tiny@0123456789ab"], folder, fetch)
    assert turn.files["tiny"] == (tmp_path / "released", "model")
    named_ones(present(tiny.without_health(), folder), [THEN.card.version], folder, fetch)
    assert asked == ["tiny@0123456789ab"]


def test_as_of_takes_each_model_from_its_first_live_forecast_on(folder):
    now, then = NOW.card.version, THEN.card.version
    turns = as_of(present(tiny.without_health(), folder), said((now, 300), (then, 200), (then, 100)), folder)
    assert [(turn.from_us, turn.files["tiny"]) for turn in turns] == [
        (100, (folder / "before", "tiny-1")),
        (300, (folder, "tiny")),
    ]


def test_as_of_goes_back_where_live_went_back(folder):
    now, then = NOW.card.version, THEN.card.version
    live = said((then, 100), (now, 200), (now, 200), (then, 200), (then, 300))
    turns = as_of(present(tiny.without_health(), folder), live, folder)
    assert [(turn.from_us, turn.files["tiny"][1]) for turn in turns] == [
        (100, "tiny-1"),
        (200, "tiny"),
        (300, "tiny-1"),
    ]


def test_as_of_without_live_forecasts_is_an_error(folder):
    with pytest.raises(BackfillError, match="--as-of: no live forecast"):
        as_of(present(tiny.without_health(), folder), said(), folder)


def test_a_live_model_that_is_gone_is_an_error(folder):
    with pytest.raises(BackfillError, match="put it there"):
        as_of(present(tiny.without_health(), folder), said(("tiny@0123456789ab", 1)), folder)


def lane(folder, models) -> pl.DataFrame:
    """Forecasts of a lane with these models from a time on."""
    records = streams.stream(1, assets=("pump-01", "pump-02"))
    ends_us = [TURN_US - HOUR_US, TURN_US, TURN_US + 3 * HOUR_US]
    partition = Partition(tiny.without_health(), models[0][1])
    span = Span(from_us=0, to_us=ends_us[-1], assets=frozenset({"pump-01", "pump-02"}))
    Lane(partition, span, LaneFolder(folder / "lane-0"), (), "test", models=models).run(
        history.stretches(records, tiny.without_health(), ends_us)
    )
    return Results(folder).forecasts()


def test_a_lane_turns_to_another_model_at_its_time(tmp_path):
    table = lane(tmp_path, [(0, {"tiny": THEN}), (TURN_US, tiny.models() | {"tiny": NOW})])
    late_us = 5 * 60_000_000  # a minute is scored when it closes, and again within the lateness
    before = table.filter(pl.col("window_end_us") < TURN_US - late_us)["model"].unique().to_list()
    after = table.filter(pl.col("window_end_us") > TURN_US)["model"].unique().to_list()
    assert (before, after) == ([THEN.card.version], [NOW.card.version])


def test_after_the_turn_it_says_what_the_other_model_alone_would_say(tmp_path):
    (tmp_path / "turned").mkdir()
    (tmp_path / "alone").mkdir()
    turned = lane(tmp_path / "turned", [(0, {"tiny": THEN}), (TURN_US, tiny.models() | {"tiny": NOW})])
    alone = lane(tmp_path / "alone", [(0, tiny.models() | {"tiny": NOW})])
    later = pl.col("window_end_us") > TURN_US
    columns = ["asset", "window_end_us", "chance_72h", "operating"]
    assert turned.filter(later).select(columns).equals(alone.filter(later).select(columns))


def test_a_turn_is_read_from_its_files(folder):
    turn = Turn(5, {"tiny": (folder, "tiny")})
    assert turn.read(tiny.without_health())["tiny"].card == NOW.card
