"""The servers' way in, infra/bin: real Kafka and InfluxDB 1.8 on ports and in folders of their own.

Programs come from the shared cache, so the first run on a machine builds them.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.bin import docker, influx, influx_build, kafka, ports, processes, programs, services
from infra.bin.layout import Kafka, Options, ServicesError, load_server, save_server
from infra.bin.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.servers
SCRIPT = ROOT / "infra" / "bin" / "services.py"


def bare_environ(**extra: str) -> dict[str, str]:
    """Ours without the settings that would have servers of somebody else used."""
    mine = {
        key: value for key, value in os.environ.items() if not key.startswith(("FOREWARN_KAFKA", "FOREWARN_INFLUX"))
    }
    return mine | {"FOREWARN_SERVERS": "local"} | extra


@pytest.fixture
def options(tmp_path: Path) -> Iterator[Options]:
    asked = Options(
        instance="test",
        influx="1.8",
        instances=tmp_path / "instances",
        kafka_port=23092,
        influx_port=23086,
        environ=bare_environ(),
    )
    yield asked
    services.down(asked)


@pytest.fixture
def quick(options: Options) -> Options:
    """InfluxDB alone, 2.7 if it is built: it starts in 0.2 s, where 1.8 takes over 3 s to set up Flux."""
    return dataclasses.replace(options, only="influx", influx="2.7" if built_2_7(options) else "1.8")


def built_2_7(options: Options) -> bool:
    return (options.programs / f"influxd-{influx_build.version('2.7')}").is_dir()


@pytest.fixture
def own_cache(options: Options, tmp_path: Path) -> Options:
    return dataclasses.replace(options, cache=tmp_path / "cache")


@pytest.fixture
def sleeper() -> Iterator[tuple[int, str]]:
    """A process that is not one of our servers."""
    child = subprocess.Popen(["sleep", "60"])
    mark = processes.began(child.pid)
    assert mark
    yield child.pid, mark
    child.kill()
    child.wait()


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_up_gives_servers_that_work_and_a_second_up_gives_the_same(options: Options) -> None:
    first = services.up(options)
    assert first.kafka
    assert first.influx
    assert kafka.answers(first.kafka.ports["kafka"])
    assert written_and_read(first.influx.url, first.influx.token, first.influx.bucket) == "1.5"
    assert services.up(options) == first
    kept = json.loads((options.folder / "services.json").read_text())
    assert kept["settings"] == first.settings()
    assert services.status(options).running


def written_and_read(url: str, token: str, bucket: str) -> str:
    """One point through the v2 API, back by Flux."""
    call(f"{url}/api/v2/write?org=forewarn&bucket={bucket}", token, "m,asset=a x=1.5", "text/plain")
    flux = f'from(bucket: "{bucket}") |> range(start: -1h) |> keep(columns: ["_value"])'
    rows = call(f"{url}/api/v2/query?org=forewarn", token, flux, "application/vnd.flux")
    return rows.strip().splitlines()[-1].split(",")[-1]


def call(url: str, token: str, body: str, kind: str) -> str:
    headers = {"Authorization": f"Token {token}", "Content-Type": kind, "Accept": "application/csv"}
    with urllib.request.urlopen(urllib.request.Request(url, body.encode(), headers), timeout=20) as reply:
        return str(reply.read().decode())


def test_down_leaves_nothing_running(options: Options) -> None:
    up = services.up(options)
    assert services.down(options) == ["kafka", "influx"]
    for server in (up.kafka, up.influx):
        assert server
        assert not processes.alive(server.pid, server.started)
        assert all(ports.is_free(port) for port in server.ports.values())
    assert services.down(options) == []
    assert not (options.folder / "services.json").exists()


def test_kafka_keeps_its_data_when_its_ports_move(options: Options) -> None:
    only = dataclasses.replace(options, only="kafka")
    services.up(only)
    services.down(only)
    kept = (options.folder / "kafka" / "meta.properties").stat()
    moved = services.up(dataclasses.replace(only, kafka_port=23192)).kafka
    assert moved
    assert moved.ports == {"kafka": 23192, "kafka_controller": 23193}
    assert (options.folder / "kafka" / "meta.properties").stat().st_ino == kept.st_ino


def test_influx_2_7_takes_the_same_write_and_query(options: Options) -> None:
    if not built_2_7(options):
        pytest.skip("InfluxDB 2.7 is not in the cache and takes five minutes to build: services.py build --influx 2.7")
    up = services.up(dataclasses.replace(options, influx="2.7", only="influx"))
    assert up.influx
    assert up.kafka is None
    assert written_and_read(up.influx.url, up.influx.token, up.influx.bucket) == "1.5"


def test_a_taken_port_moves_on_and_is_said(quick: Options) -> None:
    said = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as other, Progress(said) as progress:
        taken = other.getsockname()[1]
        up = services.up(dataclasses.replace(quick, influx_port=taken), progress)
    assert up.influx
    assert up.influx.ports["influx"] != taken
    assert f"port {taken} is taken, using {up.influx.ports['influx']}" in said.getvalue()


def test_a_port_promised_to_one_instance_is_not_given_to_another(own_cache: Options) -> None:
    with ports.promised(own_cache, 23500) as first, ports.promised(own_cache, 23500) as second:
        assert first != second
    with ports.promised(own_cache, 23500) as again:
        assert again == first


def test_fresh_throws_data_away_and_a_plain_up_keeps_it(quick: Options) -> None:
    def token_after_up(options: Options) -> str:
        influx = services.up(options).influx
        assert influx
        return influx.token

    token = token_after_up(quick)
    services.down(quick)
    assert token_after_up(quick) == token
    assert token_after_up(dataclasses.replace(quick, fresh=True)) != token


@pytest.mark.parametrize(("address", "stays"), [("", False), ("kafka.example:9092", True)])
def test_fresh_forgets_what_feeds_sent_to_the_kafka_that_is_thrown_away(
    own_cache: Options, address: str, stays: bool
) -> None:
    kept = own_cache.folder / "spool" / "north-files-line" / "kept"
    kept.mkdir(parents=True)
    services._empty(dataclasses.replace(own_cache, environ=bare_environ(FOREWARN_KAFKA=address)))
    assert kept.is_dir() == stays


def test_another_influx_version_for_a_running_instance_is_refused(quick: Options) -> None:
    services.up(quick)
    other = "1.8" if quick.influx == "2.7" else "2.7"
    with pytest.raises(ServicesError, match=rf"runs InfluxDB .+, not {other}"):
        services.up(dataclasses.replace(quick, influx=other))


def test_a_process_that_got_the_id_of_an_ended_server_is_left_alone(options: Options, sleeper: tuple[int, str]) -> None:
    pid, _ = sleeper
    mark_of_the_ended = "another-boot/12345"
    save_server(
        options, "kafka", Kafka(address="127.0.0.1:1", how="cache", version="4", pid=pid, started=mark_of_the_ended)
    )
    assert services.down(options) == []
    assert processes.began(pid) is not None


def test_stop_ends_a_process_that_ignores_the_request(tmp_path: Path) -> None:
    stubborn = script(tmp_path, "stubborn", "trap '' TERM; echo deaf; while true; do sleep 0.1; done")
    log = tmp_path / "log"
    pid, started = processes.start([str(stubborn)], log, os.environ)
    while "deaf" not in log.read_text():
        time.sleep(0.02)
    assert processes.stop(pid, started, patience_s=0.3)
    assert not processes.alive(pid, started)


def test_a_server_that_ends_while_starting_shows_the_end_of_its_log(options: Options, tmp_path: Path) -> None:
    script(
        tmp_path / "bin",
        "influxd",
        '[ "$1" = version ] && echo "InfluxDB v1.8.10" && exit; echo "disk is full"; exit 1',
    )
    environ = bare_environ(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(ServicesError) as error:
        services.up(dataclasses.replace(options, only="influx", environ=environ))
    assert "InfluxDB ended while starting" in str(error.value)
    assert "disk is full" in str(error.value)
    assert str(options.folder / "logs" / "influx.log") in str(error.value)
    assert load_server(options, "influx") is None


@pytest.mark.parametrize(
    ("server", "missing", "package"),
    [("kafka", "java", "openjdk-17-jre-headless"), ("kafka", "mvn", "maven"), ("influx", "go", "golang-go")],
)
def test_a_missing_program_is_named_with_its_use_and_its_package(
    own_cache: Options, tmp_path: Path, server: str, missing: str, package: str
) -> None:
    script(tmp_path / "bin", "java", "echo 'openjdk version \"17.0.1\"' >&2")
    (tmp_path / "bin" / missing).unlink(missing_ok=True)
    environ = {"PATH": str(tmp_path / "bin"), "FOREWARN_SERVERS": "local"}
    with pytest.raises(
        ServicesError, match=rf"^{missing} is missing: it is needed to .+\. On Debian: apt install {package}$"
    ):
        services.up(dataclasses.replace(own_cache, only=server, environ=environ))


def test_the_command_says_a_missing_program_in_one_line_and_ends_with_1(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "FOREWARN_CACHE": str(tmp_path), "FOREWARN_SERVERS": "local"}
    ended = subprocess.run([sys.executable, SCRIPT, "up"], env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "error: java is missing: it is needed to run Kafka (version 17 or newer). "
        "On Debian: apt install openjdk-17-jre-headless"
    ]


def test_a_java_that_is_too_old_is_refused(tmp_path: Path) -> None:
    script(tmp_path, "java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    with pytest.raises(ServicesError, match="is Java 11: Kafka 4 needs 17 or newer"):
        programs.find_java({"PATH": str(tmp_path)})


def test_a_go_that_is_too_old_is_refused_unless_it_fetches_a_newer_one(tmp_path: Path) -> None:
    script(tmp_path / "old", "go", "echo go1.19.8; echo")
    script(tmp_path / "fetches", "go", "echo go1.22.1; echo auto")
    with pytest.raises(ServicesError, match=r"go1\.19\.8: go 1\.23 or newer is needed to build it"):
        programs.find_go((1, 23), "build it", {"PATH": str(tmp_path / "old")})
    assert programs.find_go((1, 23), "build it", {"PATH": str(tmp_path / "fetches")})


def test_a_build_that_fails_leaves_no_program(own_cache: Options) -> None:
    def half(part: Path) -> None:
        (part / "half").write_text("")
        raise ServicesError("killed")

    with pytest.raises(ServicesError):
        programs.cached_or_built(own_cache, "thing-1", half)
    assert [path.name for path in own_cache.programs.iterdir()] == [".thing-1.lock"]


def test_two_builds_at_once_become_one(own_cache: Options) -> None:
    built: list[Path] = []
    hows: list[str] = []

    def slow(part: Path) -> None:
        time.sleep(0.2)
        built.append(part)

    threads = [
        threading.Thread(target=lambda: hows.append(programs.cached_or_built(own_cache, "thing-1", slow)[1]))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert sorted(hows) == ["built", "cache"]


def test_a_kafka_from_the_settings_is_used_as_it_is(options: Options) -> None:
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        address = f"127.0.0.1:{theirs.getsockname()[1]}"
        given = dataclasses.replace(options, only="kafka", environ=bare_environ(FOREWARN_KAFKA=address))
        found = services.up(given).kafka
        assert found
        assert (found.bootstrap, found.how, found.pid) == (address, "settings", None)
    with pytest.raises(ServicesError, match=f"FOREWARN_KAFKA names {address}, where nothing answers"):
        services.up(given)


def test_the_docker_command_for_kafka_publishes_on_loopback_only(options: Options) -> None:
    settings = kafka.SETTINGS | kafka.listeners(9095, 29093, bind="0.0.0.0")
    command = docker.kafka_command("forewarn-test-kafka", "4.3.0", 9095, settings)
    assert command[:7] == ["docker", "run", "-d", "--name", "forewarn-test-kafka", "-p", "127.0.0.1:9095:9095"]
    assert command[-1] == "apache/kafka:4.3.0"
    assert "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:9095" in command
    assert "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0" in command


@pytest.mark.parametrize(("version", "home"), [("1.8", "/var/lib/influxdb"), ("2.7", "/var/lib/influxdb2")])
def test_the_docker_command_for_influx_keeps_data_in_a_volume_of_its_version(version: str, home: str) -> None:
    command = docker.influx_command("forewarn-test-influx", version, 8090)
    assert command[5:9] == ["-p", "127.0.0.1:8090:8086", "-v", f"forewarn-test-influx-{version}:{home}"]
    assert command[-1] == f"influxdb:{version}"


def test_docker_is_used_when_an_engine_runs_and_nothing_forbids_it(options: Options, tmp_path: Path) -> None:
    script(tmp_path, "docker", "echo 27.1.1")
    environ = bare_environ(PATH=f"{tmp_path}:{os.environ['PATH']}")
    local = dataclasses.replace(options, environ=environ)
    free = dataclasses.replace(options, environ=environ | {"FOREWARN_SERVERS": ""})
    assert (kafka.choose(free).how, influx.choose(free).how) == ("docker", "docker")
    assert "docker" not in (kafka.choose(local).how, influx.choose(local).how)


def test_docker_that_is_asked_for_but_does_not_run_is_an_error(options: Options, tmp_path: Path) -> None:
    script(tmp_path, "docker", "exit 1")
    environ = bare_environ(PATH=f"{tmp_path}:{os.environ['PATH']}", FOREWARN_SERVERS="docker")
    with pytest.raises(ServicesError, match="`docker info` finds no engine"):
        kafka.choose(dataclasses.replace(options, environ=environ))
