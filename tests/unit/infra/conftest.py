"""Tools that read deployment files as their engines do, built once into the cache; skipped where there is no Go."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.bin import go_tools, programs
from infra.bin.layout import Options, ServicesError


@pytest.fixture(scope="session")
def options() -> Options:
    found = Options()
    try:
        programs.find_go(go_tools.OLDEST_GO, "build what reads deployment files", found.environ)
    except ServicesError as none:
        pytest.skip(str(none))
    return found


@pytest.fixture(scope="session")
def deploycheck(options) -> Path:
    return go_tools.deploycheck(options)


@pytest.fixture(scope="session")
def helm(options) -> Path:
    return go_tools.helm(options)
