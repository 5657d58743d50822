"""A Kafka for tests that lets in whom it knows: SASL and TLS beside a plain port, and access lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from infra.bin import kafka, ports, processes, programs
from infra.bin.layout import Options
from infra.bin.progress import Progress
from tests.kit.authority import Authority

USERS = ("reader", "no-group", "nobody")
"""All with the password `secret`."""


@dataclass(frozen=True)
class Guarded:
    """Addresses of the ports; on the plain one everybody may do everything, the last wants SCRAM under TLS."""

    plain: str
    sasl: str
    tls: str
    log: Path

    def add_user(self, user: str, password: str) -> None:
        """Let a user in by SCRAM."""
        with closing(KafkaAdminClient(bootstrap_servers=self.plain)) as admin:
            admin.alter_user_scram_credentials(
                [UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password, iterations=4096)]
            )

    def asked(self, answer: str) -> set[str]:
        """What was `Denied` or `Allowed`: `User:x READ Topic:LITERAL:y`."""
        told = re.compile(rf"Principal = (\S+) is {answer} operation = (\S+) .*?on resource = (\S+) for")
        return {" ".join(found) for found in told.findall(self.log.read_text())}

    def allow(self, user: str, kind: ResourceType, name: str) -> None:
        """Let a user read a topic or a group."""
        acl = ACL(f"User:{user}", "*", ACLOperation.READ, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
        admin = KafkaAdminClient(bootstrap_servers=self.plain)
        admin.create_acls([acl])
        admin.close()

    def create(self, topic: str) -> None:
        """Make a topic."""
        admin = KafkaAdminClient(bootstrap_servers=self.plain)
        admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, raise_errors=True)
        admin.wait_for_topics([topic])
        admin.close()


@contextmanager
def guarded(instances: Path, port: int) -> Iterator[Guarded]:
    """Run one, on ports from `port` on, where these are free. Its authority's certificate is tests-ca.pem there."""
    options = Options(instance="guarded", instances=instances)
    certificate, _ = Authority(instances).server("kafka")
    program = kafka.provide(options, kafka.choose(options, local_only=True), Progress())
    with (
        ports.promised(options, port) as plain,
        ports.promised(options, plain + 1) as sasl,
        ports.promised(options, sasl + 1) as controller,
        ports.promised(options, controller + 1) as tls,
    ):
        settings = kafka._write_settings(options, plain, controller)
        with settings.open("a") as file:
            file.writelines(
                f"{key}={value}\n" for key, value in _guards(plain, sasl, controller, tls, certificate).items()
            )
        java, log = programs.find_java(options.environ), options.folder / "kafka.log"
        kafka._format(options, java, program.libs, settings)
        command = [*kafka._java(java, program.libs, "-Xmx256m", _ANSWERS), "kafka.Kafka", str(settings)]
        pid, began = processes.start(command, log, options.environ)
        try:
            running = lambda: processes.alive(pid, began)  # noqa: E731
            processes.wait_ready("Kafka", lambda: kafka.answers(plain), running, log, kafka.READY_S)
            yield Guarded(*(f"127.0.0.1:{one}" for one in (plain, sasl, tls)), log)
        finally:
            processes.stop(pid, began)


_ANSWERS = "-Dorg.slf4j.simpleLogger.log.kafka.authorizer.logger=debug"
"""Kafka tells what it denies and allows at this level."""


def _guards(plain: int, sasl: int, controller: int, tls: int, certificate: Path) -> dict[str, str]:
    """Kafka documentation, "Security": SASL/PLAIN, SASL/SCRAM, SSL with PEM files, authorization and ACLs."""
    users = " ".join(f'user_{user}="secret"' for user in USERS)
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    clients = f"PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl},TLS://127.0.0.1:{tls}"
    return {
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL,CONTROLLER:PLAINTEXT",
        "listener.name.tls.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.tls.scram-sha-512.sasl.jaas.config": f"{scram};",
        "listener.name.tls.ssl.keystore.type": "PEM",
        "listener.name.tls.ssl.keystore.location": str(certificate),
        "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": f"{module} {users};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:admin",
    }
