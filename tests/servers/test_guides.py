"""Guides are followed as they stand: every command is run, and what they show of its output is what it prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import guides
from tests.kit.guide_reader import Reader

pytestmark = pytest.mark.servers


@pytest.mark.timeout(900)  # each block has a limit of its own
@pytest.mark.parametrize("chain", list(guides.chains()), ids=lambda chain: chain[-1])
def test_a_newcomer_can_follow(servers, tmp_path: Path, chain: tuple[str, ...]) -> None:
    with Reader(tmp_path) as reader:
        for name in chain:
            took = reader.follow(name)
            print(f"{name}: {sum(took.values()):.0f} s, the longest {max(took, key=took.__getitem__)}")
