"""The units of systemd: against the table of roles, the settings, and what systemd itself says of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.roles import FEED, ROLES, Port, Role
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

UNITS = ROOT / "infra" / "systemd"
FORBIDS = {
    "NoNewPrivileges": ["true"],
    "CapabilityBoundingSet": [""],
    "AmbientCapabilities": [""],
    "ProtectSystem": ["strict"],
    "ProtectHome": ["true"],
    "PrivateTmp": ["true"],
    "PrivateDevices": ["true"],
    "PrivateUsers": ["true"],
    "DevicePolicy": ["closed"],
    "ProtectClock": ["true"],
    "ProtectHostname": ["true"],
    "ProtectProc": ["invisible"],
    "ProtectKernelTunables": ["true"],
    "ProtectKernelModules": ["true"],
    "ProtectKernelLogs": ["true"],
    "ProtectControlGroups": ["true"],
    "RestrictAddressFamilies": ["AF_UNIX AF_INET AF_INET6"],
    "RestrictNamespaces": ["true"],
    "RestrictRealtime": ["true"],
    "RestrictSUIDSGID": ["true"],
    "LockPersonality": ["true"],
    "SystemCallArchitectures": ["native"],
    "SystemCallFilter": ["@system-service", "~@privileged"],
    "UMask": ["0077"],
}
EXPOSED = 15
"""Tenths of what systemd-analyze calls exposure, at most; 1.5 is 'OK', and a unit without any of this has 9.6."""


EDGE = Role(name="edge", command=("edge",), does="worker, feeds, deliveries and page in one process", port=Port.METRICS)
"""No role of the table, but all of them at once (pipelines.cli.edge)."""


def file_of(role: Role) -> Path:
    return UNITS / f"forewarn-{role.name}{'@' if role is FEED else ''}.service"


def parsed(file: Path) -> dict[str, dict[str, list[str]]]:
    """Sections, keys and values, many of a key in their order (systemd.syntax(7)); no line is continued here."""
    found: dict[str, dict[str, list[str]]] = {}
    keys: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            keys = found.setdefault(line[1:-1], {})
        elif line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, f"{file.name}: {line}"
            keys.setdefault(key, []).append(value)
    return found


EVERY = [pytest.param(role, id=role.name) for role in (*ROLES, FEED, EDGE)]


def test_there_is_a_unit_for_each_role_and_no_other():
    assert {file.name for file in UNITS.iterdir()} == {
        *(file_of(role).name for role in (*ROLES, FEED, EDGE)), "forewarn.target"
    }  # fmt: skip


@pytest.mark.parametrize("role", EVERY)
def test_it_starts_the_roles_command(role):
    (command,) = parsed(file_of(role))["Service"]["ExecStart"]
    program, *words = command.split()
    assert program == "/opt/forewarn/current/bin/forewarn"
    more = {FEED.name: ["${FEED}", "--config", "/etc/forewarn/feeds/%i.toml"], EDGE.name: ["$FEEDS"]}
    assert words == [*role.command, *more.get(role.name, [])]


@pytest.mark.parametrize("role", EVERY)
def test_it_may_do_little(role):
    service = parsed(file_of(role))["Service"]
    assert {name: service.get(name) for name in FORBIDS} == FORBIDS
    assert service["User"] == ["forewarn"]
    assert service["StateDirectory"] == ["forewarn"]
    assert service["Environment"] == ["FOREWARN_CACHE=/var/lib/forewarn"]


@pytest.mark.parametrize("role", EVERY)
def test_it_waits_for_word_of_a_role_that_gives_it_and_of_no_other(role):
    service = parsed(file_of(role))["Service"]
    notifies = role.name in {"worker", FEED.name, EDGE.name}  # these have connectors.systemd
    assert service["Type"] == (["notify"] if notifies else ["exec"])
    assert ("WatchdogSec" in service) == notifies
    assert service["Restart"] == ["always"]


@pytest.mark.parametrize("role", EVERY)
def test_it_starts_and_ends_with_the_target(role):
    unit = parsed(file_of(role))
    assert unit["Install"]["WantedBy"] == ["forewarn.target"]
    assert unit["Unit"]["PartOf"] == ["forewarn.target"]


@pytest.mark.parametrize("role", EVERY)
def test_every_name_of_ours_is_a_setting_and_secrets_are_in_files(role):
    assert named_settings(file_of(role).read_text(encoding="utf-8")) <= SETTINGS
    files = parsed(file_of(role))["Service"]["EnvironmentFile"]
    assert files[0] == "/etc/forewarn/forewarn.env"
    assert len(files) == 2


@pytest.fixture
def analyze():
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("no systemd here")
    return found


@pytest.mark.parametrize("role", EVERY)
def test_systemd_understands_every_line(analyze, role, tmp_path):
    """With a program in the place of ours, which is not there."""
    for file in UNITS.iterdir():
        text = re.sub(r"^ExecStart=\S+", f"ExecStart={shutil.which('true')}", file.read_text(), flags=re.MULTILINE)
        (tmp_path / file.name).write_text(text)
    found = subprocess.run(
        [analyze, "verify", "--man=no", tmp_path / file_of(role).name], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("role", EVERY)
def test_systemd_calls_its_exposure_small(analyze, role):
    found = subprocess.run(
        [analyze, "security", "--offline=yes", f"--threshold={EXPOSED}", file_of(role)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "offline" in found.stderr:
        pytest.skip("this systemd does not look at files that are not loaded")
    assert found.returncode == 0, found.stdout[-2000:]
