"""Rounds of learning on before they meet a server: rows asked for, signatures, errors for people, cards of refits."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from msgspec.structs import replace
from rich.console import Console

from models.alerting.verdict import Bars
from models.failure.hazard import Hazard
from models.features import Spec
from models.passed import Refit
from models.records import Drift, DriftCause, DriftKind, encode
from models.release import Cause
from onnx_export import drift
from onnx_export.card import card_json
from onnx_export.history import DAY_US, History
from onnx_export.reasons import ParityError
from onnx_export.refit_gate import NotRefitted, Reason
from pipelines.cli import judging, of_learning, training
from pipelines.cli.backfill.asked import BackfillError
from pipelines.cli.learning import live, rounds, student
from pipelines.cli.learning.round import Made, NotMade
from pipelines.cli.learning.student import Material, Spans, Student
from pipelines.cli.releasing import Signer
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from tests.kit.drifting import SEEDS
from tests.kit.following import NAMES, plant_toml, rows_table, shipped, simulated

NOW_US = 20_000 * DAY_US + DAY_US // 3
UNSIGNED = Signer()
SILENT = Console(file=io.StringIO())
REFIT = Refit(
    parent="pump@old", rows=100, machines=5, events=12, until_us=NOW_US, old_rows=90, old_events=11, step=0.5,
    temperature=1.0, offset=0.0, average_precision_old=(0.5, 0.51), average_precision_new=(0.3, 0.6),
    log_loss_old=(0.1, 0.1), log_loss_new=(0.3, 0.2),
)  # fmt: skip


def wanted(out: Path, signer: Signer = UNSIGNED) -> live.Wanted:
    return live.Wanted(
        name="pump", data="", labels=None, every_min=60, signer=signer, bars=Bars(), learned_until_us=None,
        reference_days=60, recent_days=14, memory_mib=512, simulated=None, out=out,
    )  # fmt: skip


def of_files(out: Path, refit: Refit | None = None) -> live.Live:
    """A round of a model that is no release, without the servers that one begins at."""
    files = shipped()
    found = object.__new__(live.Live)
    found._settings, found._wanted = Settings(plant=out / "plant.toml"), wanted(out)
    found._console, found._errors, found._cases = None, None, b""
    found._place, found._made_us, found._files = SimpleNamespace(folder=out, stem="pump"), None, None
    card = files.card if refit is None else replace(files.card, refit=refit)
    found.student = SimpleNamespace(card=card)
    return found


@pytest.fixture
def spans_asked(monkeypatch) -> list[training.Span]:
    """What a backfill was asked for; it makes nothing."""
    out: list[training.Span] = []

    def of_influx(settings, wanted, span, console, errors):
        out.append(span)
        return wanted._replace(data=str(wanted.runs / "rows"))

    monkeypatch.setattr(training, "of_influx", of_influx)
    monkeypatch.setattr(live, "now_us", lambda: NOW_US)
    return out


def test_of_a_model_that_is_no_release_rows_reach_back_by_the_reference_and_the_recent_time(tmp_path, spans_asked):
    of = of_files(tmp_path)
    assert of._data
    first_us, end_us = NOW_US // DAY_US * DAY_US - 74 * DAY_US, NOW_US // DAY_US * DAY_US
    assert spans_asked[0].begin == live.day_of(first_us)
    of.rows = SimpleNamespace(history=SimpleNamespace(window_end_us=np.array([first_us, end_us])))
    assert end_us - of.spans.learned_until_us == 14 * DAY_US


def test_of_a_refit_rows_reach_back_from_the_end_of_what_it_learned(tmp_path, spans_asked):
    assert of_files(tmp_path, replace(REFIT, until_us=NOW_US - 100 * DAY_US))._data
    assert spans_asked[0].begin == live.day_of(NOW_US - 160 * DAY_US)


def test_rows_of_the_round_before_are_gone_and_those_of_other_models_stay(tmp_path, spans_asked):
    for name in ("pump", "fan"):
        (tmp_path / "runs" / name / "rows" / "begun").mkdir(parents=True)
    assert of_files(tmp_path)._data
    assert not (tmp_path / "runs" / "pump" / "rows").exists()
    assert (tmp_path / "runs" / "fan" / "rows" / "begun").exists()


def test_training_that_does_not_pass_the_export_gate_makes_no_model(tmp_path, spans_asked, monkeypatch):
    def train(*_):
        raise ParityError("differs")

    monkeypatch.setattr(training, "train", train)
    with pytest.raises(NotMade, match="differs"):
        of_files(tmp_path).train()


@pytest.mark.parametrize("grows", [False, True])
def test_leaves_or_trees_are_asked_for_as_a_round_says(tmp_path, grows):
    of, given = of_files(tmp_path), []

    def learn(rows, spans, since_us, asked):
        given.append(asked.grows)
        return Made("pump@new", {}, "", 12), SimpleNamespace(onnx=b"", card=shipped().card)

    of.student = SimpleNamespace(card=shipped().card, learn=learn)
    of.rows = SimpleNamespace(history=SimpleNamespace(window_end_us=np.array([NOW_US])))
    assert of.learn(NOW_US, grows).version == "pump@new"
    assert given == [grows]


def of_rows(folder: Path, days: int) -> live.Live:
    """A round of rows of simulated pumps over some days."""
    history, _ = simulated(SEEDS[0], False, days, 1)
    (folder / "rows").mkdir()
    rows_table(history, NAMES).write_parquet(folder / "rows" / "rows.parquet")
    (folder / "plant.toml").write_text(plant_toml())
    (folder / "pump.json").write_bytes(card_json(shipped().card))
    of = of_files(folder)
    more = {"data": str(folder / "rows"), "simulated": "simulated pumps", "out": folder / "made"}
    of._wanted, of._console, of._errors = of._wanted._replace(**more), SILENT, SILENT
    return of


@pytest.mark.timeout(300)
def test_a_model_is_trained_anew_of_the_rows_there_are_and_kept_to_be_offered(tmp_path):
    of = of_rows(tmp_path, 30)
    found = of.train()
    card, onnx, cases = (of._files.with_suffix(f".{end}").read_bytes() for end in ("json", "onnx", "cases.json"))
    made = Hazard.load(onnx, card, cases)
    assert found.version == made.card.version != shipped().card.version
    assert found.events == made.card.scores["failures"] > 10
    assert found.said.startswith("trained anew: ") and "simulated pumps" in found.said
    assert made.card.features_sha256 == shipped().card.features_sha256


def test_where_there_are_too_few_failures_to_train_of_nothing_is_made(tmp_path):
    with pytest.raises(NotMade) as refused:
        of_rows(tmp_path, 1).train()
    assert refused.value.reason == "too-few-failures"


@pytest.mark.parametrize(
    ("signer", "keys", "match"), [(Signer("team:/nowhere"), "", "--key"), (UNSIGNED, "team:a", "nothing signs")]
)
def test_what_nobody_would_take_is_told_before_the_work(tmp_path, signer, keys, match):
    settings = Settings(plant=tmp_path / "none.toml", release_keys=keys)
    (tmp_path / "none.toml").write_text(plant_toml())
    with pytest.raises(ReleaseError, match=match):
        rounds.once(settings, wanted(tmp_path, signer), rounds.May(True, False), None, None)
    rounds.check_signer(settings.model_copy(update={"unsigned_releases": True}), UNSIGNED)


def test_drift_is_told_of_the_plant_alone_and_a_topic_that_is_missing_in_words(tmp_path, monkeypatch):
    (tmp_path / "plant.toml").write_text(plant_toml())
    settings = Settings(plant=tmp_path / "plant.toml")
    own = Drift(
        plant="demo", name="pump", asset_type="pump", version="pump@old", kind=DriftKind.INPUT,
        cause=DriftCause.AMBIENT, what="x", since_us=1, value=2.0, bar=1.0, time_us=2, detail="",
    )  # fmt: skip
    own = replace(own, plant=live.read_plant(settings.plant, settings.site).plant)
    both = [SimpleNamespace(value=encode(one)) for one in (own, replace(own, plant="elsewhere"))]
    monkeypatch.setattr(live, "read", lambda *_: iter(both))
    assert live.told_of(settings) == [own]

    def missing(*_):
        raise LookupError("Kafka has no topic model.drift")
        yield

    monkeypatch.setattr(live, "read", missing)
    with pytest.raises(ReleaseError, match=r"no topic model\.drift"):
        live.told_of(settings)


def test_what_is_learned_as_new_is_not_held_to_as_old(monkeypatch):
    count, files, given = 10, shipped(), {}
    day = np.arange(count, dtype=np.int64) * DAY_US
    width = len(Spec.of_card(files.card).names)
    none = np.full(count, np.inf)
    history = History(
        features=np.full((count, width), np.nan, np.float32), asset=np.zeros(count, np.int64), window_end_us=day,
        since_us=np.zeros(count, np.int64), hours=none, mode=np.zeros(count, np.int64), known_h=none, failures=(),
        end_us=int(day[-1]), modes=(), every_min=1440,
    )  # fmt: skip

    def refit(onnx, card, new, old, asked, **_):
        given.update(new=new.window_end_us, old=old.window_end_us)
        raise NotRefitted(Reason.TOO_FEW_EVENTS, "few")

    monkeypatch.setattr(student, "refit", refit)
    of = Material(history=history, weights=np.ones(count), names=("p",), context=drift.Context(assets=("p",)))
    with pytest.raises(NotMade):
        Student(files.onnx, files.card, "p", files.cases).learn(of, Spans(8 * DAY_US), 4 * DAY_US, None)
    assert not set(given["new"]) & set(given["old"]) and len(given["old"]) and len(given["new"])


@pytest.mark.parametrize("option", ["--since", "--learned-until"])
def test_a_time_that_is_none_is_told_by_its_option(option):
    with pytest.raises(BackfillError, match=f"{option} soon is no time"):
        of_learning._time(option, "soon")


def test_a_card_tells_what_leaves_were_refitted_from():
    told = {title: dict(lines) for title, lines in judging.sections(replace(shipped().card, refit=REFIT), 1)}
    found = told["What it was refitted from"]
    assert found["parent"] == "pump@old" and "with 12 failures" in found["new rows"]
    assert found["average precision, new"] == "0.3000 to 0.6000"
    assert "refit" not in told["More"]
    assert "What it was refitted from" not in dict(judging.sections(shipped().card, 1))


@pytest.mark.parametrize("cause", [Cause.ROLLED_BACK, Cause.PROMOTED])
def test_what_a_person_took_back_is_not_promoted_again(tmp_path, cause):
    of, done = of_files(tmp_path), []
    champion = SimpleNamespace(version=of.student.card.version, cause=cause, before="pump@new")
    board = SimpleNamespace(appointed={"pump": champion}, version_of=lambda *_: "pump@new")
    of._offices = SimpleNamespace(board=lambda: board, promote=lambda *found: done.append(found) or [])
    with pytest.raises(ReleaseError, match="rolled back") if cause is Cause.ROLLED_BACK else nullcontext():
        of.promote("pump@new", "better")
    assert bool(done) is (cause is Cause.PROMOTED)


class Stop(Exception):
    pass


def test_what_people_found_of_warnings_goes_into_the_file_of_labels_before_a_round(tmp_path, monkeypatch):
    def taken(_settings, file, _console, *, as_json):
        raise Stop(file, as_json)

    monkeypatch.setattr(rounds, "take_warnings", taken)
    asked = wanted(tmp_path)._replace(labels=tmp_path / "labels.jsonl")
    with pytest.raises(Stop) as stopped:
        rounds.once(Settings(), asked, rounds.May(False, False), None, None)
    assert stopped.value.args == (tmp_path / "labels.jsonl", False)
