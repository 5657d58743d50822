"""Avro on a real broker with a registry beside it: nothing is missing, though the registry was away and it was killed.

The same topic holds what no foreign topic should: tombstones, rubbish, a message of some megabytes, unknown ids.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from kafka import KafkaProducer

from connectors.kafka.plain import LogProducer, read
from connectors.scada.documents import MESSAGE_BYTES
from models.records import decode
from pipelines.topics import Topic, named
from tests.kit.schema_registry import SchemaRegistry, written
from tests.servers.kafka.test_connect import BEGAN_US, Site, site, wanted  # noqa: F401
from tests.servers.kafka.trial import kill, stop, wait_for

pytestmark = pytest.mark.servers
TIME = {"name": "time", "type": {"type": "long", "logicalType": "timestamp-micros"}}
OLD = {"type": "record", "name": "R", "fields": [TIME, {"name": "pressure", "type": "float"}]}
NEW = {"type": "record", "name": "R", "fields": [{"name": "pressure", "type": ["null", "double"]}, TIME]}


@pytest.fixture
def registry() -> Iterator[SchemaRegistry]:
    with SchemaRegistry() as made:
        made.schemas = {1: OLD, 70_000: NEW}
        yield made


def send(site: Site, numbers: range, number: int, schema: object, *more: bytes | None) -> None:  # noqa: F811
    with LogProducer(site.trial.address) as producer:
        for each in numbers:
            body = {"time": BEGAN_US + each, "pressure": float(each)}
            producer.send(site.foreign, b"P%d" % (1 + each % 2), written(number, schema, body))
        for value in more:
            producer.send(site.foreign, b"P1", value)  # type: ignore[arg-type]


def send_large(site: Site, value: bytes) -> None:  # noqa: F811
    """Past what our own producer sends, for each partition."""
    with contextlib.closing(KafkaProducer(bootstrap_servers=site.trial.address, max_request_size=2 * len(value))) as it:
        for partition in range(3):
            it.send(site.foreign, value, b"P1", partition=partition).get(10)


def test_avro_becomes_frames_and_nothing_is_lost_while_the_registry_is_away(
    site: Site,  # noqa: F811
    registry: SchemaRegistry,
) -> None:
    (site.folder / "line.toml").write_text(
        f'bootstrap = "{site.trial.address}"\ngroup = "{site.foreign}"\n[registry]\nurl = "{registry.url}"\n'
        f'[[topics]]\ntopic = "{site.foreign}"\nformat = "fields"\nencoding = "avro"\n'
    )
    registry.status = 503
    send(site, range(2000), 1, OLD, None, b"\0\0\0\0\1", b"rubbish", written(5, OLD, {"time": 1, "pressure": 1.0}))
    first = site.connect()
    wait_for(lambda: len(registry.asked) > 1, 30, site.trial.told)
    assert not site.rows()
    kill(first)
    registry.status = 200
    second = site.connect()
    wait_for(lambda: len(set(site.rows())) >= 2000, 60, site.trial.told)
    send(site, range(2000, 4000), 70_000, NEW, None)
    send_large(site, b"\0\0\0\0\1" + b"\0" * MESSAGE_BYTES)
    send(site, range(4000, 4002), 1, OLD)
    wait_for(lambda: len(set(site.rows())) >= 4002, 60, site.trial.told)
    stop(second)
    assert set(site.rows()) == wanted(4002)
    letters = [decode(r.value or b"") for r in read(site.trial.address, named(site.trial.prefix, Topic.DEAD_LETTERS))]
    assert {letter.reason for letter in letters} == {"unreadable", "too-large"}
