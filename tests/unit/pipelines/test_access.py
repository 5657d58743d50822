"""What each role may do, and that no client of Kafka is made of a bare address."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.access import Operation, Permission, Resource, command, permissions, suffices
from pipelines.cli.granting import NoRole, roles_of
from pipelines.cluster import Cluster
from pipelines.roles import ENGINEER, ROLES, USERS
from pipelines.settings import Settings
from pipelines.topics import Topic

ROOT = Path(__file__).parents[3]
BY_NAME = {role.name: role for role in ROLES}


def of(name: str, prefix: str = "north.") -> list[Permission]:
    return permissions(USERS[name], prefix, "forewarn", partitions=2)


def test_a_worker_may_read_the_log_and_write_what_comes_of_it_under_the_installations_names():
    may = of("worker")
    assert Permission(Operation.READ, Resource.TOPIC, "north.records") in may
    assert Permission(Operation.WRITE, Resource.TOPIC, "north.alerts") in may
    assert Permission(Operation.READ, Resource.GROUP, "north.forewarn") in may
    ids = [one.name for one in may if one.resource is Resource.TRANSACTIONAL_ID]
    assert ids == ["north.forewarn-0", "north.forewarn-1"]
    assert not any(one.name in ("north.suggestions", "north.deliveries") and one.operation is not Operation.DESCRIBE
                   for one in may)  # fmt: skip


def test_every_role_sees_all_topics_and_only_deliver_has_transactions_by_a_beginning():
    for name in USERS:
        seen = {one.name for one in of(name, "") if one.resource is Resource.TOPIC}
        assert seen == set(Topic), name
        assert [one.name for one in of(name, "") if one.prefixed] == (
            ["forewarn-deliver-"] if name == "deliver" else []
        )


def test_nobody_but_workers_writes_forecasts_and_state_and_nobody_but_deliver_its_log():
    writers = {topic: {name for name, role in BY_NAME.items() if topic in role.writes} for topic in Topic}
    assert writers[Topic.FORECASTS] == writers[Topic.STATE] == writers[Topic.HEALTH] == {"worker"}
    assert writers[Topic.DELIVERIES] == {"deliver"}
    assert Topic.STATE not in ENGINEER.writes


def test_every_topic_has_a_writer_and_a_reader_among_the_users():
    for topic in Topic:
        assert any(topic in role.writes for role in USERS.values()), topic
        assert any(topic in role.reads for role in USERS.values()), topic


def test_a_permission_reads_as_kafkas_own_tool_takes_it():
    one = Permission(Operation.WRITE, Resource.TRANSACTIONAL_ID, "n.forewarn-deliver-", prefixed=True)
    assert command(one, "fw") == (
        "--add --allow-principal 'User:fw' --operation Write --transactional-id 'n.forewarn-deliver-' "
        "--resource-pattern-type prefixed"
    )


def test_what_a_user_lacks_of_one_topic_is_too_little():
    every = {topic: {"READ", "WRITE", "DESCRIBE"} for topic in Topic}
    assert all(suffices(role, every) for role in USERS.values())
    for topic in Topic:
        assert not suffices(BY_NAME["worker"], {**every, topic: set()})
    assert not suffices(BY_NAME["tune"], {**every, Topic.SUGGESTIONS: {"READ", "DESCRIBE"}})


def test_an_unknown_role_is_named_with_those_that_there_are():
    with pytest.raises(NoRole, match="no role: wroker"):
        roles_of(["wroker"])


def test_the_command_lists_a_roles_permissions_for_people_machines_and_kafkas_tool():
    def said(*more: str) -> str:
        line = [sys.executable, "-m", "pipelines.cli", "access", "list", "--role", "tune", "--users", "n-{role}", *more]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout

    found = json.loads(said("--json"))
    assert {one["user"] for one in found} == {"n-tune"}
    lines = said("--commands").splitlines()
    assert len(lines) == len(found) and all(line.startswith("--add --allow-principal 'User:n-tune'") for line in lines)


@pytest.mark.parametrize(
    ("given", "protocol"),
    [
        ({}, "PLAINTEXT"),
        ({"kafka_tls": True}, "SSL"),
        ({"kafka_user": "fw"}, "SASL_PLAINTEXT"),
        ({"kafka_user": "fw", "kafka_tls": True}, "SASL_SSL"),
    ],
)
def test_settings_say_how_kafka_lets_us_in(given, protocol):
    assert Settings(**given).cluster.protocol == protocol


def test_no_secret_is_shown_by_settings_or_cluster_and_all_are_kept_out_of_logs():
    settings = Settings(kafka_user="fw", kafka_password="hush-1", influx_token="hush-2", mask_key="hush-3")
    assert "hush" not in repr(settings) + repr(settings.cluster) + str(settings.cluster)
    assert sorted(settings.secrets) == ["hush-1", "hush-2", "hush-3"]
    assert str(Cluster("a:1,b:2", user="x")) == "a:1,b:2"


def test_no_part_makes_a_client_of_the_bare_address():
    bare = re.compile(r"(?<!kafka=)settings\.kafka\b|bootstrap_servers=(?!self._config)")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for folder in ("pipelines", "connectors", "onnx_export")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if bare.search(line) and "broker=" not in line
    ]
    assert found == []


def test_no_role_keeps_only_some_of_its_secrets_out_of_its_log():
    told = re.compile(r"to_stderr\(.*get_secret_value")
    for path in (ROOT / "pipelines").rglob("*.py"):
        assert not told.search(path.read_text()), path
