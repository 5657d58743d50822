"""A Kafka for tests that lets in whom it knows: SASL beside a plain port, and access lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

from infra.bin import kafka, ports, processes, programs
from infra.bin.layout import Options
from infra.bin.progress import Progress

USERS = ("reader", "no-group", "nobody")
"""All with the password `secret`."""


@dataclass(frozen=True)
class Guarded:
    """Addresses of the two ports; on the plain one everybody may do everything."""

    plain: str
    sasl: str

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
    """Run one, on three ports from `port` on, where these are free."""
    options = Options(instance="guarded", instances=instances)
    program = kafka.provide(options, kafka.choose(options, local_only=True), Progress())
    with (
        ports.promised(options, port) as plain,
        ports.promised(options, plain + 1) as sasl,
        ports.promised(options, sasl + 1) as controller,
    ):
        settings = kafka._write_settings(options, plain, controller)
        with settings.open("a") as file:
            file.writelines(f"{key}={value}\n" for key, value in _guards(plain, sasl, controller).items())
        java, log = programs.find_java(options.environ), options.folder / "kafka.log"
        kafka._format(options, java, program.libs, settings)
        command = [*kafka._java(java, program.libs, "-Xmx256m"), "kafka.Kafka", str(settings)]
        pid, began = processes.start(command, log, options.environ)
        try:
            running = lambda: processes.alive(pid, began)  # noqa: E731
            processes.wait_ready("Kafka", lambda: kafka.answers(plain), running, log, kafka.READY_S)
            yield Guarded(f"127.0.0.1:{plain}", f"127.0.0.1:{sasl}")
        finally:
            processes.stop(pid, began)


def _guards(plain: int, sasl: int, controller: int) -> dict[str, str]:
    """Kafka documentation, "Security": SASL/PLAIN, authorization and ACLs."""
    users = " ".join(f'user_{user}="secret"' for user in USERS)
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    clients = f"PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl}"
    return {
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
        "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl.plain.sasl.jaas.config": f"{module} {users};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
