"""The quick way through a history opens and ends the same warnings as the slow one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from models.alerting.life import Watch, step
from models.records import HORIZONS_H, AlertReason
from onnx_export.episodes import Episode, Replay, _decisive, episodes
from tests.unit.onnx_export.test_evaluate import run


def every_row(trial: Replay, limit: float) -> Iterator[Episode]:
    """The life cycle stepped through every row, as live does."""
    history = trial.history
    for asset in np.unique(history.asset).tolist():
        watch, opened_us, life = Watch(), None, 0
        for at in np.flatnonzero(history.asset == asset).tolist():
            end_us, since_us = int(history.window_end_us[at]), int(history.since_us[at])
            if since_us != life:
                if opened_us is not None:
                    yield Episode(asset, opened_us, end_us)
                watch, opened_us, life = Watch(), None, since_us
            watch, reason = step(watch, tuple(trial.chances[at].tolist()), limit)
            if reason is AlertReason.OPENED:
                opened_us = end_us
            elif reason is AlertReason.CLEARED:
                yield Episode(asset, opened_us, end_us)
                opened_us = None
        if opened_us is not None:
            yield Episode(asset, opened_us, None)


def wandering(seed: int, rows: int = 6000, machines: int = 4, lives: int = 40) -> Replay:
    """Chances that stay low, between or high for a while, machines and lives that change anywhere."""
    random = np.random.default_rng(seed)
    lengths = random.choice([1, 2, 3, 4, 5, 58, 59, 60, 61, 62, 63, 200], size=rows)
    level = np.repeat(random.choice([0.1, 0.4, 0.6], size=rows), lengths)[:rows]
    trial = run([0.0] * rows)
    steps = np.sort(random.random((rows, len(HORIZONS_H))), axis=1) * 0.9
    chances = np.maximum.accumulate(np.where(np.arange(len(HORIZONS_H)) == 3, level[:, None], steps * 0.5), axis=1)
    chances[:, 3:] = np.maximum(level[:, None], chances[:, 3:] * (random.random((rows, 1)) < 0.5))
    chances[:, 3] = level
    cuts = np.sort(random.integers(rows, size=lives))
    history = replace(
        trial.history,
        asset=np.searchsorted(np.sort(random.integers(rows, size=machines)), np.arange(rows)),
        since_us=np.searchsorted(cuts, np.arange(rows), side="right") * 1000,
    )
    return Replay(history, chances)


@pytest.mark.parametrize("seed", range(30))
def test_the_decisive_rows_alone_open_and_end_the_same_warnings_as_all_rows(seed: int) -> None:
    trial = wandering(seed)
    found = list(episodes(trial, 0.5))
    assert found == list(every_row(trial, 0.5))
    assert len(found) > 5
    assert any(episode.ended_us is None for episode in found) or seed > 0


def test_a_quiet_machine_costs_hardly_any_steps() -> None:
    assert len(_decisive(run([0.01] * 10_000), 0.5)) < 100
