"""MiniRocket over raw windows: fitted by sktime, told again in whole numbers as convolutions that ONNX can say.

Each channel of a window is put on a curve from -127 to 127 and rounded, before sktime sees it. Kernels have weights -1
and 2, so all that follows is whole numbers: float32, int8 and sktime's own kernels agree to the last bit, and a value
that is held for days never ties one way here and the other way there. Kernels add up to 0 and see shapes; levels are
counted beside them.

What is unknown in a window (NaN) is 0: as expected for a target, the middle of the training rows for a load; the last
channel says how much is known. What is infinite stands at the end of the curve. sktime is imported by `fit` alone,
since it loads for seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

MOST = 127.0
"""Whole numbers fit int8 on both sides."""
FAR = 1e6
"""In units of a curve's half-way value: beyond it a value is at the end of the curve, and infinities stand here."""
TAPS = 9
KERNELS = np.array(list(combinations(range(TAPS), 3)))
"""MiniRocket's 84: taps with weight 2, the others have -1 (Dempster, Schmidt and Webb 2021)."""
BIASES_A_KERNEL = 8
"""So 672 shares. Our choice."""
DILATIONS = 4
"""At most so many a kernel, and so each has two biases: a convolution a dilation costs int8 a copy of the window."""
LEVELS = 24
"""Of each channel: the share of steps at or above so many quantiles of the training windows, closest at both ends,
where failures are: a logistic curve from ENDS to 1 - ENDS. Our choice."""
ENDS = 0.0025
SEED = 20260103


@dataclass(frozen=True, slots=True)
class Curve:
    """How channels become whole numbers: float32 [channels] each, half of the way at `halfway` from `centre`."""

    centre: np.ndarray
    halfway: np.ndarray

    def whole(self, windows: np.ndarray) -> np.ndarray:
        """Windows [rows, channels, steps] as whole numbers from -MOST to MOST, float32, step by step as the graph."""
        off = (windows.astype(np.float32) - self.centre[:, None]) * (np.float32(1) / self.halfway)[:, None]
        off = np.clip(np.where(np.isnan(off), np.float32(0), off), np.float32(-FAR), np.float32(FAR))
        return np.round(off / (np.abs(off) + np.float32(1)) * np.float32(MOST))


@dataclass(frozen=True, slots=True)
class Group:
    """Features that one convolution gives: the share of its outputs above 0.

    `weight` is float32 [features, channels, taps] and `floor` [features] what is taken off, whole numbers both;
    `places` [features] says which columns of the features they are. With `padded`, steps before and after the window
    are 0, so as expected.
    """

    weight: np.ndarray
    floor: np.ndarray
    places: np.ndarray
    dilation: int
    padded: bool

    @property
    def padding(self) -> int:
        """Steps that are added on each side."""
        return (self.weight.shape[2] // 2) * self.dilation if self.padded else 0


@dataclass(frozen=True, slots=True)
class Rocket:
    """A fitted transform from windows [rows, channels, steps] to shares [rows, features] between 0 and 1."""

    curve: Curve
    kernels: Any  # sktime's MiniRocketMultivariate, fitted
    levels: np.ndarray  # float32 [channels, LEVELS], whole numbers
    steps: int

    @property
    def channels(self) -> int:
        """Of a window."""
        return len(self.levels)

    @property
    def width(self) -> int:
        """How many features there are: sktime's first, then those of levels, channel after channel."""
        return self.kernels.num_kernels_ + self.levels.size

    def level_places(self, channels: np.ndarray) -> np.ndarray:
        """Columns of the levels of some channels."""
        at = self.kernels.num_kernels_ + np.arange(self.levels.size).reshape(self.levels.shape)
        return at[channels].ravel()

    def shares(self, windows: np.ndarray) -> np.ndarray:
        """Features, float32 [rows, width], by sktime's transform; of levels by counting."""
        whole = self.curve.whole(windows)
        above = [
            (whole[:, :, None, :] > self.levels[:, at, None][:, None]).mean(axis=3)[..., 0] for at in range(LEVELS)
        ]
        counted = np.stack(above, axis=2).reshape(len(whole), -1)
        shapes = self.kernels.transform(whole).to_numpy()
        return np.concatenate([shapes, counted], axis=1, dtype=np.float32)

    def groups(self) -> list[Group]:
        """The same as convolutions: of each dilation those with padding and those without, then the levels."""
        taps, out, first, pair = _weights(self.channels, self.kernels.parameters), [], 0, 0
        _, _, dilations, counts, biases = self.kernels.parameters
        for number, (dilation, count) in enumerate(zip(dilations.tolist(), counts.tolist(), strict=True)):
            places = first + np.arange(len(KERNELS) * count).reshape(len(KERNELS), count)
            for padded in (True, False):
                own = np.flatnonzero((number + np.arange(len(KERNELS))) % 2 == (0 if padded else 1))
                weight, mine = np.repeat(taps[pair + own], count, axis=0), places[own].ravel()
                out.append(Group(weight, np.floor(biases[mine]), mine, dilation, padded))
            first, pair = first + places.size, pair + len(KERNELS)
        one = np.repeat(np.eye(self.channels, dtype=np.float32), LEVELS, axis=0)[:, :, None]
        return [*out, Group(one, self.levels.ravel(), self.level_places(np.arange(self.channels)), 1, False)]


def _weights(channels: int, parameters: tuple[np.ndarray, ...]) -> np.ndarray:
    """Taps of each dilation and kernel, float32 [pairs, channels, TAPS]; 0 where a channel is not looked at."""
    counts, chosen = parameters[0], np.split(parameters[1], np.cumsum(parameters[0])[:-1])
    taps = np.full((len(KERNELS), TAPS), -1.0, np.float32)
    taps[np.arange(len(KERNELS))[:, None], KERNELS] = 2.0
    out = np.zeros((len(counts), channels, TAPS), np.float32)
    for pair, own in enumerate(chosen):
        out[pair, own] = taps[pair % len(KERNELS)]
    return out


def curve_of(windows: np.ndarray, targets: int) -> Curve:
    """The curve of training windows: a target is measured from 0, what is expected, a load from its middle.

    Half of the way is gone at two spreads: finest where machines mostly are, and failures still told apart. Raises
    ValueError where a channel is unknown in every row.
    """
    known = windows.astype(np.float64).transpose(1, 0, 2).reshape(windows.shape[1], -1)
    if (empty := np.flatnonzero(np.isnan(known).all(axis=1))).size:
        raise ValueError(f"raw windows: channels {empty.tolist()} are unknown in every row: record a longer history")
    centre = np.nanmean(known, axis=1)
    centre[:targets] = 0.0
    centre[-1] = 0.0  # what is known is told from 0, which is nothing
    spread = np.sqrt(np.nanmean(np.square(known - centre[:, None]), axis=1))
    return Curve(centre.astype(np.float32), np.maximum(2.0 * spread, 1e-6).astype(np.float32))


def fit(windows: np.ndarray, targets: int, biases: int = BIASES_A_KERNEL, seed: int = SEED) -> Rocket:
    """MiniRocket fitted to raw windows [rows, channels, steps] of which the first `targets` channels are targets."""
    from sktime.transformations.panel.rocket import MiniRocketMultivariate

    curve = curve_of(windows, targets)
    whole = curve.whole(windows)
    kernels = MiniRocketMultivariate(
        num_kernels=len(KERNELS) * biases, max_dilations_per_kernel=DILATIONS, n_jobs=1, random_state=seed
    )
    kernels.fit(whole)
    end = np.log(1.0 / ENDS - 1.0)
    quantiles = 1.0 / (1.0 + np.exp(np.linspace(end, -end, LEVELS)))
    told = whole.transpose(1, 0, 2).reshape(whole.shape[1], -1)
    levels = np.ceil(np.quantile(told, quantiles, axis=1).T) - 1.0  # above it is at the quantile or above
    return Rocket(curve, kernels, levels.astype(np.float32), windows.shape[2])
