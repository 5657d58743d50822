"""Process tuning on two public sets: lenses of a real machine, and a milling machine whose rules are published.

`make bench ONLY=tuning_sets`. injection_molding: four classes of quality by ours and the source's six, re-run under the
source's protocol, which is rows at random, and under two that hold back groups; what is known of the set, and why its
days cannot be folds, is in `tests.kit.moulding`. A fourth, by way of production, asks for classes that were never seen
there: it is told, and nobody can do it. Then windows: searched with a model of one half of the machine's states, judged
on the other half by off-policy estimates, both ways, within the one way of production that has waste and over all; and
a window that only another way has. Where both sides of a window were hardly made at like conditions, none is told.

ai4i: modes of failure by our learner, by LightGBM and by the rules themselves, five folds; then suggestions from each
held-out row, up to five one after another within steps and rails, by our model, by bagged boosters through the same
contract and by the mean of both, held to the published rules. Speed and torque are set, so against wear and chance
they can do nothing.

Bars: macro F1 no more than 0.02 under the best peer's, and 95 % of suggested settings in no region of failure, both
fixed before anything was run; log loss no more than the best peer's and at most 1 % of healthy rows led into a region,
both stated once first figures were seen. Nothing was changed by what held-out rows said, but for windows: they were
first of three suggestions one after another, too narrow for any held-out lens to lie in.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.kit import ai4i, ai4i_moves, moulding, moulding_models, moulding_windows
from tests.kit.bench import Row, report
from tests.kit.moulding import Lenses, Scores
from tests.kit.off_policy import CannotBeTold, Told
from tests.kit.public import why_not

OURS, FEW = "ours", ("random forest",)
MARGIN, KEPT_OFF, LED_IN = 0.02, 0.95, 0.01
UNSEEN = "by way of production"
"""The protocol whose classes are unseen: it has no bar, and fewer peers."""
HEALTHY_EACH = 4
"""Of healthy rows every so many is begun from."""
WIDTH = 150


class Judged(NamedTuple):
    """A window and what was told of it on lenses it was not searched with."""

    name: str
    window: moulding_windows.Window
    waste: Told | CannotBeTold
    inefficient: Told | CannotBeTold


def quality(of: Lenses, told: Console) -> dict[str, dict[str, Scores]]:
    """By protocol and classifier."""
    out: dict[str, dict[str, Scores]] = {}
    groups = {"at random, the source's": np.arange(len(of.classes)), "by block of the file": moulding.blocks(of)}
    for protocol, folds in moulding.PROTOCOLS.items():
        peers = moulding_models.peers()
        chosen = {name: peers[name] for name in (FEW if protocol == UNSEEN else peers)}
        found = out.setdefault(protocol, {})
        for name, classifier in {OURS: moulding_models.ours, **chosen}.items():
            group = groups.get(protocol, moulding.states(of))
            found[name] = moulding.scores(of, moulding.asked(of, folds(of), group, classifier))
            told.print(f"{protocol}: {name} {found[name].macro_f1:.3f}")
    return out


def quality_table(found: dict[str, dict[str, Scores]]) -> Table:
    out = Table("folds", "classifier", "accuracy", "macro F1", "log loss", "calibration error", title_justify="left")
    out.title = f"four classes of lenses; published, second hand: {moulding.PUBLISHED:.4f} accuracy at random"
    for protocol, each in found.items():
        for name, of in each.items():
            out.add_row(protocol, name, *(f"{value:.3f}" for value in of))
    return out


def quality_rows(found: dict[str, dict[str, Scores]]) -> Iterator[Row]:
    """Ours with bars by the best peer of the same folds."""
    random = found["at random, the source's"]
    name = "lenses at random: accuracy"
    yield Row(name=name, value=random[OURS].accuracy, unit="share")
    peer, ours = "Polenta et al. 2022, its best", random[OURS].accuracy
    yield Row(name=f"{name}, published", value=moulding.PUBLISHED, unit="share", peer=peer, ours=ours)
    for protocol, each in found.items():
        ours, peers = each[OURS], {name: of for name, of in each.items() if name != OURS}
        best = max(peers, key=lambda one: peers[one].macro_f1)
        surest = min(peers, key=lambda one: peers[one].log_loss)
        bar = None if protocol == UNSEEN else peers[best].macro_f1 - MARGIN
        most = None if protocol == UNSEEN else peers[surest].log_loss
        yield Row(name=f"lenses {protocol}: macro F1", value=ours.macro_f1, unit="1", bar=bar, peer=best)
        yield Row(
            name=f"lenses {protocol}: log loss", value=ours.log_loss, unit="nat", bar=most, peer=surest, at_most=True
        )
        yield Row(name=f"lenses {protocol}: calibration error", value=ours.calibration, unit="share")


def windows(of: Lenses) -> Iterator[Judged]:
    """Within the way of production that has waste, over all, and one that only another way has."""
    state, way = moulding.states(of), moulding.ways(of) == 1
    for place, chosen in (("at 7 s", way), ("all ways", np.ones(len(way), bool))):
        for half, (learn, held) in enumerate(moulding_windows.halves(of), start=1):
            learn, held = learn[chosen[learn]], held[chosen[held]]
            window = moulding_windows.searched(of.where(learn))
            if window is None:
                continue
            yield _judged(f"{place}, half {half}", of, window, state, held)
            if place == "at 7 s":
                whole = held[moulding.whole(of)[held]]
                yield _judged(f"{place}, half {half}, whole rows", of, window, state, whole)
    other = moulding_windows.Window({"fill_s": (6.0, moulding.FILLS_S[0])}, float("nan"), float("nan"))
    yield _judged("filling as in another way", of, other, state, np.arange(len(way)))


def _judged(name: str, of: Lenses, window: moulding_windows.Window, state: np.ndarray, held: np.ndarray) -> Judged:
    lenses = of.where(held)
    waste, inefficient = (
        moulding_windows.judged(lenses, window, state[held], one) for one in (moulding.WASTE, moulding.INEFFICIENT)
    )
    return Judged(name, window, waste, inefficient)


def windows_table(found: list[Judged]) -> Table:
    out = Table(
        "window of", "ranges", "model: before, after", "waste, weighted", "waste, robust", "inefficient, robust"
    )
    for head in ("overlap", "effective rows", "groups"):
        out.add_column(head)
    out.title, out.title_justify = "within beside without, on lenses not searched with; bounds of 95 %", "left"
    for one in found:
        overlap = one.waste.overlap
        out.add_row(
            one.name, moulding_windows.said(one.window), f"{one.window.before:.2f}, {one.window.after:.2f}",
            *_shown(one.waste, "weighted", "robust"), *_shown(one.inefficient, "robust"), f"{overlap.share:.0%}",
            f"{overlap.inside:.0f}, {overlap.outside:.0f}", str(overlap.groups),
        )  # fmt: skip
    return out


def _shown(of: Told | CannotBeTold, *kinds: str) -> list[str]:
    if isinstance(of, CannotBeTold):
        return [f"cannot be told: {of.why}", *[""] * (len(kinds) - 1)]
    each = [getattr(of, kind) for kind in kinds]
    return [
        f"{one.inside:.2f} / {one.outside:.2f}: {one.difference:+.2f} [{one.low:+.2f}, {one.high:+.2f}]" for one in each
    ]


def windows_rows(found: list[Judged]) -> Iterator[Row]:
    told = [one for one in found if isinstance(one.waste, Told)]
    yield Row(name="windows of lenses that can be told of", value=len(told), unit=f"of {len(found)}")
    for one in told:
        for kind in ("weighted", "robust"):
            of = getattr(one.waste, kind)
            unit = f"share, {of.low:+.2f} to {of.high:+.2f}"
            yield Row(name=f"waste in the window, {one.name}, {kind}", value=of.difference, unit=unit)


Calls = dict[str, ai4i.Found]


def modes(of: ai4i.Milled) -> Calls:
    """Calls of each mode on held-out rows, at thresholds chosen on what was learned from."""
    out = {}
    for name, say in {OURS: ai4i.said_by_kinds, "LightGBM": ai4i.said_by_boosters}.items():
        calls = np.zeros(of.modes.shape, bool)
        for learn, ask in ai4i.folds(of):
            learned = of.where(learn)
            rest, held = ai4i.inner(learned)
            chances = say(learned.where(rest), learned.inputs[held])
            calls[ask] = say(learned, of.inputs[ask]) >= ai4i.thresholds(chances, learned.modes[held])
        out[name] = ai4i.called(of, calls)
    return out | {"the rules": ai4i.called(of, ai4i.regions(of.inputs))}


def modes_table(found: Calls) -> Table:
    out = Table("calls", *(f"{mode}: recall, precision" for mode in ai4i.MODES), title_justify="left")
    out.title = "milling machine: modes of failure, five folds"
    for name, of in found.items():
        out.add_row(name, *(f"{one:.2f}, {two:.2f}" for one, two in zip(of.recall, of.precision, strict=True)))
    return out


def modes_rows(found: Calls) -> Iterator[Row]:
    for name, of in found.items():
        for at, mode in enumerate(ai4i.MODES):
            who = f"milling, {name}: {mode}"
            for what in ("recall", "precision"):
                beside = {} if name == OURS else {"peer": name, "ours": float(getattr(found[OURS], what)[at])}
                yield Row(name=f"{who} {what}", value=float(getattr(of, what)[at]), unit="share", **beside)


class Followed(NamedTuple):
    """By one mover: from rows that failed and from healthy ones; the log loss of its model by row, NaN of none."""

    failed: ai4i_moves.Led
    healthy: ai4i_moves.Led
    loss: np.ndarray


MODELS = {"kinds": ai4i_moves.ours, "boosters": ai4i_moves.boosted, "both": ai4i_moves.both}
"""Our learner's logistic models of inputs, squares and products, by kind; and bagged LightGBM; and the
mean of the two, which was added once the two were seen."""
MEAN = "to the mean"


def followed(of: ai4i.Milled) -> dict[str, Followed]:
    """Suggestions from held-out rows of all folds, by each model, and the step to the mean."""
    out = {}
    for name in (*MODELS, MEAN):
        failed, healthy, said = [], [], np.full(len(of.failed), np.nan)
        for learn, ask in ai4i.folds(of):
            learned, asked = of.where(learn), of.where(ask)
            if name == MEAN:
                move = ai4i_moves.to_mean(learned)
            else:
                model = MODELS[name](learned)
                move = ai4i_moves.suggested(model, learned)
                said[ask] = model.run(asked.inputs.astype(np.float32))["defect"][:, 0]
            failed.append(ai4i_moves.led(move, asked.inputs[asked.failed]))
            healthy.append(ai4i_moves.led(move, asked.inputs[np.flatnonzero(~asked.failed)[::HEALTHY_EACH]]))
        loss = -np.log(np.clip(np.where(of.failed, said, 1.0 - said), 1e-6, 1.0))
        out[name] = Followed(_together(failed), _together(healthy), loss)
    return out


def _together(parts: list[ai4i_moves.Led]) -> ai4i_moves.Led:
    return ai4i_moves.Led(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def followed_table(found: dict[str, Followed]) -> Table:
    out = Table("suggestions by", "log loss", "failed: moved", "kept off", "out at once", "out at last")
    for head in (*(f"out of {mode}" for mode in ai4i.SETTABLE), "healthy: moved", "led in at once", "led in at last"):
        out.add_column(head)
    first = next(iter(found.values()))
    rows = f"{len(first.failed.before)} failed, {int(first.failed.before.sum())} of them in a region; "
    out.title = f"milling machine: {rows}{len(first.healthy.before)} healthy; up to {ai4i_moves.MOST} suggestions each"
    out.title_justify = "left"
    for name, of in found.items():
        shares = (
            of.failed.moved.mean(), of.failed.kept_off, of.failed.out_at_once, of.failed.got_out,
            *map(of.failed.got_out_of, ai4i.SETTABLE), of.healthy.moved.mean(), of.healthy.first.mean(),
            of.healthy.got_in,
        )  # fmt: skip
        out.add_row(name, "" if name == MEAN else f"{of.loss.mean():.4f}", *(f"{one:.3f}" for one in shares))
    return out


def between(one: Followed, other: Followed) -> tuple[float, float, float]:
    """By how much log loss of one is over that of the other, a row, with bounds of 95 % by rows drawn anew."""
    apart, random = one.loss - other.loss, np.random.default_rng(1)
    drawn = [apart[random.integers(0, len(apart), len(apart))].mean() for _ in range(1000)]
    return float(apart.mean()), *map(float, np.percentile(drawn, (2.5, 97.5)))


def followed_rows(found: dict[str, Followed]) -> Iterator[Row]:
    for name in ("boosters", "both"):
        apart, low, high = between(found[name], found["kinds"])
        unit = f"mnat, {1e3 * low:+.1f} to {1e3 * high:+.1f}"
        yield Row(name=f"milling, log loss of {name} over kinds", value=1e3 * apart, unit=unit)
    for name, of in found.items():
        peer, who = (name if name == MEAN else None), f"milling, {name}"
        for what, share, unit, bar, at_most in (
            ("keeps off regions", of.failed.kept_off, f"% of {int(of.failed.moved.sum())} rows moved", KEPT_OFF, False),
            ("led in", of.healthy.got_in, "% of healthy rows", LED_IN, True),
            ("got out", of.failed.got_out, "% of rows in a region", None, False),
            ("out at once", of.failed.out_at_once, "% of rows in a region", None, False),
            ("moved", float(of.healthy.moved.mean()), "% of healthy rows", None, False),
        ):
            most = None if peer or bar is None else 100.0 * bar
            yield Row(name=f"{who}: {what}", value=100.0 * share, unit=unit, bar=most, peer=peer, at_most=at_most)


def main() -> None:
    begun, told, console = time.perf_counter(), Console(stderr=True), Console(width=WIDTH)
    rows: list[Row] = []
    unprinted: list[Row] = []
    absent = [path for path in (moulding.path(), ai4i.path()) if not path.exists()]
    for path in absent:
        console.print(f"skipped: {why_not(path)}")
    if len(absent) == 2:
        sys.exit("tuning_sets: neither set is there, so nothing was measured")
    if moulding.path() not in absent:
        lenses = moulding.lenses()
        found = quality(lenses, told)
        console.print(quality_table(found))
        judged = list(windows(lenses))
        console.print(windows_table(judged))
        rows += [*quality_rows(found), *windows_rows(judged)]
        unprinted += [
            Row(
                name=f"lenses {protocol}, {name}: {figure}",
                value=value,
                unit="share or nat",
                peer=None if name == OURS else name,
            )
            for protocol, each in found.items()
            for name, of in each.items()
            for figure, value in of._asdict().items()
        ]
    if ai4i.path() not in absent:
        milled = ai4i.milled()
        calls, ways = modes(milled), followed(milled)
        console.print(modes_table(calls))
        console.print(followed_table(ways))
        rows += followed_rows(ways)
        unprinted += modes_rows(calls)
    console.print(f"{time.perf_counter() - begun:.0f} s")
    report("tuning_sets", rows, unprinted)


if __name__ == "__main__":
    main()
