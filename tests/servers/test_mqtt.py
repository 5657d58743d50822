"""The MQTT feed against Mosquitto, of this machine or fetched from Debian into the cache; skipped where neither is."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from connectors.scada.discover import Limits
from connectors.scada.discover.plantfile import write
from connectors.scada.feed import FeedError, Reading
from connectors.scada.feeds import mqtt
from connectors.scada.feeds.mqtt import shell
from connectors.scada.feeds.mqtt.shell import MqttFeed, open_feed
from connectors.scada.spool import SEGMENT_BYTES, Spool
from infra.bin import mosquitto, processes
from infra.bin.layout import Options, ServicesError
from models.plant import parse
from models.records import Quality, decode
from tests.kit import mqtt_process
from tests.kit.sparkplug import bdseq, payload
from tests.unit.connectors.scada.test_mqtt_shell import Taken, ended, until

pytestmark = pytest.mark.servers
PLAIN = (mqtt.Plain(topic="plant/{asset}/{signal}", arrival_time=True),)
NOW_US = 7_000_000


@pytest.fixture(scope="session")
def servers() -> None:
    """In place of Kafka and InfluxDB, which these tests have no use for."""


@pytest.fixture(scope="session")
def program() -> mosquitto.Program:
    try:
        return mosquitto.provide(Options())
    except ServicesError as missing:
        pytest.skip(str(missing))


class Broker:
    """One Mosquitto on a port of its own, that keeps sessions over a restart."""

    def __init__(self, program: mosquitto.Program, folder: Path, lines: str = "allow_anonymous true") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._program, self._folder = program, folder
        (folder / "broker.conf").write_text(
            f"listener {self.port} 127.0.0.1\npersistence true\npersistence_location {folder}/\n"
            f"user root\nmax_queued_messages 0\n{lines}\n"
        )

    def start(self) -> None:
        log = self._folder / "broker.log"
        command = [str(self._program.path), "-c", str(self._folder / "broker.conf")]
        self._pid, self._began = processes.start(command, log, self._program.environ(os.environ))
        running = lambda: processes.alive(self._pid, self._began)  # noqa: E731
        processes.wait_ready("Mosquitto", self._answers, running, log, 10.0)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        processes.stop(self._pid, self._began)

    def other(self, **more) -> aiomqtt.Client:
        """A client that is a machine's, not ours."""
        return aiomqtt.Client("127.0.0.1", self.port, **more)


@pytest.fixture
def broker(program, tmp_path) -> Iterator[Broker]:
    made = Broker(program, tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(shell, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(shell, "LONGEST_WAIT_S", 0.1)


def feed(port: int, subscriptions=PLAIN, **more) -> MqttFeed:
    config = mqtt.Config(
        **{"host": "127.0.0.1", "port": port, "client_id": "ours", **more}, subscriptions=subscriptions
    )
    return open_feed(config, lambda: NOW_US)


async def connected(ours: MqttFeed, task: asyncio.Task) -> None:
    await until(lambda: ours._was_connected, task)


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_values_come_through(broker, protocol):
    async def test():
        taken, ours = Taken(), feed(broker.port, protocol=protocol)
        task = asyncio.create_task(ours.run(taken))
        await connected(ours, task)
        async with broker.other() as machine:
            await machine.publish("plant/p1/temp", "20.5", qos=1)
            await machine.publish("plant/p1/mode", "RUN", qos=0)
            await machine.publish("elsewhere/p1/temp", "1", qos=1)
            await machine.publish("plant/p1/last", "1", qos=1)
        await until(lambda: taken.has("plant/p1/last"), task)
        await ended(task)
        assert sorted(taken.readings)[1:] == [
            Reading("plant/p1/mode", NOW_US, "RUN"),
            Reading("plant/p1/temp", NOW_US, 20.5),
        ]

    asyncio.run(test())


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
def test_what_is_said_while_we_are_away_waits_at_the_broker(broker, protocol):
    async def test():
        ours, taken = feed(broker.port, protocol=protocol), Taken()
        task = asyncio.create_task(ours.run(taken))
        await connected(ours, task)
        await ended(task)
        async with broker.other() as machine:
            for number in range(300):
                await machine.publish("plant/p1/n", str(number), qos=1)
        again = asyncio.create_task(feed(broker.port, protocol=protocol).run(taken))
        await until(lambda: len(taken.readings) == 300, again)
        await ended(again)
        assert [reading.value for reading in taken.readings] == list(range(300))

    asyncio.run(test())


def test_a_feed_that_is_killed_again_and_again_loses_nothing_of_qos_1(broker, tmp_path):
    count, kept = 3_000, tmp_path / "spool"

    async def say() -> None:
        async with broker.other() as machine:
            for number in range(count):
                await machine.publish("plant/t1", b'{"v": %d, "t": %d}' % (number, number), qos=1)

    async def session() -> None:
        ours = mqtt_process.open_feed(broker.port)
        task = asyncio.create_task(ours.run(Taken()))
        await connected(ours, task)
        await ended(task)

    def values() -> list[float]:
        found = Spool(kept, 8 * SEGMENT_BYTES)
        values: list[float] = []
        while chunk := found.peek():
            values += [value for one in chunk for value in decode(one.value).signals["temp_degc"]]
            found.took()
        found.close()
        return values

    asyncio.run(session())
    asyncio.run(say())
    all_of_it: list[float] = []
    kills = 0
    command = [sys.executable, "-m", "tests.kit.mqtt_process", str(broker.port), str(kept)]
    while len(set(all_of_it)) < count:
        assert kills < 40, f"{len(set(all_of_it))} of {count} after {kills} kills"
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(150):  # until it wrote something, or 3 s
            time.sleep(0.02)
            if any(kept.glob("*.spool")):
                break
        time.sleep(0.05 + kills % 4 * 0.02)
        process.kill()
        process.wait()
        kills += 1
        all_of_it += values()
    assert kills > 1
    assert set(all_of_it) == set(range(count))


def test_a_flood_of_qos_1_beyond_the_bound_is_read_to_its_end(broker):
    count = 500

    async def test():
        goes = asyncio.Event()
        ours, taken = feed(broker.port, queue_messages=10), Taken(goes)
        task = asyncio.create_task(ours.run(taken))
        await connected(ours, task)
        async with broker.other() as machine:
            for number in range(count):
                await machine.publish("plant/p1/n", str(number), qos=1)
        await until(lambda: ours._waiting.left > 0, task)
        goes.set()
        await until(lambda: len({one.value for one in taken.readings}) == count, task)
        await ended(task)
        assert ours.dropped == 0

    asyncio.run(test())


def test_a_restart_of_the_broker_is_got_over(broker):
    async def test():
        taken, ours = Taken(), feed(broker.port)
        task = asyncio.create_task(ours.run(taken))
        await connected(ours, task)
        for number in range(3):
            async with broker.other() as machine:
                await machine.publish(f"plant/p1/{number}", "1", qos=1)
            await until(lambda number=number: taken.has(f"plant/p1/{number}"), task)
            await asyncio.to_thread(broker.stop)
            await asyncio.to_thread(broker.start)
        async with broker.other() as machine:
            await machine.publish("plant/p1/last", "1", qos=1)
        await until(lambda: taken.has("plant/p1/last"), task)
        await ended(task)

    asyncio.run(test())


def test_a_wrong_password_is_an_error_and_the_right_one_is_let_in(program, tmp_path, monkeypatch):
    passwords = tmp_path / "passwords"
    tool = program.path.parents[1] / "bin" / "mosquitto_passwd"
    if not tool.is_file():
        pytest.skip("mosquitto_passwd is not beside mosquitto")
    made = subprocess.run(
        [str(tool), "-b", "-c", str(passwords), "us", "secret"], env=program.environ(os.environ), check=False
    )
    assert made.returncode == 0
    broker = Broker(program, tmp_path, f"allow_anonymous false\npassword_file {passwords}")
    broker.start()

    async def test():
        monkeypatch.setenv("TEST_PASSWORD", "wrong")
        more = {"user": "us", "password_env": "TEST_PASSWORD"}
        with pytest.raises(FeedError, match="refuses us"):
            async with asyncio.timeout(20):
                await feed(broker.port, **more).run(Taken())
        monkeypatch.setenv("TEST_PASSWORD", "secret")
        ours = feed(broker.port, **more)
        task = asyncio.create_task(ours.run(Taken()))
        await connected(ours, task)
        await ended(task)

    try:
        asyncio.run(test())
    finally:
        broker.stop()


def test_tls_is_checked_against_the_ca_file(program, tmp_path):
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    for into in ((key, cert), (tmp_path / "other-key.pem", tmp_path / "other.pem")):
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                *subject,
                "-keyout",
                str(into[0]),
                "-out",
                str(into[1]),
            ],
            check=True,
            capture_output=True,
        )
    broker = Broker(program, tmp_path, f"allow_anonymous true\ncertfile {cert}\nkeyfile {key}")
    broker.start()

    async def test():
        right = feed(broker.port, host="localhost", tls=True, ca_file=str(cert))
        wrong = feed(broker.port, host="localhost", client_id="w", tls=True, ca_file=str(tmp_path / "other.pem"))
        tasks = [asyncio.create_task(ours.run(Taken())) for ours in (wrong, right)]
        await connected(right, tasks[1])
        await asyncio.sleep(0.5)
        assert not wrong._was_connected and not tasks[0].done()
        for task in tasks:
            await ended(task)

    try:
        asyncio.run(test())
    finally:
        broker.stop()


def test_what_is_discovered_takes_nothing_from_the_session_of_the_feed(broker):
    async def test():
        taken, ours = Taken(), feed(broker.port, (*PLAIN, mqtt.SparkplugB(group="+")))
        task = asyncio.create_task(ours.run(taken))
        await connected(ours, task)
        await ended(task)
        looking = asyncio.create_task(mqtt.discover(ours._config, Limits(2.0, 1, 100), lambda _done, _of: None))
        await asyncio.sleep(1)
        async with broker.other() as machine:
            metric = {"name": "temp", "datatype": 10, "double_value": 2.5, "timestamp": 1}
            await machine.publish("plant/p1/temp", "20.5", qos=1)
            await machine.publish("spBv1.0/G/NBIRTH/E", payload(bdseq(1), metric, seq=0), qos=1)
        plant = parse(write(await looking, "hall", "a test"))
        assert {tag.address: (tag.asset, tag.signal) for tag in plant.tags} == {
            "plant/p1/temp": ("p1", "temp"),
            "G/E/temp": ("e", "temp"),
        }
        task = asyncio.create_task(ours.run(taken))
        await until(lambda: taken.has("plant/p1/temp") and taken.has("G/E/temp"), task)
        await ended(task)

    asyncio.run(test())


def test_a_sparkplug_node_that_is_cut_off_goes_bad_by_its_will_and_we_publish_nothing(broker):
    speed = {"name": "speed", "alias": 7, "timestamp": 1, "datatype": 10, "double_value": 1.5}

    async def node():
        will = aiomqtt.Will("spBv1.0/G/NDEATH/E", payload(bdseq(4)), qos=1)
        async with broker.other(will=will, identifier="node") as machine:
            await machine.publish("spBv1.0/G/NBIRTH/E", payload(bdseq(4), speed, seq=0))
            await machine.publish("spBv1.0/G/NDATA/E", payload({"alias": 7, "timestamp": 2, "double_value": 2}, seq=1))
            await machine.publish("spBv1.0/G/NDATA/E", payload({"alias": 7, "timestamp": 3, "double_value": 3}, seq=3))
            await asyncio.Event().wait()

    async def test():
        taken, ours = Taken(), feed(broker.port, (mqtt.SparkplugB(group="+"),))
        task = asyncio.create_task(ours.run(taken))
        await connected(ours, task)
        async with broker.other() as watcher:
            await watcher.subscribe("#")
            machine = asyncio.create_task(node())
            await until(lambda: len(taken.readings) == 3, task)
            async with broker.other(identifier="node"):  # the broker cuts the other one off: MQTT 3.1.1 section 3.1.4
                await until(lambda: len(taken.readings) == 4, task)
            await ended(machine)
            await ended(task)
            seen = [(await anext(aiter(watcher.messages))).topic.value for _ in range(len(watcher.messages))]
        assert [(reading.value, reading.quality) for reading in taken.readings] == [
            *[(1.5, Quality.GOOD), (2.0, Quality.GOOD), (3.0, Quality.UNCERTAIN), (None, Quality.BAD)]
        ]
        assert sorted(seen) == ["spBv1.0/G/NBIRTH/E", *["spBv1.0/G/NDATA/E"] * 2, "spBv1.0/G/NDEATH/E"]

    asyncio.run(test())
