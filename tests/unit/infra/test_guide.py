"""The guide: its commands can be read by a shell, and name what there is."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import typer
import yaml

from pipelines.cli import app
from pipelines.roles import FEED, ROLES
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

GUIDE = ROOT / "infra" / "DEPLOY.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_all_its_blocks_are_of_commands():
    assert len(BLOCKS) > 8
    assert TEXT.count("```") == 2 * len(BLOCKS)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_shell_can_read_each_block(block):
    found = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_every_file_that_commands_name_is_there():
    named = set(re.findall(r"\binfra/[\w./-]*[\w]", " ".join(BLOCKS)))
    made = {"infra/.env", "infra/feeds.yaml"}
    assert "infra/compose.yaml" in named
    for name in named - made:
        assert (ROOT / name).exists(), name


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT):
        assert (GUIDE.parent / target).exists(), target


def test_every_setting_is_one():
    assert named_settings(TEXT) <= SETTINGS


def test_every_command_of_ours_is_one():
    known = {" ".join(path) for path in commands(typer.main.get_command(app))}
    written = re.findall(r"(?:forewarn|0\.1\.0) ((?:api|doctor|access)[a-z ]*)", " ".join(BLOCKS))
    assert len(written) == 7
    for words in written:
        assert any(words.strip().startswith(one) for one in known if one), words


def commands(command, path=()):
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


def test_every_role_is_in_its_table():
    for role in (*ROLES, FEED):
        assert f"`{' '.join(role.command)}" in TEXT


def test_the_file_of_feeds_that_it_shows_goes_with_the_compose_file(tmp_path):
    (shown,) = [block for block in BLOCKS if "feeds.yaml" in block]
    text = shown.partition("<<'END'\n")[2].partition("END\n")[0]
    (service,) = yaml.safe_load(text)["services"].values()
    base = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text(encoding="utf-8"))
    assert service["extends"]["service"] in base["services"]
    assert set(service["networks"]) <= set(base["networks"])
    assert tuple(service["command"][:1]) == FEED.command


def test_docker_would_read_both_files(deploycheck, tmp_path):
    """As Docker Compose does: what a service extends is read out of the other file."""
    (shown,) = [block for block in BLOCKS if "feeds.yaml" in block]
    infra = tmp_path / "infra"
    infra.mkdir()
    shutil.copy(ROOT / "infra" / "compose.yaml", infra)
    (infra / "feeds.yaml").write_text(shown.partition("<<'END'\n")[2].partition("END\n")[0])
    secrets = re.findall(r"^([A-Z_]+)=$", (ROOT / "infra" / ".env.example").read_text(), re.MULTILINE)
    (infra / "env").write_text("".join(f"{name}=x\n" for name in secrets))
    words = [deploycheck, "compose", infra / "compose.yaml", infra / "env", infra / "feeds.yaml"]
    found = subprocess.run(words, capture_output=True, text=True, check=False, env={})
    assert found.returncode == 0, found.stderr
    assert '"line1"' in found.stdout
