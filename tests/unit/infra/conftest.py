"""Tools that read deployment files as their engines do, built once into the cache; skipped where there is no Go."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from infra.bin import go_tools
from infra.bin.layout import Options

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def deploycheck() -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go here, which builds the reader of compose files")
    return go_tools.deploycheck(Options())


@pytest.fixture(scope="session")
def helm() -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go here, which builds Helm")
    return go_tools.helm(Options())
