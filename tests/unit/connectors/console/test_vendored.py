"""Files of other people on the page: as they were taken, and nothing beside them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import connectors.console
from infra.bin.vendor import VendorError, check

VENDOR = Path(connectors.console.__file__).parent / "page" / "vendor"
LISTED = {
    Path(path).name: told
    for package in json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8")).values()
    for path, told in package["files"].items()
}


@pytest.mark.parametrize("name", LISTED)
def test_a_vendored_file_is_what_the_list_says(name):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == LISTED[name]


def test_every_vendored_file_is_on_the_list():
    assert {path.name for path in VENDOR.iterdir()} == {"vendored.json", *LISTED}


def test_an_archive_that_is_not_the_one_named_is_refused():
    with pytest.raises(VendorError, match="uplot is not what"):
        check(b"something else", "sha512-KIMVnG68", "uplot")
