"""Every role as containers and units run it: all file systems read-only but the cache and a folder for the moment, no
capability, no way to get one. Only where mount namespaces may be made.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.console.keys import Role as Caller
from connectors.console.keys import new_key
from pipelines.cli import environment
from pipelines.roles import FEED, ROLES, Port, Role
from pipelines.settings import STARTER
from tests.kit.installation import ROOT, Installation
from tests.kit.ports import free_port

pytestmark = pytest.mark.servers
HEALTHY = ROOT / "infra" / "docker" / "healthy.py"
PATIENCE_S, AT_WORK_S, GRACE_S = 60.0, 6.0, 45.0
"""How long a role may take until it answers; how long one that answers nothing has to run; what deployments wait."""
LOCKED = """
mount --bind "$1" "$1" && mount -t tmpfs tmpfs /var/tmp && mount -o remount,bind,ro / && shift || exit 99
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


@pytest.fixture(scope="module")
def locked() -> tuple[str, ...]:
    """A command before a command. The first word after it is the folder that stays writable."""
    if not shutil.which("unshare") or not shutil.which("setpriv"):
        pytest.skip("no unshare and setpriv here")
    words = ("unshare", "--mount", "sh", "-c", LOCKED, "sh")
    tried = subprocess.run(
        [*words, "/var/tmp", "sh", "-c", f"! touch {ROOT}/touched"], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip("no mount namespaces here")
    return words


@pytest.fixture(scope="module")
def plant(servers, tmp_path_factory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("locked")
    _, told = new_key("test", Caller.VIEWER, ())
    with Installation(
        folder,
        plant=(STARTER / "pumps.toml").read_text(),
        cache=folder / "cache",
        api_keys=told,
        subscriptions=ROOT / "infra" / "examples" / "sinks" / "topic.toml",
    ) as made:
        (folder / "cache").mkdir()
        shutil.copy(STARTER / "weld.toml", made.folder)
        yield made


def command_of(role: Role, plant: Installation, port: int) -> list[str]:
    words = [sys.executable, "-m", "pipelines.cli", *role.command]
    if role.port is Port.CONSOLE:
        return [*words, "--port", str(port)]
    if role is FEED:
        config = plant.folder / "line1.toml"
        lines = [
            f'folder = "{plant.folder}"',
            'pattern = "*.csv"',
            'format = "long"',
            'time_format = "iso"',
            'zone = "UTC"',
        ]
        config.write_text("\n".join(lines))
        return [*words, "files", "--config", str(config)]
    return words


@pytest.mark.parametrize("role", [pytest.param(role, id=role.name) for role in (*ROLES, FEED)])
def test_a_role_works_where_nothing_but_its_cache_can_be_written_and_ends_when_told(role, plant, locked, tmp_path):
    port, log = free_port(), tmp_path / "log"
    environ = environment(plant.settings) | {
        "FOREWARN_PLANT": str(plant.folder if role.name == "tune" else plant.settings.plant),
        "FOREWARN_METRICS_PORT": str(port),
        "TMPDIR": "/var/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with log.open("wb") as told:
        started = subprocess.Popen(
            [*locked, str(plant.settings.cache), *command_of(role, plant, port)],
            cwd=ROOT, env=environ, stdout=told, stderr=told,
        )  # fmt: skip
    try:
        began_s = time.monotonic()
        while not answers(role, port) if role.port else time.monotonic() - began_s < AT_WORK_S:
            assert started.poll() is None, log.read_text()
            assert time.monotonic() - began_s < PATIENCE_S, log.read_text()
            time.sleep(0.3)
        started.send_signal(signal.SIGTERM)
        assert started.wait(GRACE_S) in (0, -signal.SIGTERM), log.read_text()
    finally:
        started.kill()
        started.wait()
    assert "Read-only file system" not in log.read_text()
    assert "Operation not permitted" not in log.read_text()
    assert "telemetry" not in log.read_text()


def answers(role: Role, port: int) -> bool:
    """What the container's health check finds."""
    assert role.port
    asked = [sys.executable, "-I", HEALTHY, f"http://127.0.0.1:{port}/healthz"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def test_what_cannot_be_written_is_found_here(locked, tmp_path):
    """The lock itself: a file beside the cache is refused, one in it is not."""
    inside, outside = tmp_path / "cache", tmp_path / "other"
    inside.mkdir()
    for path, status in ((inside / "x", 0), (outside, 1), (Path("/etc/x"), 1)):
        found = subprocess.run([*locked, str(inside), "touch", path], capture_output=True, check=False)
        assert found.returncode == status, found.stderr
