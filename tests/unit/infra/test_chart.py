"""The chart as Helm renders it: against roles, settings, Kubernetes' schemas, and what no pod may be able to do."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from connectors.scada.feeds import FEEDS
from pipelines.roles import FEED, ROLES, Port
from pipelines.settings import Settings
from pipelines.topics import Topic
from tests.unit.infra.charts.rendered import CASES, CHART, HERE, helm_template, manifests, text_of
from tests.unit.infra.deployed import ROOT, SETTINGS

pytestmark = pytest.mark.timeout(1200)  # the first test of a machine builds Helm
VALUES = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
OF_OTHERS = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
"""Kinds that Kubernetes itself does not have."""


@pytest.fixture(scope="module")
def rendered(helm):
    return {case: text_of(helm, case) for case in CASES}


@pytest.fixture(scope="module", params=CASES)
def case(request, rendered) -> list[dict[str, Any]]:
    return manifests(rendered[request.param])


@pytest.fixture(scope="module")
def secure(rendered):
    return manifests(rendered["secure"])


@pytest.fixture(scope="module")
def default(rendered):
    return manifests(rendered["default"])


def of(found, kind: str, name: str = "") -> list[dict[str, Any]]:
    return [one for one in found if one["kind"] == kind and name in ("", one["metadata"]["name"])]


def pods(found) -> dict[str, dict[str, Any]]:
    return {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"]["template"]["spec"]
        for one in found
        if one["kind"] in {"Deployment", "StatefulSet"}
    }


def test_the_three_kinds_of_plants_are_there():
    assert set(CASES) == {"default", "edge", "secure"}


@pytest.mark.parametrize("name", CASES)
def test_lint_finds_nothing(helm, name):
    found = subprocess.run(
        [helm, "lint", "--strict", CHART, "--values", HERE / f"{name}.values.yaml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("name", CASES)
def test_it_renders_as_was_read_over(rendered, name):
    wanted = (HERE / f"{name}.golden.yaml").read_text(encoding="utf-8")
    assert rendered[name] == wanted, "read the change over, then: python -m tests.unit.infra.charts.rendered"


def test_every_manifest_fits_kubernetes_schemas(case):
    validate = pytest.importorskip("kubernetes_validate")
    checked = 0
    for version in ("1.28", "1.34"):
        for one in case:
            if one["kind"] not in OF_OTHERS:
                validate.validate(one, version, strict=True)
                checked += 1
    assert checked >= 20


def test_the_chart_has_the_projects_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert chart["version"] == chart["appVersion"] == version


def test_the_charts_roles_are_the_table():
    told = yaml.safe_load((CHART / "files" / "roles.yaml").read_text(encoding="utf-8"))
    assert told == {
        role.name: {"command": list(role.command), "many": role.many, "port": role.port.value if role.port else ""}
        for role in ROLES
    }
    assert set(VALUES["roles"]) == set(SCHEMA["properties"]["roles"]["properties"]) == set(told)


def test_every_role_is_a_deployment_that_starts_its_command(secure):
    found = pods(secure)
    for role in ROLES:
        (container,) = found[role.name]["containers"]
        assert tuple(container["args"][: len(role.command)]) == role.command
        (deployment,) = of(secure, "Deployment", f"forewarn-{role.name}")
        if role.many:
            assert "replicas" not in deployment["spec"], "KEDA counts"
        else:
            assert deployment["spec"]["replicas"] == 1
            assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_a_role_that_serves_is_probed_where_it_answers_and_no_other(secure):
    for role in ROLES:
        (container,) = pods(secure)[role.name]["containers"]
        probes = {
            name: container.get(f"{name}Probe", {}).get("httpGet") for name in ("startup", "liveness", "readiness")
        }
        if role.port is None:
            assert not any(probes.values())
            continue
        paths = {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
        assert {name: probe["path"] for name, probe in probes.items()} == paths
        (port,) = container["ports"]
        assert (
            port["containerPort"]
            == {Port.METRICS: Settings.model_fields["metrics_port"].default, Port.CONSOLE: 8080}[role.port]
        )
        assert {probe["port"] for probe in probes.values()} == {port["name"]}


def test_the_page_answers_to_the_name_that_probes_ask_it_by(case):
    (container,) = pods(case)["console"]["containers"]
    (hosts,) = [one["value"] for one in container["env"] if one["name"] == "FOREWARN_API_HOSTS"]
    asked = {
        container[f"{name}Probe"]["httpGet"]["httpHeaders"][0]["value"] for name in ("startup", "liveness", "readiness")
    }
    assert asked <= set(hosts.split(","))


def test_pods_are_not_root_and_can_do_little(case):
    for name, pod in pods(case).items():
        of_pod = pod["securityContext"]
        assert of_pod["runAsNonRoot"] is True and of_pod["runAsUser"] > 1000, name
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume], name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"], name
            assert not container["image"].endswith(":latest"), name


def test_all_that_is_mounted_is_a_volume_and_what_is_not_written_is_read_only(case):
    claims = {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: {
            claim["metadata"]["name"] for claim in one["spec"]["volumeClaimTemplates"]
        }
        for one in of(case, "StatefulSet")
    }
    for name, pod in pods(case).items():
        volumes = {volume["name"] for volume in pod["volumes"]} | claims.get(name, set())
        for mount in pod["containers"][0]["volumeMounts"]:
            assert mount["name"] in volumes, name
            assert mount.get("readOnly") or mount["mountPath"] in {"/var/cache/forewarn", "/tmp"}, name


def test_every_variable_is_a_setting(case):
    named = {
        key
        for one in (*of(case, "ConfigMap", "forewarn"), *of(case, "Secret"))
        for key in one.get("data") or one["stringData"]
    }
    for pod in pods(case).values():
        named |= {one["name"] for one in pod["containers"][0].get("env", ())}
    assert named
    assert named <= SETTINGS


def test_the_charts_own_values_are_the_settings_defaults():
    for setting in (
        "FOREWARN_GROUP",
        "FOREWARN_TOPIC_PREFIX",
        "FOREWARN_PARTITIONS",
        "FOREWARN_INFLUX_ORG",
        "FOREWARN_INFLUX_BUCKET",
    ):
        field = Settings.model_fields[setting.removeprefix("FOREWARN_").lower()]
        assert VALUES["settings"][setting] == str(field.default)


def test_each_role_may_have_a_user_of_its_own_and_then_has_no_other(secure, default):
    def secrets(found, name: str) -> list[str]:
        return [one["secretRef"]["name"] for one in pods(found)[name]["containers"][0]["envFrom"] if "secretRef" in one]

    for role in ROLES:
        sinks = ["forewarn-sinks"] if role.name == "deliver" else []
        assert secrets(secure, role.name) == [f"forewarn-{role.name}", *sinks]
    assert secrets(secure, "feed-line1") == [f"forewarn-{FEED.name}", "plc-7"]
    assert secrets(default, "worker") == ["forewarn-secrets"]


def test_what_settings_name_as_files_is_mounted(secure):
    told = of(secure, "ConfigMap", "forewarn")[0]["data"]
    named = {value.rpartition("/")[0] for value in told.values() if value.startswith("/") and value.endswith(".pem")}
    assert named == {"/etc/forewarn/tls"}
    for pod in pods(secure).values():
        assert named <= {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}


def test_no_password_has_a_default(helm):
    assert VALUES["secret"] == {"existingSecret": "", "values": {}}
    without = helm_template(helm)
    assert without.returncode != 0 and "there is no default" in without.stderr
    half = helm_template(helm, "--set", "secret.values.FOREWARN_INFLUX_TOKEN=x")
    assert half.returncode != 0 and "FOREWARN_API_KEYS" in half.stderr


def test_nobody_is_told_without_a_file_that_says_whom(helm):
    found = helm_template(helm, "--set", "secret.existingSecret=s", "--set", "roles.deliver.enabled=true")
    assert found.returncode != 0 and "give subscriptions.file" in found.stderr


def test_each_secret_of_the_settings_is_refused_among_them_and_nothing_else_is():
    refused = re.compile(SCHEMA["properties"]["settings"]["propertyNames"]["not"]["pattern"])
    secret = {
        f"FOREWARN_{name.upper()}" for name, field in Settings.model_fields.items() if field.annotation is SecretStr
    }
    assert {name for name in SETTINGS if refused.search(name)} == secret | {"FOREWARN_API_KEYS"}


@pytest.mark.parametrize(
    "wrong",
    [
        "settings.FOREWARN_INFLUX_TOKEN=x",
        "settings.KAFKA=x",
        "settings.FOREWARN_PARTITIONS=0",
        "roles.wroker.enabled=true",
        "image.tag=latest",
        "feeds.line1.kind=canbus,feeds.line1.config=x",
        "console.ingress.enabled=true,console.ingress.host=a.example.com",
        "secret.values.FOREWARN_INFLUX_TOKEN=",
    ],
)
def test_wrong_values_are_refused_by_the_schema(helm, wrong):
    found = helm_template(helm, "--set", "secret.existingSecret=s", "--set", wrong)
    assert found.returncode != 0
    assert "values don't meet the specifications of the schema" in found.stderr


def test_feeds_are_those_that_there_are():
    feed = SCHEMA["properties"]["feeds"]["additionalProperties"]["properties"]
    assert tuple(feed["kind"]["enum"]) == FEEDS


def test_a_feed_is_one_process_with_a_volume_of_its_own(secure):
    (feed,) = of(secure, "StatefulSet")
    assert feed["spec"]["replicas"] == 1
    (container,) = feed["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["connect", "opcua", "--config", "/etc/forewarn/feed/line1.toml"]
    (told,) = of(secure, "ConfigMap", "forewarn-feed-line1")
    assert tomllib.loads(told["data"]["line1.toml"]) == {"url": "opc.tcp://plc-7:4840"}
    assert [claim["metadata"]["name"] for claim in feed["spec"]["volumeClaimTemplates"]] == ["cache"]


def test_workers_scale_by_the_lag_of_their_own_group_up_to_the_partitions(secure, default):
    assert not of(default, "ScaledObject")
    (scaled,) = of(secure, "ScaledObject")
    told = of(secure, "ConfigMap", "forewarn")[0]["data"]
    assert scaled["spec"]["maxReplicaCount"] == int(told["FOREWARN_PARTITIONS"]) == 12
    assert of(secure, "Deployment", scaled["spec"]["scaleTargetRef"]["name"])
    asked = scaled["spec"]["triggers"][0]["metadata"]
    assert asked["topic"] == told["FOREWARN_TOPIC_PREFIX"] + Topic.RECORDS
    assert asked["consumerGroup"] == told["FOREWARN_TOPIC_PREFIX"] + told["FOREWARN_GROUP"]


def test_the_network_policy_lets_out_to_kafka_influxdb_and_names_alone(secure, default):
    for found, kafka in ((default, 9092), (secure, 9093)):
        (policy,) = of(found, "NetworkPolicy", "forewarn")
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        assert set(policy["spec"]["podSelector"]["matchLabels"]) == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
        }
        ports = [port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]]
        assert ports == [53, 53, kafka, 8086]
    assert all(rule["to"] for rule in of(secure, "NetworkPolicy", "forewarn")[0]["spec"]["egress"])


def test_the_page_is_reached_from_the_ingress_alone(case):
    (policy,) = of(case, "NetworkPolicy", "forewarn-console")
    for rule in policy["spec"]["ingress"]:
        assert rule["from"] and [port["port"] for port in rule["ports"]] == ["console"]
    for other in of(case, "NetworkPolicy"):
        if other is not policy:
            rules = other["spec"].get("ingress", [])
            assert all(port["port"] == "metrics" for rule in rules for port in rule["ports"])
            assert all(rule["from"] for rule in rules)


def test_only_roles_of_which_more_run_have_a_budget(default):
    assert {one["metadata"]["name"] for one in of(default, "PodDisruptionBudget")} == {
        f"forewarn-{role.name}" for role in ROLES if role.many
    }


def test_rules_are_taken_from_files(secure, helm, tmp_path):
    rules = tmp_path / "rules.yml"
    rules.write_text('groups:\n  - name: "a"\n    rules:\n      - {record: "job:x:sum", expr: "sum(x)"}\n')
    found = helm_template(helm, "--set", "secret.existingSecret=s", "--set-file", f"monitoring.rules.some={rules}")
    (made,) = of(manifests(found.stdout), "PrometheusRule")
    assert made["spec"] == yaml.safe_load(rules.read_text())
    assert of(secure, "PrometheusRule", "forewarn-forewarn")


def test_metrics_are_scraped_where_they_are_served(secure):
    (monitor,) = of(secure, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    (service,) = [one for one in of(secure, "Service") if wanted <= one["metadata"]["labels"].items()]
    assert [port["name"] for port in service["spec"]["ports"]] == [monitor["spec"]["endpoints"][0]["port"]]
    assert service["spec"]["ports"][0]["port"] == Settings.model_fields["metrics_port"].default


def test_the_jobs_of_kubernetes_are_those_that_the_rules_speak_of(secure):
    (monitor,) = of(secure, "ServiceMonitor")
    named = {one["replacement"]: one["regex"] for one in monitor["spec"]["endpoints"][0]["relabelings"]}
    asked = yaml.safe_load((ROOT / "infra" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    assert set(named) == {job["job_name"] for job in asked["scrape_configs"]}
    others = {role.name for role in ROLES if role.port is Port.METRICS and role.name != "worker"}
    assert set(named["forewarn-role"].split("|")) == others
