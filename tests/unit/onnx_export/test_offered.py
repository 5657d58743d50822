"""A net of eight bits by the command: measured beside float32, written only where it holds what is asked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.inference import Predictor
from onnx_export.offered import WindowsError, offered, read_windows
from onnx_export.quantise import Measured
from tests.unit.onnx_export import small_net
from tests.unit.pipelines.test_training_command import forewarn


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A small net, and windows with what came of them."""
    folder = tmp_path_factory.mktemp("net")
    (folder / "net.onnx").write_bytes(small_net.graph())
    flat = small_net.flat()
    np.savez(folder / "windows.npz", training=flat[:300], held_out=flat[300:], failed=small_net.hours()[300:] <= 72)
    np.savez(folder / "short.npz", training=flat[:300])
    np.savez(folder / "calm.npz", training=flat[:300], held_out=flat[300:], failed=np.zeros(100, bool))
    return folder


def test_figures_are_of_the_very_graph_that_is_given_back(place):
    made, measured = offered(small_net.graph(), read_windows(place / "windows.npz"))
    assert measured.size == len(made) / len(small_net.graph())
    assert measured.rows_differing_by_batch == 0
    assert abs(measured.loss) < 0.1
    assert Predictor(made).outputs == 6


@pytest.mark.parametrize(("speed", "refused"), [(3.0, []), (1.0, ["less than 2.3 times as fast as float32"])])
def test_a_net_is_written_only_where_nothing_is_refused(place, monkeypatch, tmp_path, speed, refused):
    """What was measured is given: how fast a net is depends on the machine."""
    measured = Measured(size=0.25, speed=speed, loss=0.0, rows_differing_by_batch=0)
    monkeypatch.setattr("onnx_export.offered.offered", lambda *_: (b"int8", measured))
    to = tmp_path / "int8.onnx"
    arguments = ("quantize", "net.onnx", "--windows", "windows.npz", "--out", str(to), "--json")
    told = json.loads(forewarn(*arguments, folder=place, status=int(bool(refused))))
    assert told["refused"] == refused
    assert to.exists() == (not refused)


def test_a_net_without_windows_is_told_what_it_takes(place):
    assert "give --windows FILE.npz" in forewarn("quantize", "net.onnx", folder=place, status=1)


@pytest.mark.parametrize(
    ("name", "words"),
    [("short", "lacks held_out, failed"), ("calm", "of both kinds"), ("none", "cannot be read as .npz")],
)
def test_windows_that_cannot_judge_are_refused(place, name, words):
    with pytest.raises(WindowsError, match=words):
        read_windows(place / f"{name}.npz")
