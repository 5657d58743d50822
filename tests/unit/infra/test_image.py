"""The image: what its file says as BuildKit reads it, what it is made of, and its health check."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from infra.bin import sbom
from pipelines.roles import FEED, ROLES
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

DOCKERFILE = ROOT / "infra" / "docker" / "Dockerfile"
LOCK = ROOT / "requirements-deploy.lock"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def image(deploycheck):
    read = subprocess.run([deploycheck, "dockerfile", DOCKERFILE], capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    return json.loads(read.stdout)


pytestmark = pytest.mark.timeout(1200)  # the first test of a machine builds the reader


def told(stage: dict, name: str) -> list[str]:
    return [text for kind, text in stage["Instructions"] if kind.upper() == name]


def test_buildkit_reads_the_dockerfile_and_its_own_rules_find_nothing(image):
    assert image["warnings"] == []
    assert [stage["Name"] for stage in image["stages"]] == ["build", ""]


def test_the_last_stage_runs_as_a_number_that_is_not_root_and_says_how_it_is(image):
    last = image["stages"][-1]
    (user,) = told(last, "USER")
    assert re.fullmatch(r"USER [1-9]\d{3,}:[1-9]\d{3,}", user)
    (entry,) = told(last, "ENTRYPOINT")
    assert json.loads(entry.removeprefix("ENTRYPOINT "))[-1] == "forewarn"
    assert told(last, "HEALTHCHECK")
    assert {f"org.opencontainers.image.{name}" for name in ("title", "version", "revision")} <= set(
        re.findall(r"org\.opencontainers\.image\.\w+", told(last, "LABEL")[0])
    )


def test_the_last_stage_has_no_compiler_and_installs_no_python_package(image):
    ran = " ".join(told(image["stages"][-1], "RUN"))
    assert not re.search(r"\b(gcc|g\+\+|build-essential|clang|make|pip|cargo)\b", ran)


def test_every_package_is_installed_by_its_hash(image):
    installs = re.findall(r"\binstall\b[^&]*", " ".join(told(image["stages"][0], "RUN")))
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)


def test_what_is_copied_is_there_and_let_in(image):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for stage in image["stages"]:
        for copy in told(stage, "COPY"):
            words = copy.split()[1:-1]
            if words[0].startswith("--from"):
                continue
            for source in words:
                assert (ROOT / source).exists(), source
                assert f"!{Path(source).parts[0]}" in ignored, source


def test_no_file_of_secrets_gets_into_an_image():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    kept_out = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {"infra/**/.env", "infra/**/*.env"} <= set(ignored[ignored.index("!infra") :])
    assert {"infra/.env", "infra/forewarn.env", "infra/deliver.env"} <= set(kept_out)


def test_the_environment_names_settings_only(image):
    assert named_settings(DOCKERFILE.read_text(encoding="utf-8")) <= SETTINGS


def test_its_version_is_the_projects(image):
    assert f"ARG VERSION={PROJECT['project']['version']}" in told(image["stages"][-1], "ARG")


def test_the_lock_has_what_each_role_needs():
    extras = {role.extra for role in (*ROLES, FEED)} - {""}
    needed = list(PROJECT["project"]["dependencies"])
    for extra in extras:
        needed += PROJECT["project"]["optional-dependencies"][extra]
    locked = {canonicalize_name(package.name) for package in sbom.read(LOCK)}
    assert {canonicalize_name(Requirement(need).name) for need in needed} <= locked


@pytest.mark.parametrize("other", ["requirements.lock", "requirements-dev.lock"])
def test_what_is_deployed_is_what_is_tested(other):
    theirs = {(package.name, package.marker): package for package in sbom.read(ROOT / other)}
    both = [package for package in sbom.read(LOCK) if (package.name, package.marker) in theirs]
    assert len(both) > 60
    assert [one.purl for one in both] == [theirs[one.name, one.marker].purl for one in both]


def test_the_wheel_is_built_by_the_setuptools_that_the_project_names():
    (wanted,) = PROJECT["build-system"]["requires"]
    (locked,) = sbom.read(ROOT / "infra" / "docker" / "build.lock")
    assert f"{locked.name}=={locked.version}" == wanted


def test_the_bill_names_every_locked_package_with_version_hashes_and_purl():
    ran = subprocess.run(
        [sys.executable, ROOT / "infra" / "bin" / "sbom.py", LOCK], capture_output=True, text=True, check=True
    )
    bill = json.loads(ran.stdout)
    text = LOCK.read_text(encoding="utf-8")
    assert {(one["name"], one["version"]) for one in bill["components"]} == set(
        re.findall(r"^([a-zA-Z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", text, re.MULTILINE)
    )
    told = {
        digest["content"]
        for one in bill["components"]
        for source in one["externalReferences"]
        for digest in source["hashes"]
    }
    assert told == set(re.findall(r"--hash=sha256:([0-9a-f]{64})", text))
    assert all(one["purl"] == f"pkg:pypi/{one['name']}@{one['version']}" for one in bill["components"])
    refs = {one["bom-ref"] for one in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {of for one in bill["dependencies"] for of in (one["ref"], *one["dependsOn"])} <= refs


@pytest.mark.parametrize("line", ["numpy>=2", "numpy==2.0", "numpy==2.0 \\\n    --hash=md5:00", "# nothing"])
def test_a_lock_without_versions_or_hashes_is_refused(tmp_path, line):
    (tmp_path / "some.lock").write_text(line + "\n")
    with pytest.raises(sbom.LockError):
        sbom.read(tmp_path / "some.lock")


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()
        self.wfile.write(b'{"reasons": {"kafka": "away"}}')

    def log_message(self, *_):
        pass


@pytest.fixture
def served():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("path", "status"), [("/healthz", 0), ("/readyz", 1)])
def test_the_health_check_is_what_the_role_answers(served, path, status):
    script = ROOT / "infra" / "docker" / "healthy.py"
    ran = subprocess.run([sys.executable, "-I", script, served + path], capture_output=True, text=True, check=False)
    assert ran.returncode == status
    assert ("away" in ran.stderr) == (status == 1)


def test_the_health_check_fails_where_nobody_answers():
    script = ROOT / "infra" / "docker" / "healthy.py"
    ran = subprocess.run([sys.executable, script, "http://127.0.0.1:1/healthz"], capture_output=True, check=False)
    assert ran.returncode == 1
