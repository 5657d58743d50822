"""Slow windows are known until something changes that was summed."""

from __future__ import annotations

import numpy as np
import pytest

from models.failure.learned import Learned
from models.features import Known
from pipelines.partition import Partition
from pipelines.state import Block
from tests.kit import tiny

END = 40


@pytest.fixture
def block() -> Block:
    """Of two pumps, whose slow windows end before bin END."""
    made = Partition(tiny.plant(), tiny.models()).state.blocks["pump"]
    for asset in ("pump-01", "pump-02"):
        made.slow[made.index_of(asset)] = Known((END, 0, b"", b""), np.zeros(1))
    made.make_room()
    return made


@pytest.mark.parametrize(("changed", "left"), [(END - 1, {1}), (END, {0, 1})])
def test_a_bin_that_changes_has_those_forgotten_that_end_after_it(block: Block, changed: int, left: set[int]) -> None:
    block.forget_slow(np.array([0]), np.array([changed]))
    assert block.slow.keys() == left


def test_all_that_changes_of_an_asset_has_its_own_forgotten(block: Block) -> None:
    block.stir(1)
    assert block.slow.keys() == {0}


def test_another_list_of_features_has_all_forgotten(block: Block) -> None:
    block.adopt(Learned())
    assert not block.slow
