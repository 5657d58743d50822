"""What a round of learning on does, by what is behind its ports; and what is told of rounds."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace
from rich.console import Console

from models.alerting.verdict import Reason, Verdict
from models.records import Drift, DriftCause, DriftKind, ModelUpdate, UpdateStep, decode, encode
from onnx_export.history import DAY_US
from pipelines.cli.learning import telling
from pipelines.cli.learning.round import GIVEN_UP, Asked, Look, Made, NotMade, turn
from pipelines.cli.learning.rounds import is_old
from pipelines.cli.learning.student import in_vain, standing_of

NOW_US = 1_800_000_000_000_000
MADE = Made("pump@new", {"average_precision of new data, candidate": 0.8}, "leaves refitted on 12 failures", 12)


def drift(cause: DriftCause = DriftCause.SENSOR_RECALIBRATED, assets: tuple[str, ...] = ("p1",), day: int = 0) -> Drift:
    return Drift(
        plant="demo", name="pump", asset_type="pump", version="pump@old", kind=DriftKind.INPUT, cause=cause,
        what="oil_temp_degc.over_1h", assets=assets, since_us=NOW_US, value=2.0, bar=1.0, time_us=NOW_US + day * DAY_US,
        detail="a sensor was exchanged",
    )  # fmt: skip


def update(step: UpdateStep, day: int, causes: tuple[DriftCause, ...] = ()) -> ModelUpdate:
    return ModelUpdate(
        plant="demo", name="pump", parent="pump@old", step=step, causes=causes, time_us=NOW_US + day * DAY_US
    )


@dataclass
class Fake:
    beside: str = ""
    says: Verdict | None = None
    seen: Look = field(default_factory=lambda: Look("pump@old", (), (), None, 0))
    fault: NotMade | None = None
    not_taken: NotMade | None = None
    done: list[str] = field(default_factory=list)

    def candidate(self):
        return self.beside

    def verdict(self):
        return self.says

    def promote(self, version, why):
        self.done.append(f"promote {version}")

    def end(self, why):
        self.done.append("end")

    def look(self):
        return self.seen

    def learn(self, since_us, grows):
        return self._made(f"grow {since_us}" if grows else f"learn {since_us}")

    def train(self):
        return self._made("train")

    def offer(self, made):
        if self.not_taken:
            raise self.not_taken
        self.done.append(f"offer {made.version}")

    def _made(self, what):
        if self.fault:
            raise self.fault
        self.done.append(what)
        return MADE


def moved(since_us: int | None) -> Look:
    return Look("pump@old", (drift(),), (drift(),), since_us, 3)


def asked(update: bool = True, promote: bool = True, **more) -> Asked:
    return Asked("demo", "pump", update, promote, **more)


def verdict(reason: Reason) -> Verdict:
    return Verdict(reason, ("figures",))


@pytest.mark.parametrize(
    ("fake", "may", "step", "done"),
    [
        (Fake(), asked(), UpdateStep.STEADY, []),
        (Fake(seen=moved(None)), asked(), UpdateStep.NOT_TO_BE_LEARNED, []),
        (Fake(seen=moved(5)), asked(update=False), UpdateStep.WOULD_UPDATE, []),
        (Fake(seen=moved(5)), asked(), UpdateStep.OFFERED, ["learn 5", "offer pump@new"]),
        (Fake(seen=moved(5)._replace(in_vain=True)), asked(), UpdateStep.OFFERED, ["grow 5", "offer pump@new"]),
        (Fake(), asked(since_us=7), UpdateStep.OFFERED, ["learn 7", "offer pump@new"]),
        (Fake(), asked(anew=True), UpdateStep.OFFERED, ["train", "offer pump@new"]),
        (Fake(), asked(anew=True, update=False), UpdateStep.WOULD_UPDATE, []),
        (Fake(seen=moved(5), fault=NotMade("too-few-events", "2 are few", 2)), asked(), UpdateStep.REFUSED, []),
        (Fake("pump@new"), asked(), UpdateStep.WAITS, []),
        (Fake("pump@new", verdict(Reason.TOO_SHORT)), asked(), UpdateStep.WAITS, []),
        (Fake("pump@new", verdict(Reason.TOO_FEW_FAILURES)), asked(), UpdateStep.WAITS, []),
        (Fake("pump@new", verdict(Reason.BETTER)), asked(promote=False), UpdateStep.WOULD_PROMOTE, []),
        (Fake("pump@new", verdict(Reason.BETTER)), asked(), UpdateStep.PROMOTED, ["promote pump@new"]),
        *[(Fake("pump@new", verdict(one)), asked(), UpdateStep.GIVEN_UP, ["end"]) for one in sorted(GIVEN_UP)],
    ],
)
def test_a_round_does_one_thing_and_tells_it(fake, may, step, done):
    found = turn(fake, may, NOW_US)
    assert (found.update.step, fake.done) == (step, done)
    assert decode(encode(found.update)) == found.update
    assert telling.said(found.update)


def test_what_no_worker_takes_is_told_as_refused_and_not_as_offered():
    found = turn(Fake(seen=moved(5), not_taken=NotMade("not-taken", "no word from workers", 12)), asked(), NOW_US)
    assert (found.update.step, found.update.reason) == (UpdateStep.REFUSED, "not-taken")
    assert found.update.detail == "no word from workers"


def test_every_verdict_has_an_answer():
    waits = {Reason.TOO_SHORT, Reason.TOO_FEW_FAILURES}
    assert GIVEN_UP | waits | {Reason.BETTER} == set(Reason)


def test_a_round_tells_news_of_drift_and_the_causes_that_hold():
    found = turn(Fake(seen=Look("pump@old", (drift(),), (), None, 3)), asked(), NOW_US)
    assert found.drifts == ()
    assert found.update.causes == (DriftCause.SENSOR_RECALIBRATED,)


def test_a_cause_stands_from_when_it_was_told_last_or_held_last_of_this_model_alone():
    told = [
        drift(day=0), drift(assets=("p2",), day=2), update(UpdateStep.STEADY, 5, (DriftCause.SENSOR_RECALIBRATED,)),
        update(UpdateStep.STEADY, 6), update(UpdateStep.STEADY, 7, (DriftCause.AMBIENT,)),
    ]  # fmt: skip
    (stands,) = standing_of(told, "pump@old").values()
    assert (stands.last_us, stands.assets) == (NOW_US + 5 * DAY_US, {"p1", "p2"})
    assert not standing_of(told, "pump@other")


OFFERED = replace(update(UpdateStep.OFFERED, 1), candidate="pump@new")
GIVEN_UP_NEW = replace(update(UpdateStep.GIVEN_UP, 30), parent="", candidate="pump@new")


@pytest.mark.parametrize(
    ("told", "vain"),
    [
        ([], False),
        ([OFFERED], False),
        ([OFFERED, replace(GIVEN_UP_NEW, step=UpdateStep.PROMOTED)], False),
        ([OFFERED, GIVEN_UP_NEW], True),
        ([replace(OFFERED, parent="pump@other"), GIVEN_UP_NEW], False),
        ([replace(OFFERED, anew=True), GIVEN_UP_NEW], False),
        ([replace(update(UpdateStep.REFUSED, 1), reason="forgets-old")], True),
        ([replace(update(UpdateStep.REFUSED, 1), reason="too-few-events")], False),
        ([replace(update(UpdateStep.REFUSED, 1), reason="could-be-luck")], False),
    ],
)
def test_leaves_are_refitted_in_vain_where_that_was_given_up_or_refused_for_what_rows_do_not_mend(told, vain):
    assert in_vain(told, "pump@old") is vain


@pytest.mark.parametrize(
    ("told", "is_due"),
    [
        ([], False),
        ([update(UpdateStep.STEADY, -31)], True),
        ([update(UpdateStep.STEADY, -31), update(UpdateStep.OFFERED, -29)], False),
        ([update(UpdateStep.STEADY, -60), update(UpdateStep.PROMOTED, -31)], True),
        ([update(UpdateStep.STEADY, -31), update(UpdateStep.REFUSED, -1)], True),
        ([update(UpdateStep.STEADY, -31), replace(update(UpdateStep.REFUSED, -1), anew=True)], False),
    ],
)
def test_a_model_is_trained_anew_when_nothing_was_learned_for_so_long(told, is_due):
    assert is_old(told, 30 * 86_400, NOW_US) is is_due


def test_the_history_is_told_in_words_and_says_where_there_is_none():
    said = Console(file=io.StringIO(), width=200)
    telling.show_history([], said, as_json=False)
    telling.show_history([drift(), update(UpdateStep.REFUSED, 1)], said, as_json=False)
    assert "nothing was told of yet" in said.file.getvalue()
    assert "pump@old drifts, sensor-recalibrated: a sensor was exchanged" in said.file.getvalue()
    assert "pump@old: refused" in said.file.getvalue()
