"""Candidates judged: what comes of a verdict, whose name allows it, and that one fault does not end the round."""

from __future__ import annotations

import io
import json

import pytest
from msgspec.structs import replace
from rich.console import Console

from connectors.kafka.clients import KafkaUnreachable
from models.alerting.verdict import Bars, Reason, Verdict
from models.release import Cause, Role
from pipelines.cli.comparing import Pair
from pipelines.cli.promoting import Judged, Step, _json, read_bars, repeat, shadowed, step_of, telling
from pipelines.releases.moves import ReleaseError
from pipelines.settings import Settings
from tests.kit import releasing

PAIR = Pair("tiny@old", "tiny@new")
CHAMPION = releasing.champion("tiny@old", 1)
SHADOW = replace(releasing.champion("tiny@new", 1), role=Role.SHADOW, cause=Cause.SHADOWS)
TAKEN_BACK = replace(releasing.champion("tiny@old", 3, "tiny@new"), cause=Cause.ROLLED_BACK)
OTHER = replace(releasing.champion("tiny@other", 2), role=Role.SHADOW)


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("allowed", [(), ("pump",), ("pump", "tiny")])
def test_only_what_is_better_is_promoted_and_only_where_its_name_is_allowed(reason, allowed):
    step = step_of(reason, PAIR, releasing.board(CHAMPION, SHADOW), allowed)
    if reason is not Reason.BETTER:
        assert step is Step.STAYS
    else:
        assert step is (Step.PROMOTES if "tiny" in allowed else Step.NOT_ALLOWED)


@pytest.mark.parametrize(
    ("records", "step"),
    [
        ([SHADOW], Step.PROMOTES),  # beside the folder's file
        ([CHAMPION], Step.CHANGED),
        ([CHAMPION, OTHER], Step.CHANGED),
        ([releasing.champion("tiny@another", 2), SHADOW], Step.CHANGED),
        ([TAKEN_BACK, SHADOW], Step.TAKEN_BACK),
        ([replace(TAKEN_BACK, before="tiny@older"), SHADOW], Step.PROMOTES),
    ],
)
def test_what_was_changed_meanwhile_or_taken_back_by_a_person_is_left_alone(records, step):
    assert step_of(Reason.BETTER, PAIR, releasing.board(*records), ("tiny",)) is step


def test_no_name_is_allowed_unless_the_setting_has_it():
    assert Settings().auto_promoted == frozenset()
    assert Settings(auto_promote=" pump, fan,").auto_promoted == {"pump", "fan"}


def test_names_with_a_shadow_are_judged_and_one_that_has_none_is_an_error():
    board = releasing.board(CHAMPION, SHADOW)
    assert shadowed(board) == shadowed(board, "tiny") == ["tiny"]
    with pytest.raises(ReleaseError, match="no release runs beside pump"):
        shadowed(board, "pump")
    with pytest.raises(ReleaseError, match="no release runs beside a champion"):
        shadowed(releasing.board(CHAMPION, replace(SHADOW, version="")))


def test_bars_come_from_a_file_and_a_name_that_is_none_is_an_error(tmp_path):
    file = tmp_path / "bars.toml"
    file.write_text("least_days = 14\nleast_failures = 3\n")
    assert read_bars(file) == Bars(least_days=14, least_failures=3)
    assert read_bars(None) == Bars()
    for text in ("least_day = 14", "least_days = -1", "least_days = "):
        file.write_text(text)
        with pytest.raises(ReleaseError, match="it may have least_days, least_failures"):
            read_bars(file)
    with pytest.raises(ReleaseError, match="No such file"):
        read_bars(tmp_path / "none.toml")


def test_a_fault_of_the_world_is_told_and_ours_is_raised():
    errors = Console(file=io.StringIO(), width=200)
    with telling(errors, "'tiny' is not judged"):
        raise ReleaseError("nothing was said yet")
    assert errors.file.getvalue() == "'tiny' is not judged: nothing was said yet\n"
    with pytest.raises(ZeroDivisionError), telling(errors, "'tiny' is not judged"):
        raise ZeroDivisionError


def test_rounds_are_repeated_until_ended_whatever_goes_wrong_in_one():
    errors, waits = Console(file=io.StringIO(), width=200), []

    def round_() -> None:
        if len(waits) == 1:
            raise KafkaUnreachable("Kafka does not answer")

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repeat(round_, 3600, errors, sleep)
    assert waits == [3600, 3600, 3600]
    assert errors.file.getvalue() == "nothing is judged: Kafka does not answer\n"


@pytest.mark.parametrize("step", list(Step))
def test_each_step_is_told_with_the_figures_and_for_machines(step):
    judged = Judged(PAIR, Verdict(Reason.BETTER, ("30 days", "20 failures")), step)
    assert judged.said.startswith("tiny@new beside tiny@old: better: 30 days; 20 failures: ")
    told = json.loads(_json(judged))
    assert (told["name"], told["step"], told["reason"]) == ("tiny", str(step), "better")
