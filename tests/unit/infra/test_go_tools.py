"""Tools out of Go modules: built once, of the versions that are named, and said so where Go is missing or too old."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from infra.bin import go_tools
from infra.bin.layout import Options, ServicesError
from tests.unit.infra.charts.rendered import CHART

pytestmark = pytest.mark.timeout(1200)  # the first test of a machine builds Helm


def test_helm_is_the_version_that_is_named(helm):
    told = subprocess.run([helm, "version", "--template", "{{.Version}}"], capture_output=True, text=True, check=True)
    assert told.stdout == f"v{go_tools.HELM_VERSION}"


def test_helm_renders_for_the_kubernetes_that_it_was_made_for(helm, tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: x\nversion: 0.1.0\n")
    (tmp_path / "templates" / "x.yaml").write_text("kube: {{ .Capabilities.KubeVersion.Version }}\n")
    told = subprocess.run([helm, "template", tmp_path], capture_output=True, text=True, check=True)
    assert f"kube: v{'.'.join(go_tools.KUBERNETES)}.0" in told.stdout


def test_the_chart_is_packed(helm, tmp_path):
    subprocess.run([helm, "package", CHART, "--destination", tmp_path], capture_output=True, check=True)
    assert [file.name for file in tmp_path.iterdir()] == ["forewarn-0.1.0.tgz"]


def test_what_is_in_the_cache_is_not_built_again(deploycheck):
    assert go_tools.deploycheck(Options(environ={"PATH": ""})) == deploycheck


def test_a_machine_without_go_is_told_what_to_install(tmp_path):
    with pytest.raises(ServicesError, match="go is missing: it is needed to build Helm"):
        go_tools.helm(Options(cache=tmp_path, environ={"PATH": str(tmp_path)}))
    assert [path.name for path in (tmp_path / "programs").iterdir() if not path.name.endswith(".lock")] == []


def test_the_oldest_go_is_what_the_module_asks_for():
    asked = re.search(r"^go (\d+)\.(\d+)", (go_tools.RECIPE / "go.mod").read_text(), re.MULTILINE)
    assert asked and (int(asked[1]), int(asked[2])) == go_tools.OLDEST_GO


@pytest.mark.parametrize("words", [(), ("compose",), ("compose", "x"), ("image", "x")])
def test_the_checker_says_how_it_is_asked(deploycheck, words):
    found = subprocess.run([deploycheck, *words], capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "usage" in found.stderr or "unknown" in found.stderr


def test_the_checker_finds_what_is_wrong_with_files(deploycheck, tmp_path):
    wrong = tmp_path / "compose.yaml"
    wrong.write_text("services:\n  a:\n    image: x\n    reed_only: true\n")
    (tmp_path / "env").write_text("")
    found = subprocess.run(
        [deploycheck, "compose", wrong, tmp_path / "env"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1 and "reed_only" in found.stderr
    (tmp_path / "Dockerfile").write_text("FROM x AS Stage\nMAINTAINER me\n")
    found = subprocess.run(
        [deploycheck, "dockerfile", tmp_path / "Dockerfile"], capture_output=True, text=True, check=True
    )
    assert {one["Rule"] for one in json.loads(found.stdout)["warnings"]} >= {"StageNameCasing", "MaintainerDeprecated"}
