"""A Kafka for tests as plants still have it: the older version that infra/kafka/pom.xml names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.bin import kafka, ports, processes, programs
from infra.bin.layout import Options
from infra.bin.progress import Progress


@contextmanager
def older(instances: Path, port: int) -> Iterator[str]:
    """Run one, on two ports from `port` on, where these are free; its address."""
    options = Options(instance="older", instances=instances)
    program = kafka.provide_older(options, Progress())
    assert program.libs is not None
    java, log = programs.find_java(options.environ), options.folder / "kafka.log"
    with ports.promised(options, port) as plain, ports.promised(options, plain + 1) as controller:
        settings = kafka._write_settings(options, plain, controller)
        with settings.open("a") as file:  # before 3.9 a quorum is no other than this
            file.write(f"controller.quorum.voters=1@127.0.0.1:{controller}\n")
        _format(options, java, program.libs, settings)
        command = [*kafka._java(java, program.libs, "-Xmx256m"), "kafka.Kafka", str(settings)]
        pid, began = processes.start(command, log, options.environ)
        try:
            running = lambda: processes.alive(pid, began)  # noqa: E731
            processes.wait_ready("Kafka", lambda: kafka.answers(plain), running, log, kafka.READY_S)
            yield f"127.0.0.1:{plain}"
        finally:
            processes.stop(pid, began)


def _format(options: Options, java: str, libs: Path, settings: Path) -> None:
    """Prepare its storage: a single broker of that time needs no more than an id."""
    command = [*kafka._java(java, libs), "kafka.tools.StorageTool", "format"]
    command += ["--cluster-id", "Older" + "A" * 16 + "Q", "-c", str(settings)]
    log = options.folder / "kafka-format.log"
    programs.run_logged("preparing Kafka's storage", command, log, options.environ, options.folder)
