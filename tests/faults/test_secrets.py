"""A token comes from the environment or a file, and is in nothing that a process says, whatever goes wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import environment
from tests.faults.trace import log_of
from tests.kit import streams
from tests.kit.installation import ROOT, Installation
from tests.unit.connectors.test_metrics import page

pytestmark = pytest.mark.servers

WRONG = "wr0ng-t0ken-that-nobody-may-see"


def said(environ: dict[str, str], folder: Path, *arguments: str) -> str:
    """All that a command says, whether it goes well or not."""
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    environ = environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
    return f"{done.returncode}\n{done.stdout}\n{done.stderr}"


def test_a_worker_and_its_metrics_do_not_say_the_token(servers, tmp_path):
    with Installation(tmp_path) as installation:
        token = installation.settings.influx_token.get_secret_value()
        installation.send(streams.stream(9, minutes=60))
        worker = installation.worker(program=("pipelines.cli", "worker", "--loud"))
        installation.finish()
        log = log_of(installation, 0)
        metrics = page(int(re.findall(r"127\.0\.0\.1:(\d+)/metrics", log)[0]))
        command = Path(f"/proc/{worker.pid}/cmdline").read_text()
        installation.stop(worker)
        log = log_of(installation, 0)
        doctor = said(environment(installation.settings), tmp_path, "doctor")
        as_json = said(environment(installation.settings), tmp_path, "doctor", "--json")
    assert len(token) > 8
    assert "partition-taken-over" in log
    assert "InfluxDB" in doctor
    for text in (log, metrics, command, doctor, as_json):
        assert token not in text


@pytest.mark.parametrize(("command", "influx"), [("worker", "27"), ("doctor", "27"), ("doctor", "18")])
def test_a_wrong_token_is_told_of_without_saying_it(servers, tmp_path, command, influx):
    secret = f"nobody:{WRONG}" if influx == "18" else WRONG
    with Installation(tmp_path, influx) as installation:
        environ = environment(installation.settings)
        del environ["FOREWARN_INFLUX_TOKEN"]
        (tmp_path / "forewarn.env").write_text(f"FOREWARN_INFLUX_TOKEN={secret}\n")
        told = said(environ, tmp_path, command, *(["--loud"] if command == "worker" else []))
    assert "FOREWARN_INFLUX_TOKEN" in told
    assert not told.startswith("0")
    assert WRONG not in told


def test_no_command_takes_a_token(servers, tmp_path):
    from typer.main import get_command

    from pipelines.cli import app

    waiting, seen = [get_command(app)], set()
    while waiting:
        command = waiting.pop()
        waiting += getattr(command, "commands", {}).values()
        seen |= {option for parameter in command.params for option in parameter.opts}
    assert "--loud" in seen
    assert not {option for option in seen if re.search("token|password|secret", option)}
