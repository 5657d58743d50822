"""What a healthy machine reads is found again from rows that were made of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.features import PER_SIGNAL, Expected, Spec
from onnx_export.expected import FAR_H, LEVEL, YOUNG_H, fit, healthy
from onnx_export.history import History
from onnx_export.train import masked, needing
from tests.unit.onnx_export.test_evaluate import run

SPEC = Spec(("oil", "air", "speed"))


def history() -> History:
    """Oil = 20 + 1.5 air + 0.25 speed while healthy, and anything once worn."""
    random, n = np.random.default_rng(3), 4000
    rows = random.normal(0, 1, (n, len(SPEC.names))).astype(np.float32)
    air, speed = (random.normal(at, 2, n).astype(np.float32) for at in (18, 50))
    for signal, values in (("air", air), ("speed", speed), ("oil", 20 + 1.5 * air + 0.25 * speed)):
        rows[:, SPEC.column(f"{signal}.{LEVEL}")] = values
    rows[:, SPEC.running] = np.arange(n) / 6
    worn = rows[:, SPEC.running] > YOUNG_H
    rows[worn, : len(PER_SIGNAL)] += 30
    made = run([0.0] * n)
    return replace(made.history, features=rows, known_h=made.history.known_h + int(2 * FAR_H))


def test_the_line_is_found_on_healthy_rows_alone() -> None:
    (found,) = fit(SPEC, history(), {"oil": ("air", "speed")})
    assert found.target == "oil"
    assert [signal for signal, _ in found.terms] == ["air", "speed"]
    assert np.allclose([found.intercept, *(value for _, value in found.terms)], [20, 1.5, 0.25], atol=1e-3)


def test_coefficients_have_nine_digits() -> None:
    (found,) = fit(SPEC, history(), {"oil": ("air", "speed")})
    for value in (found.intercept, *(value for _, value in found.terms)):
        assert value == float(f"{value:.8e}")


def test_rows_near_a_failure_or_near_the_end_are_not_healthy() -> None:
    made = history()
    assert healthy(SPEC, made).sum() == np.flatnonzero(made.features[:, SPEC.running] < YOUNG_H).size
    assert not healthy(SPEC, replace(made, known_h=np.full(len(made.asset), FAR_H))).any()


def test_too_few_rows_are_refused() -> None:
    made = history()
    few = replace(made, features=np.full_like(made.features, np.nan))
    with pytest.raises(ValueError, match="too few for 1 terms"):
        fit(SPEC, few, {"oil": ("air",)})


def test_a_masked_signal_blanks_what_is_expected_from_it_and_not_what_the_target_reads_itself() -> None:
    spec = Spec(("oil", "air"), expected=(Expected("oil", 0.0, (("air", 1.0),)),))
    n, residuals = len(PER_SIGNAL), [at for at, name in enumerate(spec.names) if name.startswith("oil.")][3:]
    assert needing(spec, "air").tolist() == [*range(n, 2 * n), *residuals]
    assert needing(spec, "oil").tolist() == [*range(n), *residuals]
    rows = masked(spec, np.ones((1000, len(spec.names)), np.float32), share=1.0)
    assert np.isnan(rows[:, residuals]).all()
    assert np.isnan(rows[:, 0]).sum() + np.isnan(rows[:, n]).sum() == 1000
