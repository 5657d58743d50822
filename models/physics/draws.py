"""Random numbers for the simulated plant: a generator for each pump and purpose, so that none moves another's draws.

Uniforms are exact on every CPU; normals are rounded, since the tail of numpy's sampler goes through the CPU's log.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from models.physics.pump import Array

SITE_KEY = (0xFFFF_FFFF,)
"""The weather's spawn key; pumps have keys of two numbers, so it can be no pump's."""


class Stream(IntEnum):
    """What a pump draws for; each purpose has a generator of its own."""

    DUTY = 0
    LIFE = 1
    SENSOR = 2
    CYCLE = 3
    FAULT = 4
    ORDER = 5


def generator(seed: int, *spawn_key: int) -> np.random.Generator:
    """The generator of one seed and spawn key; different keys give independent streams."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=spawn_key)))


def generators(seed: int, n_pumps: int, stream: Stream) -> list[np.random.Generator]:
    """One generator a pump for this purpose."""
    return [generator(seed, k, stream) for k in range(n_pumps)]


def normals(rng: np.random.Generator, *shape: int) -> Array:
    """Standard normals to 9 decimals."""
    return np.round(rng.standard_normal(shape), 9)


def uniforms(rngs: Sequence[np.random.Generator], *shape: int) -> Array:
    """Uniforms of [0, 1), each pump's `shape` from its own generator; the pumps are axis 1, or 0 for a flat shape."""
    return np.stack([rng.random(shape) for rng in rngs], axis=min(1, len(shape) - 1))


def evenly(span: tuple[float, float], uniform: Array) -> Array:
    """Uniforms of [0, 1) spread evenly over `span`."""
    return span[0] + (span[1] - span[0]) * uniform
