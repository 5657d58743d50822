"""Nothing is told to anybody but whom the settings name: libraries that would are silenced before they load."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.unit.infra.deployed import ROOT

RUNS = """
import {first}
import onnxruntime
onnxruntime.InferenceSession("models/starter/pump.onnx")
"""


def left_behind(home, code: str) -> list[str]:
    """What files a program keeps in its home, where onnxruntime 1.32 has an id of the machine and what it sends.

    In a bare environment: in that of a build service it keeps still by itself.
    """
    given = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, check=True, capture_output=True)
    return [path.name for path in home.rglob("*") if path.is_file()]


@pytest.mark.parametrize("first", ["models.inference", "onnx_export.latency"])
def test_models_run_without_a_trace_of_telemetry(tmp_path, first):
    assert left_behind(tmp_path, RUNS.format(first=first)) == []


def test_there_would_be_one_else(tmp_path):
    """Should this fail, onnxruntime has given it up, and the line in models/__init__.py can go."""
    assert "deviceid" in left_behind(tmp_path, RUNS.format(first="os"))


def test_the_image_says_so_too():
    assert "ORT_DISABLE_TELEMETRY=1" in (ROOT / "infra" / "docker" / "Dockerfile").read_text(encoding="utf-8")
