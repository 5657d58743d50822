"""The file of labels: whole or not there, and what is wrong with it is told."""

from __future__ import annotations

import pytest

from connectors.cmms import labels as of
from connectors.files.table import MapError
from tests.kit.documents import label


def test_what_is_written_is_read_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "new" / "labels.jsonl"
    of.write_labels(path, [label("2"), label("1")])
    assert {one.document for one in of.read_labels(path)} == {"1", "2"}
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "labels.jsonl"
    of.write_labels(path, [label("1")])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(of.os, "fsync", full)
    with pytest.raises(MapError, match="No space left"):
        of.write_labels(path, [label("2")])
    assert path.read_bytes() == before


def test_a_file_that_is_none_is_an_error_with_file_and_line(tmp_path):
    path = tmp_path / "labels.jsonl"
    with pytest.raises(MapError, match="forewarn labels import"):
        of.read_labels(path)
    path.write_text("{}\n")
    with pytest.raises(MapError, match=r"labels.jsonl: line 1 is no label"):
        of.read_labels(path)
