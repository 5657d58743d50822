"""What tests of runners and ownership share."""

from __future__ import annotations

import pytest


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody wait for long before trying again."""
    monkeypatch.setattr("pipelines.runner.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("pipelines.ownership.RECLAIM_S", 0.02)
    monkeypatch.setattr("pipelines.ownership.AGAIN_S", 0.001)
    monkeypatch.setattr("pipelines.ownership.HOLE_S", 0.05)
    monkeypatch.setattr("pipelines.ownership.GRACE_S", 0.2)
