"""`forewarn labels` as its users meet it: import of the examples, stops in signals, review by ids and one by one."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace
from rich.console import Console
from typer.testing import CliRunner

from connectors.cmms.labels import read_labels, write_labels
from connectors.files.table import MapError
from models.failure.labels import Begin, Outcome, Reason, State
from models.failure.merging import merged
from pipelines.cli import app
from pipelines.cli.labels import LabelsError
from pipelines.cli.labels.review import Decided, decide, review_one_by_one
from tests.kit.documents import at, document, label, repair
from tests.kit.runs import forecasts, minutes, plan, run

EXAMPLES = Path(__file__).parents[3] / "infra/examples/labels"
IDS = ("--equipment", str(EXAMPLES / "equipment.csv"))
PLANT = """
plant = "p"
[types.pump.signals.temp_degc]
kind = "gauge"
[assets.a]
type = "pump"
[assets.pump-01]
type = "pump"
[assets.pump-02]
type = "pump"
[assets.pump-03]
type = "pump"
"""


@pytest.fixture(autouse=True)
def _plant(tmp_path, monkeypatch) -> None:
    (tmp_path / "plant.toml").write_text(PLANT)
    monkeypatch.setenv("FOREWARN_PLANT", str(tmp_path / "plant.toml"))
    monkeypatch.setenv("COLUMNS", "250")


def forewarn(*arguments: object):
    return CliRunner().invoke(app, ["labels", *map(str, arguments)])


def imported(tmp_path, *arguments: object):
    """What an import printed, and the labels there are then."""
    made = forewarn("import", *arguments, "--labels", tmp_path / "labels.jsonl")
    return made, read_labels(tmp_path / "labels.jsonl")


# Import


def test_notifications_and_their_orders_become_labels(tmp_path):
    lists = (EXAMPLES / "sap-notifications.csv", EXAMPLES / "sap-orders.csv")
    made, labels = imported(tmp_path, *lists, "--system", "sap-pm", "--map", EXAMPLES / "sap-map.toml", *IDS)
    assert made.exit_code == 0
    assert {one.document: one.outcome.value for one in labels} == {
        "10004711": "failed", "10004720": "as-found-damage", "10004722": "repaired-in-time",
        "10004725": "nothing-found", "10004730": "repaired-in-time", "4000120": "planned", "4000122": "planned",
    }  # fmt: skip
    assert "7 new, 0 changed, 0 as they were" in made.output
    assert "nobody knows when the onset of 1 breakdowns began: give --signals" in made.output


def test_an_import_again_changes_nothing(tmp_path):
    arguments = (EXAMPLES / "plain.csv", "--system", "csv")
    imported(tmp_path, *arguments)
    before = (tmp_path / "labels.jsonl").read_bytes()
    again, _ = imported(tmp_path, *arguments, "--json")
    assert (tmp_path / "labels.jsonl").read_bytes() == before
    assert {name: json.loads(again.output)[name] for name in ("new", "changed", "same")} == {
        "new": 0, "changed": 0, "same": 5,
    }  # fmt: skip


def test_what_cannot_be_used_is_told_and_the_status_is_1(tmp_path):
    made, labels = imported(tmp_path, EXAMPLES / "maximo.csv", "--system", "maximo")
    assert (made.exit_code, labels) == (1, ())
    assert "maximo.csv, line 2: 'P-101' is no asset of the plant" in made.output


def test_machines_hear_all_of_it(tmp_path):
    made, _ = imported(tmp_path, EXAMPLES / "maximo.csv", "--system", "maximo", "--json")
    told = json.loads(made.output)
    assert (told["rows"], told["used"], told["void"], len(told["trouble"])) == (4, 0, 1, 3)
    assert told["trouble"][0]["reason"] == "unknown-asset"


def test_times_are_of_the_zone_that_is_named(tmp_path):
    arguments = (EXAMPLES / "plain.csv", "--system", "csv")
    _, utc = imported(tmp_path / "1", *arguments)
    _, local = imported(tmp_path / "2", *arguments, "--zone", "Europe/Brussels")
    assert {one.reported_us - other.reported_us for one, other in zip(utc, local, strict=True)} == {3_600_000_000}


def test_a_zone_that_there_is_not_is_refused(tmp_path):
    made = forewarn("import", EXAMPLES / "plain.csv", "--system", "csv", "--zone", "Mars")
    assert made.exit_code == 2 and "IANA" in made.output


def test_a_system_that_there_is_not_is_named_with_those_there_are(tmp_path):
    made = forewarn("import", EXAMPLES / "plain.csv", "--system", "sap", "--labels", tmp_path / "x")
    assert isinstance(made.exception, MapError) and "use one of maximo, csv, sap-pm" in str(made.exception)


def of_breakdown(tmp_path, signals: object):
    path = tmp_path / "list.csv"
    path.write_text("number,asset,kind,reported,finished\n1,a,breakdown,2026-01-01T03:00:00Z,2026-01-01T05:00:00Z\n")
    made, (one,) = imported(tmp_path, path, "--system", "csv", "--signals", signals)
    return made, one


def test_the_stop_that_a_run_shows_is_proposed(tmp_path):
    states = pl.concat([forecasts("a", minutes(1, 120)), forecasts("a", minutes(121, 240), "off")])
    run(tmp_path / "run", of=plan(), tables=[states])
    made, one = of_breakdown(tmp_path, tmp_path / "run")
    assert (one.last_normal_us, one.stopped_us, one.begin) == (at(2), at(2) + 60_000_000, Begin.SEEN)
    assert "begins where signals show the last normal running" in made.output


def test_a_run_that_shows_no_running_says_so(tmp_path):
    run(tmp_path / "run", of=plan(), tables=[forecasts("b", minutes(1, 120))])
    made, one = of_breakdown(tmp_path, tmp_path / "run")
    assert (one.last_normal_us, one.begin) == (None, Begin.NOT_SEEN)
    assert "signals show no running before 1 breakdowns" in made.output


def test_a_folder_that_no_run_is_in_is_an_error(tmp_path):
    made = forewarn(
        "import", EXAMPLES / "plain.csv", "--system", "csv", "--signals", tmp_path, "--labels", tmp_path / "x"
    )
    assert isinstance(made.exception, LabelsError) and "no backfill was run into this folder" in str(made.exception)


# Review by ids


SECOND = repair("2", reported_us=at(150), finished_us=at(151))


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "labels.jsonl"
    write_labels(path, [label("1"), SECOND, label("3", "b")])
    return path


def states(file: Path) -> dict[str, tuple[str, str]]:
    return {one.document: (one.state.value, one.by) for one in read_labels(file)}


def test_labels_are_confirmed_and_rejected_by_the_beginnings_of_their_ids(file):
    shown = forewarn("review", file, "--confirm", label("1").id[:8], "--reject", SECOND.id, "--by", "ann")
    assert shown.exit_code == 0 and "1 proposed, 1 confirmed, 1 rejected" in shown.output
    assert states(file) == {"1": ("confirmed", "ann"), "2": ("rejected", "ann"), "3": ("proposed", "")}


def test_all_that_are_not_rejected_are_confirmed_at_once(file):
    forewarn("review", file, "--all", "--reject", SECOND.id, "--by", "ann")
    assert {number: state for number, (state, _) in states(file).items()} == {
        "1": "confirmed", "2": "rejected", "3": "confirmed",
    }  # fmt: skip


def test_all_leaves_what_was_rejected_before_as_it_is(file):
    forewarn("review", file, "--reject", SECOND.id, "--by", "ann")
    forewarn("review", file, "--all", "--by", "bob")
    assert states(file)["2"] == ("rejected", "ann")


def test_without_a_name_nobody_decides(file):
    shown = forewarn("review", file, "--all")
    assert isinstance(shown.exception, LabelsError) and "--by NAME" in str(shown.exception)
    assert {state for state, _ in states(file).values()} == {"proposed"}


@pytest.mark.parametrize(("said", "why"), [("zz", "no label begins so"), ("", "3 labels begin so")])
def test_a_beginning_that_names_no_label_or_several_is_an_error(said, why):
    labels = [label("1"), label("2"), label("3")]
    with pytest.raises(LabelsError, match=why):
        decide(labels, Decided(confirm=(said,), by="ann"), at(1))


def test_one_label_cannot_be_confirmed_and_rejected(file):
    one = label("1")
    with pytest.raises(LabelsError, match="give it once"):
        decide([one], Decided(confirm=(one.id,), reject=(one.id,), by="ann"), at(1))


def test_machines_read_all_labels(file):
    shown = json.loads(forewarn("review", file, "--json").output)
    assert [one["document"] for one in shown] == ["1", "2", "3"] and shown[0]["outcome"] == "failed"


def test_without_a_terminal_the_proposals_are_shown_and_nothing_is_asked(file):
    shown = forewarn("review", file)
    assert shown.exit_code == 0 and "3 proposed" in shown.output and label("1").id[:8] in shown.output


def test_of_many_proposals_the_first_are_shown_and_the_others_counted(tmp_path):
    write_labels(tmp_path / "labels.jsonl", [label(str(number)) for number in range(53)])
    assert "and 3 more, which --json has" in forewarn("review", tmp_path / "labels.jsonl").output


# Review one by one


def reviewed(file: Path, *answers: str) -> str:
    """What is shown, by the answers in their order; an empty one leaves what is there."""
    left = list(answers)
    console = Console(record=True, width=200, file=StringIO())
    review_one_by_one(file, lambda _, meant: left.pop(0) or meant, "ann", lambda: at(500), console)
    assert left == []
    return console.export_text()


def test_each_proposal_is_confirmed_rejected_or_skipped(file):
    reviewed(file, "c", "r", "s")
    assert states(file) == {"1": ("confirmed", "ann"), "2": ("rejected", "ann"), "3": ("proposed", "")}
    assert {one.at_us for one in read_labels(file)} == {at(500), None}


def test_what_was_decided_before_the_end_is_kept(file):
    reviewed(file, "c", "q")
    assert states(file)["1"] == ("confirmed", "ann") and states(file)["3"] == ("proposed", "")


def first(file: Path):
    return next(one for one in read_labels(file) if one.document == "1")


def test_an_onset_is_edited_and_then_confirmed(file):
    reviewed(file, "o", "2026-01-04 20:00", "", "2026-01-04T21:30+00:00", "", "c", "q")
    one = first(file)
    assert (one.last_normal_us, one.stopped_us, one.reported_us, one.finished_us) == (
        at(92),
        at(93.5),
        at(100),
        at(110),
    )
    assert (one.begin, one.state) == (Begin.PERSON, State.CONFIRMED)


def test_times_that_are_left_as_they_are_shown_keep_their_seconds(tmp_path):
    file = tmp_path / "labels.jsonl"
    write_labels(file, [label("1", reported_us=at(100) + 12_345_678)])
    reviewed(file, "o", "", "", "", "", "c")
    assert first(file).reported_us == at(100) + 12_345_678


@pytest.mark.parametrize(
    ("answers", "said"),
    [(("soon",), "is no time"), (("2026-02-01", "", "", ""), "before it ends"), (("", "-", "", ""), "needs the time")],
)
def test_an_onset_that_cannot_be_is_refused_and_asked_again(file, answers, said):
    assert said in reviewed(file, "o", *answers, "q")
    assert first(file) == label("1")


def test_outcome_and_mode_are_what_a_person_says(file):
    reviewed(file, "u", "repaired-in-time", "m", "OHE", "c", "q")
    one = first(file)
    assert (one.outcome, one.reason, one.mode) == (Outcome.REPAIRED_IN_TIME, Reason.PERSON, "OHE")


def test_an_outcome_that_there_is_not_is_refused(file):
    assert "use one of failed" in reviewed(file, "u", "broken", "q")


def test_edits_of_a_label_that_is_skipped_are_forgotten(file):
    reviewed(file, "m", "OHE", "s", "q")
    assert first(file).mode == "VIB"


def test_a_label_whose_document_changed_can_be_taken_as_the_document_says(tmp_path):
    file = tmp_path / "labels.jsonl"
    before = replace(label("1"), state=State.CONFIRMED, by="ann", at_us=at(1))
    write_labels(file, merged([before], [document("1", mode="OHE")]).labels)
    assert "mode OHE (it said VIB)" in reviewed(file, "d", "c")
    assert (first(file).mode, first(file).note) == ("OHE", "")
