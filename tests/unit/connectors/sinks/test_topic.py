"""A topic sink on another Kafka is let in there by a user and an authority of its own."""

from __future__ import annotations

import pytest

from connectors.delivery import Place, SinkError
from connectors.sinks.topic import Config, open_sink
from pipelines.cluster import Cluster
from tests.kit.authority import Authority

OURS = Cluster("ours:9093", user="forewarn-deliver", password="theirs-not", tls=True)
PLACE = Place("north", OURS, "", {"HQ": "hush"})


def opened(**more):
    return open_sink(Config(topic="dispatch", **more), PLACE)._brokers


def test_on_our_own_kafka_the_sink_is_who_the_role_is():
    assert opened() is OURS


def test_another_kafka_gets_none_of_our_own_secrets(tmp_path):
    ca = str(Authority(tmp_path).ca)
    found = opened(bootstrap="hq:9093", user="north", password_env="HQ", tls=True, ca_file=ca)
    assert (found.addresses, found.user, found.password, found.protocol) == ("hq:9093", "north", "hush", "SASL_SSL")
    assert opened(bootstrap="hq:9092") == Cluster("hq:9092")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"user": "north"}, "go together"),
        ({"password_env": "HQ"}, "go together"),
        ({"user": "north", "password_env": "NOPE"}, "NOPE"),
        ({"tls": True, "ca_file": "/no/such.pem"}, "ca_file"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_sent(more, says):
    with pytest.raises(SinkError, match=says):
        opened(bootstrap="hq:9093", **more)
