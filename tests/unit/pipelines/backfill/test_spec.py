"""A first model for a type without one: a list, rows made by it from files, and a hazard trained on them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.failure.draft import Draft
from models.failure.hazard import Hazard
from pipelines.backfill.plan import Into, What
from pipelines.backfill.results import PLAN
from pipelines.cli.backfill.asked import Asked, BackfillError, Source, check_spec
from tests.kit import labelled
from tests.kit.backfilling import backfill
from tests.kit.labelled import BEGIN_US, HOUR_US
from tests.unit.pipelines.test_training_command import forewarn

DAYS, MACHINES, LIFE_DAYS = 24, 4, 7
SPAN = ("--from", "2025-01-01", "--to", "2025-01-25", "--source", "csv")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A plant of presses without a model, its rows each 20 min, and its failures."""
    folder = tmp_path_factory.mktemp("place")
    assets = [f"press-{number:02}" for number in range(MACHINES)]
    text = labelled.PLANT_TOML + "".join(f'[assets.{asset}]\ntype = "press"\n' for asset in assets)
    (folder / "plant.toml").write_text(
        text + '[types.fan.signals.rpm]\nkind = "gauge"\n[assets.fan-01]\ntype = "fan"\n'
    )
    random = np.random.default_rng(1)
    times_us = BEGIN_US + np.arange(0, DAYS * 24 * 60, 20) * 60_000_000
    frames, events = [], []
    for number, asset in enumerate(assets):
        ends = [BEGIN_US + round((life * LIFE_DAYS + number) * 24 + 5) * HOUR_US for life in range(1, 4)]
        until_h = np.array([min((end - us for end in ends if end > us), default=1e18) for us in times_us]) / HOUR_US
        heat = random.normal(60, 1, len(times_us)) + 20 * np.clip(1 - until_h / 72, 0, 1)
        volt = random.normal(400, 2, len(times_us))
        frames.append(pl.DataFrame({"asset": asset, "time_us": times_us, "heat": heat.round(2), "volt": volt.round(1)}))
        events += [(asset, end, "failed", "winding") for end in ends if end < times_us[-1]]
        events += [(asset, end + 2 * HOUR_US, "repaired", "") for end in ends if end < times_us[-1]]
    pl.concat(frames).write_csv(folder / "rows.csv")
    pl.DataFrame(events, ["asset", "time", "action", "mode"], orient="row").write_csv(folder / "events.csv")
    return folder


@pytest.fixture(scope="module")
def spec(place) -> Path:
    said = forewarn("new", "--type", "press", "--plant", "plant.toml", "--out", "specs", folder=place)
    assert "forewarn backfill --from" in said
    return place / "specs" / "press.spec.json"


@pytest.fixture(scope="module")
def run(place, spec) -> Path:
    environ = os.environ | {
        "FOREWARN_PLANT": str(place / "plant.toml"), "FOREWARN_MODELS": str(place), "FOREWARN_KAFKA": "127.0.0.1:1",
        "FOREWARN_INFLUX_URL": "http://127.0.0.1:1", "COLUMNS": "200",
    }  # fmt: skip
    given = ("--files", str(place / "rows.csv"), "--events", str(place / "events.csv"), "--spec", str(spec))
    ran = backfill(environ, place / "out", *SPAN, *given, "--what", "features", "--every", "60")
    assert ran.status == 0, ran.said
    (plan,) = ran.out.glob(f"*/{PLAN}")
    return plan.parent


def test_a_list_is_scaffolded_once_and_not_written_over(place, spec):
    assert Draft.read(spec.read_bytes()).spec == labelled.spec()
    again = forewarn("new", "--type", "press", "--plant", "plant.toml", "--out", "specs", folder=place, status=1)
    assert "is there, and may have been edited" in again


def test_rows_are_made_by_a_list_with_labels_and_no_model_anywhere(run, spec):
    table = pl.read_parquet(f"{run}/features/*.parquet")
    assert set(labelled.spec().names) <= set(table.columns)
    assert set(table["asset"]) == {f"press-{number:02}" for number in range(MACHINES)}
    failures = table.filter(pl.col("failed_in_h").is_not_null())
    assert set(failures["mode"]) == {"winding"}
    assert table["heat.mean_1h"].is_nan().mean() < 0.1
    near = failures.filter(pl.col("failed_in_h").is_between(1, 6))["heat.mean_1h"].mean()
    assert near == pytest.approx(79, abs=2)


def test_a_first_model_is_trained_on_them(place, run, spec):
    given = (str(run), "--plant", "plant.toml", "--type", "press", "--spec", str(spec), "--out", "models")
    forewarn("train", *given, "--trees", "40", folder=place)
    hazard = Hazard.load(
        *((place / "models" / f"press.{kind}").read_bytes() for kind in ("onnx", "json", "cases.json"))
    )
    assert hazard.card.failures >= 8
    hot, cool = (np.full((1, len(hazard.spec.names)), value, np.float32) for value in (78, 60))
    assert hazard.chances(hot)[0, 3] > 3 * hazard.chances(cool)[0, 3]


def asked(**changed: object) -> Asked:
    given = {
        "from_us": 0, "to_us": 1, "source": Source.CSV, "what": (What.FEATURES,), "into": (Into.PARQUET,),
        "spec": Path("press.spec.json"),
    }  # fmt: skip
    return Asked(**(given | changed))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"what": (What.FORECASTS,)}, "takes --what features"),
        ({"what": (What.FEATURES, What.ALERTS)}, "forecasts and alerts take a model"),
        ({"models": ("press@1",)}, "leave --model and --as-of out"),
        ({"as_of": True}, "leave --model and --as-of out"),
    ],
    ids=["forecasts", "alerts", "model", "as-of"],
)
def test_a_list_goes_with_features_alone(changed, words):
    check_spec(asked())
    with pytest.raises(BackfillError, match=words):
        check_spec(asked(**changed))


def test_a_list_of_a_type_that_is_not_there_is_refused(place, tmp_path):
    from pipelines.cli.backfill.models import drafted
    from pipelines.plant_file import read_plant

    other = tmp_path / "other.spec.json"
    other.write_bytes(labelled.draft().content.replace(b'"asset_type": "press"', b'"asset_type": "lathe"'))
    with pytest.raises(BackfillError, match="is of type 'lathe', but the plant file has fan, press"):
        drafted(read_plant(place / "plant.toml"), other)
