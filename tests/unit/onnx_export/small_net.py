"""A net small enough for unit tests: windows with a drift that tells the class, some values unknown."""

from __future__ import annotations

from functools import cache

import numpy as np

from onnx_export import net_graph, quantise, rocket
from onnx_export.learning import CLASSES, Plan
from onnx_export.mixture import Mixture, train_mixture
from onnx_export.net import Head, train_head
from onnx_export.rocket import Rocket
from onnx_export.survival import outcomes_of

ROWS, CHANNELS, STEPS, TARGETS = 400, 4, 32, 2
PLAN = Plan(epochs=6, batch=64, shrink=0.01)
HIDDEN = 64


@cache
def windows() -> np.ndarray:
    """Float32 [ROWS, CHANNELS, STEPS]: targets drift the more the nearer a failure is."""
    random = np.random.default_rng(5)
    out = random.normal(size=(ROWS, CHANNELS, STEPS))
    out[:, :TARGETS] += (np.linspace(0, 1, STEPS) * (600.0 / (hours() + 20.0))[:, None])[:, None]
    out[:, -1] = 1.0
    gone = random.random((ROWS, CHANNELS)) < 0.1
    out[gone] = np.nan
    out[gone[:, 0], -1] = 0.5
    return out.astype(np.float32)


@cache
def hours() -> np.ndarray:
    """To the failure, [ROWS]."""
    return np.random.default_rng(6).uniform(1.0, 300.0, ROWS)


def allowed() -> np.ndarray:
    """What rows may be: one in four is censored."""
    seen = np.random.default_rng(7).uniform(1.0, 300.0, ROWS)
    censored = np.arange(ROWS) % 4 == 0
    return allowed_of(np.where(censored, np.inf, hours()), np.where(censored, np.minimum(seen, hours()), 400.0))


def allowed_of(failed_in_h: np.ndarray, known_h: np.ndarray) -> np.ndarray:
    """What rows of which something is known may be."""
    outcomes, told = outcomes_of(failed_in_h, known_h)
    assert told.all()
    return outcomes.allowed(CLASSES)


def flat() -> np.ndarray:
    """Windows as the graph takes them."""
    return windows().reshape(ROWS, -1)


@cache
def fitted() -> Rocket:
    return rocket.fit(windows(), TARGETS)


@cache
def shares() -> np.ndarray:
    return fitted().shares(windows())


@cache
def head() -> Head:
    return train_head(shares(), allowed(), PLAN, HIDDEN)


@cache
def mixture() -> Mixture:
    loads = fitted().level_places(np.arange(TARGETS, CHANNELS - 1))
    return train_mixture(shares(), loads, allowed(), PLAN, hidden=HIDDEN // 2)


@cache
def graph() -> bytes:
    return net_graph.to_onnx(fitted(), head())


@cache
def graph8() -> bytes:
    return quantise.to_int8(graph(), flat())
