"""Each role with a user of its own on a Kafka with SCRAM, TLS and access lists, and an InfluxDB with TLS and tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import numpy as np
import pytest
from kafka import KafkaAdminClient

from connectors.console.keys import Role, new_key
from connectors.influx.query import InfluxReader
from connectors.influx.store import InfluxStore
from connectors.influx.target import InfluxMisconfigured
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.clients import opened
from connectors.kafka.plain import LogProducer, read
from connectors.kafka.records import put
from models.records import Action, Alert, AlertState, decode
from pipelines.main import influx_target, provision_store
from pipelines.ports import Rows
from pipelines.roles import USERS
from pipelines.topics import Topic, named
from tests.conftest import KAFKA_PORT
from tests.kit.consoled import PLANT, minutes
from tests.kit.delivering import EACH
from tests.kit.hooked import Receiver
from tests.kit.installation import EVER_US, ROOT
from tests.kit.ports import free_port
from tests.kit.production import FOLDER
from tests.kit.secured import Secured, secured
from tests.kit.tiny import ROWS_BEGIN_US

pytestmark = pytest.mark.servers

PARTITIONS = 2


@pytest.fixture(scope="module")
def servers() -> None:
    """In place of the session's, which these tests have no use for."""


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def keys() -> dict[str, tuple[str, str]]:
    """Of the HTTP API: the key, and what the setting says of it."""
    return {name: new_key(name, role, ()) for name, role in (("kim", Role.OPERATOR), ("erik", Role.ENGINEER))}


@pytest.fixture(scope="module")
def plant(tmp_path_factory, hook, keys) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    (folder / "plant.toml").write_text(PLANT)
    (folder / "subscriptions.toml").write_text(
        f'[sinks.desk]\nkind = "webhook"\nurl = "{hook.url}"\n[subscriptions.desk]\nsink = "desk"\n{EACH}'
    )
    with secured(
        folder, KAFKA_PORT + 40, folder / "plant.toml", partitions=PARTITIONS,
        api_keys=",".join(told for _, told in keys.values()), subscriptions=folder / "subscriptions.toml",
        cache=folder / "cache",
    ) as made:  # fmt: skip
        yield made


def send(plant: Secured, records: list[Any]) -> None:
    """As a feed does."""
    settings = plant.of("connect")
    with LogProducer(settings.cluster) as producer:
        for one in records:
            put(producer, named(settings.topic_prefix, Topic.RECORDS), one, PARTITIONS)


def records(plant: Secured, topic: Topic, kind: type) -> list[Any]:
    """What is on a topic, as the engineer sees it."""
    settings = plant.of("engineer")
    found = read(settings.cluster, named(settings.topic_prefix, topic))
    return [one for record in found if isinstance(one := decode(record.value or b""), kind)]


def denied(plant: Secured, *roles: str) -> list[str]:
    return sorted(one for one in plant.broker.asked("Denied") if any(f"forewarn-{role} " in one for role in roles))


def warning(plant: Secured) -> Alert | None:
    """The newest revision of the plant's warning."""
    found = records(plant, Topic.ALERTS, Alert)
    return max(found, key=lambda one: one.revision, default=None)


def test_a_warning_goes_from_frames_to_a_webhook_and_back_from_the_page_with_each_role_as_its_own_user(
    plant, hook, keys
):
    for role in ("worker", "deliver", "rebuild"):
        plant.start(role)
    port = free_port()
    plant.start("console", "api", "serve", "--port", str(port))
    plant.wait(lambda: "partition-taken-over" in plant.said("worker"))
    send(plant, minutes(["pump-01"], 0, 20, 97.0, ROWS_BEGIN_US))
    plant.wait(lambda: warning(plant), "no warning")
    plant.wait(lambda: hook.told() == ["pump-01"], "nothing was delivered")

    def ask(path: str, **more: Any) -> httpx2.Response | None:
        call, headers = httpx2.post if more else httpx2.get, {"Authorization": f"Bearer {keys['kim'][0]}"}
        try:
            return call(f"http://127.0.0.1:{port}/api/v1/{path}", headers=headers, timeout=30, **more)
        except httpx2.TransportError:
            return None

    of = warning(plant)
    assert of is not None
    plant.wait(lambda: (seen := ask(f"alerts/{of.id}")) is not None and seen.status_code == 200, "no page")
    moved = ask(f"alerts/{of.id}/actions", json={"move": "acknowledge", "why": "seen"})
    assert moved is not None and moved.status_code < 300, moved and moved.text
    plant.wait(lambda: records(plant, Topic.RECORDS, Action))
    send(plant, minutes(["pump-01"], 20, 23, 97.0, ROWS_BEGIN_US))
    plant.wait(lambda: (now := warning(plant)) and now.state is AlertState.ACKNOWLEDGED, "not acknowledged")
    assert denied(plant, "worker", "deliver", "rebuild", "console", "connect") == []


def test_rows_are_in_influxdb_under_tls_and_a_reading_token_may_not_write(plant):
    async def rows(role: str) -> int:
        async with InfluxReader(influx_target(plant.of(role))) as reader:
            return len(await reader.read("pump", 0, EVER_US))

    plant.wait(lambda: asyncio.run(rows("console")) >= 20)

    async def write(role: str) -> None:
        async with InfluxStore(influx_target(plant.of(role))) as store:
            await store.write(
                [Rows("pump", "north", ("pump-01",), np.zeros(1, int), np.ones(1, int), {"x": np.ones(1)})]
            )

    with pytest.raises(InfluxMisconfigured, match="INFLUX_TOKEN"):
        asyncio.run(write("console"))
    provision_store(plant.of("worker"))  # finds its bucket, and has no need to change it


def test_plan_and_tune_run_as_their_own_users(plant):
    moulding = {"plant": FOLDER / "plant.toml"}
    engineer = plant.of("engineer", **moulding)
    plant.run(engineer, "orders", "put", str(FOLDER / "orders.csv"))
    plant.run(plant.of("plan", **moulding), "plan", "--once", "--seconds", "1")
    plant.start("tune", plant=ROOT / "tests" / "kit" / "weld_plant.toml", mask_key="0123456789abcdef-secret")
    reads = {f"User:forewarn-tune READ Topic:LITERAL:north.{topic}" for topic in USERS["tune"].reads}
    plant.wait(lambda: reads <= plant.broker.asked("Allowed"), "tune does not follow its topics")
    assert denied(plant, "plan", "tune", "engineer") == []


def test_kafka_lets_each_user_do_what_the_table_of_roles_says_and_nothing_else(plant):
    of_prefix = {named(plant.settings.topic_prefix, topic): topic for topic in Topic}
    for name, role in USERS.items():
        with closing(opened(KafkaAdminClient, plant.of(name).cluster)) as client:
            found = {each["name"]: each for each in client.describe_topics(list(of_prefix))}
        for topic, of in of_prefix.items():
            wanted = {"DESCRIBE"} | {
                operation for operation, topics in (("READ", role.reads), ("WRITE", role.writes)) if of in topics
            }
            assert set(found[topic]["authorized_operations"]) == wanted, f"{name} on {topic}"


def test_a_role_that_asks_for_more_is_refused_with_what_to_do(plant):
    with KafkaAdmin(plant.of("deliver").cluster, "other.") as admin, pytest.raises(Exception, match="uthoriz"):
        admin.create_topics(1)
    said = plant.run(plant.of("deliver"), "ledger", status=1)
    assert "forewarn access list" in said


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"kafka_password": "wrong"}, "FOREWARN_KAFKA_PASSWORD"),
        ({"kafka_ca": None}, "FOREWARN_KAFKA_CA"),
        ({"kafka_tls": False}, "FOREWARN_KAFKA_TLS"),
        ({"kafka_mechanism": "PLAIN"}, "FOREWARN_KAFKA_MECHANISM"),
        ({"influx_ca": None}, "FOREWARN_INFLUX_CA"),
        ({"influx_token": "wrong"}, "FOREWARN_INFLUX_TOKEN"),
    ],
)
def test_the_doctor_says_which_setting_lets_us_in(plant, changed, says):
    said = plant.run(plant.of("worker", **changed), "doctor", "--json", status=1)
    assert says in said


def test_no_password_or_token_is_in_a_log(plant):
    secrets = [plant.settings.kafka_password.get_secret_value(), *plant.tokens.values()]
    for role in plant.processes:
        assert not any(secret in plant.said(role) for secret in secrets), role
