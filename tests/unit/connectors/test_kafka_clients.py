"""What clients of Kafka are told of a cluster, and what is said where it cannot be reached."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from connectors.kafka.clients import KafkaUnreachable, check_reachable, client_options, tls_of
from pipelines.cluster import Cluster
from tests.kit.authority import Authority


@contextmanager
def server(certificate=None) -> Iterator[str]:
    """A port that takes connections, speaks TLS with a certificate, and then says nothing."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                    with connection, context.wrap_socket(connection, server_side=True) if context else connection:
                        pass
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_a_bare_address_is_a_kafka_that_takes_everybody():
    assert client_options("a:1,b:2") == {"bootstrap_servers": "a:1,b:2", "security_protocol": "PLAINTEXT"}


def test_a_user_and_tls_are_told_in_the_words_that_both_clients_know(tmp_path):
    ca = Authority(tmp_path).ca
    found = client_options(Cluster("a:1", user="fw", password="hush", tls=True, ca=ca))
    assert isinstance(context := found.pop("ssl_context"), ssl.SSLContext)
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert found == {
        "bootstrap_servers": "a:1", "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "fw", "sasl_plain_password": "hush",
    }  # fmt: skip


def test_a_client_may_have_a_certificate_of_its_own(tmp_path):
    both, alone = Authority(tmp_path).server("client")
    assert tls_of(Cluster("a:1", tls=True, certificate=both, key=alone))
    assert tls_of(Cluster("a:1", tls=True, certificate=both))


def test_a_file_that_is_missing_or_no_pem_is_named(tmp_path):
    rubbish = tmp_path / "ca.pem"
    rubbish.write_text("no certificate")
    for file in (rubbish, tmp_path / "none.pem"):
        with pytest.raises(KafkaUnreachable, match=file.name):
            tls_of(Cluster("a:1", tls=True, ca=file))


def test_where_nothing_answers_each_address_is_told_once_with_what_to_do():
    with pytest.raises(KafkaUnreachable, match="forewarn up"):
        check_reachable("127.0.0.1:1,127.0.0.1:2")


def test_one_address_that_takes_connections_is_enough_without_security():
    with server() as address:
        check_reachable(f"127.0.0.1:1,{address}")


def test_a_certificate_of_an_unknown_authority_says_which_setting_to_mend(tmp_path):
    (tmp_path / "other").mkdir()
    theirs, ours = Authority(tmp_path), Authority(tmp_path / "other", "ours")
    with server(theirs.server("kafka")[0]) as address, pytest.raises(KafkaUnreachable, match="FOREWARN_KAFKA_CA"):
        check_reachable(Cluster(address, tls=True, ca=ours.ca))


def test_a_port_that_speaks_no_tls_says_which_settings_may_be_wrong(tmp_path):
    ca = Authority(tmp_path).ca
    with server() as address, pytest.raises(KafkaUnreachable, match="does not answer SSL"):
        check_reachable(Cluster(address, tls=True, ca=ca))


def test_it_may_be_asked_from_within_an_event_loop(tmp_path):
    import asyncio

    ca = Authority(tmp_path).ca

    async def ask(address: str) -> None:
        check_reachable(Cluster(address, tls=True, ca=ca))

    with server() as address, pytest.raises(KafkaUnreachable):
        asyncio.run(ask(address))
