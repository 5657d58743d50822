"""The compose file, as the code that Docker reads it with understands it, against roles, settings and our servers."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from infra.bin import docker, influx_build, kafka
from pipelines.roles import ROLES, Port
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

COMPOSE = ROOT / "infra" / "compose.yaml"
EXAMPLE = ROOT / "infra" / ".env.example"
ASKED = re.findall(r"^([A-Z_]+)=$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = pytest.mark.timeout(1200)  # the first test of a machine builds the reader


def read(deploycheck, env_file) -> subprocess.CompletedProcess:
    return subprocess.run(
        [deploycheck, "compose", COMPOSE, env_file], capture_output=True, text=True, check=False, env={}
    )


@pytest.fixture(scope="module")
def project(deploycheck, tmp_path_factory):
    env_file = tmp_path_factory.mktemp("env") / "env"
    env_file.write_text("".join(f"{name}=secret-{name.lower()}\n" for name in ASKED))
    found = read(deploycheck, env_file)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


@pytest.fixture(scope="module")
def roles(project):
    return {name: one for name, one in project["services"].items() if one["image"].startswith("forewarn:")}


def test_it_fits_the_schema_and_every_role_is_a_service(roles):
    assert set(roles) == {role.name for role in ROLES}
    for role in ROLES:
        assert tuple(roles[role.name]["command"][: len(role.command)]) == role.command


def test_only_roles_that_share_work_are_more_than_one(project):
    many = {name for name, one in project["services"].items() if "replicas" in one.get("deploy", {})}
    assert many == {role.name for role in ROLES if role.many}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_that_serves_is_asked_where_it_answers_and_no_other(roles, role):
    port = {Port.METRICS: "9464", Port.CONSOLE: "8080", None: None}[role.port]
    asked = roles[role.name]["healthcheck"]
    if port is None:
        assert asked == {"disable": True}
    else:
        assert asked["test"][-1] == f"http://127.0.0.1:{port}/healthz"


@pytest.mark.parametrize("missing", ASKED)
def test_nothing_starts_without_each_secret_since_none_has_a_default(deploycheck, tmp_path, missing):
    env_file = tmp_path / "env"
    env_file.write_text("".join(f"{name}=x\n" for name in ASKED if name != missing))
    found = read(deploycheck, env_file)
    assert found.returncode == 1
    assert f"required variable {missing} is missing" in found.stderr


def test_what_is_secret_comes_from_the_env_file_alone(project):
    for name, service in project["services"].items():
        for key, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN$|KEYS$|SECRET|_USER$|USERNAME", key):
                assert value.startswith("secret-"), f"{name}: {key}"


def test_every_service_is_hardened(project):
    for name, service in project["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "healthcheck" in service, name
        assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service), name
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"]), f"{name}: pin {service['image']}"


def test_what_is_reached_from_outside_is_on_the_loopback_address_alone(project):
    ports = [port for service in project["services"].values() for port in service.get("ports", ())]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    assert {port["target"] for port in ports} == {8080, 3000}


def test_roles_wait_until_the_servers_answer(roles):
    for name, role in roles.items():
        waits = {server: one["condition"] for server, one in role["depends_on"].items()}
        assert waits == {"kafka": "service_healthy", "influxdb": "service_healthy"}, name


def test_kafka_is_set_as_every_broker_of_ours(project):
    command = docker.kafka_command("name", kafka.wanted_version(), 9092, kafka.SETTINGS)
    ours = dict(word.split("=", 1) for before, word in pairwise(command) if before == "-e")
    ours.pop("KAFKA_HEAP_OPTS")
    own = {"LISTENERS", "ADVERTISED_LISTENERS", "CONTROLLER_QUORUM_VOTERS", "LOG_DIRS", "HEAP_OPTS"}
    told = dict(project["services"]["kafka"]["environment"])
    for name in own:
        told.pop(f"KAFKA_{name}")
    assert told == ours


def test_servers_and_image_are_of_the_versions_that_tests_run_on(project):
    services = project["services"]
    assert services["kafka"]["image"] == f"apache/kafka:{kafka.wanted_version()}"
    assert services["influxdb"]["image"] == f"influxdb:{influx_build.version('2.7')}"
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert services["worker"]["image"] == f"forewarn:{version}"


def test_every_name_of_ours_in_the_environment_is_a_setting(roles):
    named = {key for one in roles.values() for key in one.get("environment", {})}
    assert {key for key in named if key.startswith("FOREWARN_")} <= SETTINGS
    assert named_settings(EXAMPLE.read_text(encoding="utf-8")) - {"FOREWARN_IMAGE"} <= SETTINGS


def test_dashboards_and_alert_rules_are_where_they_are_kept(project):
    mounts = {volume["target"]: volume["source"] for one in ("grafana", "prometheus")
              for volume in project["services"][one]["volumes"] if volume["type"] == "bind"}  # fmt: skip
    assert mounts == {
        "/etc/grafana/provisioning": str(ROOT / "infra" / "grafana" / "provisioning"),
        "/etc/grafana/forewarn/dashboards": str(ROOT / "infra" / "grafana" / "dashboards"),
        "/etc/prometheus/prometheus.yml": str(ROOT / "infra" / "prometheus" / "prometheus.yml"),
        "/etc/prometheus/rules": str(ROOT / "infra" / "prometheus" / "rules"),
    }
    assert all(Path(source).exists() for source in mounts.values())


def test_prometheus_finds_every_role_that_serves_metrics_and_asks_for_each_file(project):
    mounted = {one["target"].rpartition("/")[2]: one["source"] for one in project["services"]["prometheus"]["configs"]}
    told = {name: yaml.safe_load(project["configs"][of]["content"])[0]["targets"] for name, of in mounted.items()}
    of_roles = {role.name: f"{role.name}:9464" for role in ROLES if role.port is Port.METRICS}
    assert told["worker.yml"] == [of_roles.pop("worker")]
    assert told["role.yml"] == list(of_roles.values())
    asked = yaml.safe_load((ROOT / "infra" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    files = {file for job in asked["scrape_configs"] for one in job["file_sd_configs"] for file in one["files"]}
    assert {f"targets/{name}" for name in told} <= files


def test_the_example_names_every_variable_of_the_file_and_no_value_of_a_secret():
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text(encoding="utf-8")))
    told = set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert used <= told
    assert set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE.read_text(encoding="utf-8"))) == set(ASKED)
