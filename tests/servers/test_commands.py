"""The commands a newcomer types, in order, on servers that `forewarn up` starts and `forewarn down` ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from infra.bin.layout import Options

pytestmark = pytest.mark.servers
ROOT = Path(__file__).parents[2]


class Shell:
    """Runs `forewarn` with a cache of its own that shares the programs."""

    def __init__(self, cache: Path) -> None:
        (cache / "programs").symlink_to(Options().programs)
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("FOREWARN_")}
        self.environ |= {"FOREWARN_CACHE": str(cache), "FOREWARN_SERVERS": "local", "COLUMNS": "200"}

        self.log = cache / "worker.log"

    def start(self, *arguments: str, output: int | IO[str] = subprocess.PIPE) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=self.environ, stdout=output, stderr=output, text=True)

    def worker(self) -> subprocess.Popen[str]:
        with self.log.open("w") as log:
            return self.start("worker", output=log)

    def run(self, *arguments: str, status: int = 0) -> str:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=240)
        except subprocess.TimeoutExpired as late:
            process.kill()
            raise AssertionError(f"{late}; the worker says:\n{self.log.read_text()}") from late
        assert process.returncode == status, out + err
        return out + err


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    yield made
    made.run("down")


def test_up_doctor_simulate_worker_alerts_status_and_down(servers, shell: Shell) -> None:
    assert "records" in shell.run("up", "--influx", "2.7")
    assert "no" not in [line.split()[0] for line in shell.run("doctor").splitlines() if line.strip()]
    assert all(json.loads(shell.run("status", "--json"))["states"][name] == "running" for name in ("kafka", "influx"))
    assert "InfluxDB 2.7" in shell.run("doctor")
    shell.environ["FOREWARN_PARTITIONS"] = "3"
    assert "FOREWARN_PARTITIONS is 3, but the topics have 6: set it to that" in shell.run("doctor", status=1)
    del shell.environ["FOREWARN_PARTITIONS"]
    shell.environ["FOREWARN_TICK_S"] = "0"
    worker = shell.worker()
    streamed = shell.run("simulate", "--days", "20", "--live-rows", "120", "--pace", "600")
    assert "streamed 3" in streamed.replace(",", "")
    time.sleep(1)
    worker.terminate()
    assert worker.wait(20) == 0
    warnings = [json.loads(line) for line in shell.run("alerts", "watch", "--once", "--json").splitlines()]
    assert {warning["reason"] for warning in warnings} >= {"opened", "repaired"}
    watched = shell.run("alerts", "watch", "--once").splitlines()
    assert sum(not line.startswith(" ") for line in watched) == len(warnings)
    assert [line for line in watched if "simulated pumps" not in line] == []
    books = json.loads(shell.run("ledger", "--json"))
    assert books["balances"] and books["total"]["sources"]["simulator"]["rows_read"] > 30_000
    assert "simulator" in shell.run("ledger")
    notices = json.loads(shell.run("notices", "--all", "--json"))
    assert {notice["kind"] for notice in notices} >= {"sensor-fault"} and shell.run("notices")
    assert "kafka" in shell.run("down")
    shell.run("status", status=3)
    assert "forewarn up" in shell.run("alerts", "watch", "--once", status=1)
