"""The OPC UA feed against asyncua's own server, started in the test on a free port of the loopback."""

from __future__ import annotations

import ast
import asyncio
import inspect
import socket
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from asyncua import Client, Node, Server, ua
from asyncua.client.ua_session import UaSession
from asyncua.common.callback import CallbackType
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

from connectors.scada.feed import FeedError, Reading
from connectors.scada.feeds import opcua
from connectors.scada.feeds.opcua import Config, Security, link, open_feed
from models.records import Quality

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T0_US = 1_767_225_600_000_000
SPEED, MODE, RUNNING = "ns=2;s=Pump01.Speed", "ns=2;s=Pump01.Mode", "ns=2;s=Pump01.Running"
DEADLINE_S = 15.0


class Taken:
    """A relay that keeps what it is given."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.unread = []

    async def take(self, read, *, settled: bool = False) -> None:
        self.readings += read.readings
        self.unread += read.unread

    def of(self, address: str) -> list[Reading]:
        return [reading for reading in self.readings if reading.address == address]

    def values(self, address: str) -> list:
        return [reading.value for reading in self.of(address)]


class Plant:
    """A server with a pump, which counts the writes and lists the calls that clients make."""

    def __init__(self, port: int, **options) -> None:
        self.url, self.server, self.nodes = f"opc.tcp://127.0.0.1:{port}", Server(**options), {}
        self.writes, self.calls = 0, []

    async def start(self) -> Plant:
        await self.server.init()
        self.server.set_endpoint(self.url)
        await self.server.register_namespace("urn:plant")
        pump = await self.server.nodes.objects.add_object("ns=2;s=Pump01", "2:Pump01")
        for address, value in ((SPEED, 1.0), (MODE, "auto"), (RUNNING, True)):
            self.nodes[address] = await pump.add_variable(address, f"2:{address.partition('.')[2]}", value)
            await self.nodes[address].set_writable()
            await self.say(address, value, 0)
        self.server.subscribe_server_callback(CallbackType.PreWrite, self._saw_write)
        self._answer = self.server.iserver.method_service.call
        self.server.iserver.method_service.call = self._saw_call
        self.server.disable_clock()  # else it takes a second to stop
        await self.server.start()
        return self

    def _saw_write(self, written, _dispatcher) -> None:
        self.writes += written.is_external

    async def _saw_call(self, requests):
        self.calls += [request.MethodId.Identifier for request in requests]
        return await self._answer(requests)

    async def say(self, address: str, value, seconds: float, status=ua.StatusCodes.Good) -> None:
        await self.server.write_attribute_value(self.nodes[address].nodeid, _data(value, seconds, status))

    async def stop(self) -> None:
        await self.server.stop()


def _data(value, seconds: float = 0.0, status=ua.StatusCodes.Good) -> ua.DataValue:
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    return ua.DataValue(
        variant, ua.StatusCode(status), T0 + timedelta(seconds=seconds), T0 + timedelta(seconds=seconds)
    )


def _port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _config(plant: Plant, **fields) -> Config:
    fields = {"nodes": (SPEED,), "publishing_interval_ms": 20.0, "sampling_interval_ms": 0.0, "timeout_s": 3.0} | fields
    return Config(url=plant.url, **fields)


async def until(fact) -> None:
    """Wait for a fact, or fail."""
    ends = asyncio.get_running_loop().time() + DEADLINE_S
    while not fact():
        assert asyncio.get_running_loop().time() < ends, "it did not come to be"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(config: Config, taken: Taken):
    task = asyncio.create_task(open_feed(config).run(taken.take))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, FeedError):
            await task


@asynccontextmanager
async def a_plant(port: int | None = None, **options):
    plant = await Plant(port or _port(), **options).start()
    try:
        yield plant
    finally:
        await plant.stop()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(link, "FIRST_RETRY_S", 0.1)


def test_values_of_all_kinds_come_with_their_source_times():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(_config(plant, nodes=(SPEED, MODE, RUNNING)), taken):
            await until(lambda: len(taken.readings) == 3)
            await plant.say(SPEED, 2.5, 60.25)
            await until(lambda: len(taken.readings) == 4)
        assert taken.readings == [
            Reading(SPEED, T0_US, 1.0),
            Reading(MODE, T0_US, "auto"),
            Reading(RUNNING, T0_US, True),
            Reading(SPEED, T0_US + 60_250_000, 2.5),
        ]

    asyncio.run(body())


def test_statuses_become_qualities_and_a_bad_value_is_none():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(_config(plant), taken):
            await until(lambda: len(taken.readings) == 1)
            await plant.say(SPEED, 2.0, 1, ua.StatusCodes.UncertainLastUsableValue)
            await plant.say(SPEED, 3.0, 2, ua.StatusCodes.BadSensorFailure)
            await until(lambda: len(taken.readings) == 3)
        assert [(one.value, one.quality) for one in taken.readings] == [
            (1.0, Quality.GOOD),
            (2.0, Quality.UNCERTAIN),
            (None, Quality.BAD),
        ]

    asyncio.run(body())


def test_a_step_within_the_deadband_is_not_sent():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(_config(plant, deadband={SPEED: 0.5}), taken):
            await until(lambda: len(taken.readings) == 1)
            await plant.say(SPEED, 1.3, 1)
            await plant.say(SPEED, 9.0, 2)
            await until(lambda: len(taken.readings) == 2)
        assert taken.values(SPEED) == [1.0, 9.0]

    asyncio.run(body())


def test_a_browse_path_is_an_address_as_well():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(_config(plant, nodes=("/2:Pump01/2:Speed",)), taken):
            await until(lambda: taken.readings)
        assert taken.readings == [Reading("/2:Pump01/2:Speed", T0_US, 1.0)]

    asyncio.run(body())


def test_a_node_that_the_server_does_not_know_is_logged_once_and_the_others_go_on():
    async def body():
        taken, port = Taken(), _port()
        nodes = ("ns=2;s=Nothing", "/2:Pump01/2:Nothing", SPEED)
        with structlog.testing.capture_logs() as logs:
            plant = await Plant(port).start()
            async with running(_config(plant, nodes=nodes), taken):
                await until(lambda: len(taken.readings) == 1)
                await plant.stop()
                async with a_plant(port):
                    await until(lambda: len(taken.readings) == 2)
        refused = sorted(log["address"] for log in logs if log["event"] == "opcua-node-refused")
        assert refused == ["/2:Pump01/2:Nothing", "ns=2;s=Nothing"]

    asyncio.run(body())


def test_after_a_restart_of_the_server_its_values_come_again():
    async def body():
        taken, port = Taken(), _port()
        plant = await Plant(port).start()
        async with running(_config(plant), taken):
            await until(lambda: taken.readings)
            await plant.stop()
            async with a_plant(port) as plant:
                await until(lambda: len(taken.readings) == 2)
                await plant.say(SPEED, 7.0, 5)
                await until(lambda: len(taken.readings) == 3)
        assert taken.values(SPEED) == [1.0, 1.0, 7.0]

    asyncio.run(body())


async def _gap(port: int, taken: Taken, config, *, historized: bool, rows: int) -> None:
    """A server that goes away and comes back, with rows of the time between in its history."""
    plant = await Plant(port).start()
    async with running(config(plant), taken):
        await until(lambda: taken.readings)
        await plant.stop()
        plant = Plant(port)
        await plant.server.init()
        if historized:
            storage = plant.server.iserver.history_manager.storage
            node = ua.NodeId.from_string(SPEED)
            await storage.new_historized_node(node, None)
            for row in range(rows):
                await storage.save_node_value(node, _data(100.0 + row, 1 + row))
        else:
            plant.server.iserver.history_manager.read_history = _unsupported
        plant.server.init = _nothing
        await plant.start()
        try:
            await plant.say(SPEED, 5.0, 9999)
            await until(lambda: 5.0 in taken.values(SPEED))
        finally:
            await plant.stop()


async def _nothing() -> None: ...


async def _unsupported(params) -> list[ua.HistoryReadResult]:
    status = ua.StatusCode(ua.StatusCodes.BadHistoryOperationUnsupported)
    return [ua.HistoryReadResult(StatusCode=status) for _ in params.NodesToRead]


def test_the_time_away_is_filled_from_the_servers_history_in_order(monkeypatch):
    monkeypatch.setattr("connectors.scada.feeds.opcua.gaps.PAGE", 10)
    taken = Taken()
    asyncio.run(_gap(_port(), taken, lambda p: _config(p, fill_gaps=True), historized=True, rows=35))
    values = list(dict.fromkeys(v for v in taken.values(SPEED) if v >= 100))
    assert values == [100.0 + row for row in range(35)]
    assert taken.values(SPEED).index(134.0) < taken.values(SPEED).index(5.0)


def test_no_more_of_a_gap_is_read_than_the_bound():
    taken = Taken()
    config = lambda p: _config(p, fill_gaps=True, gap_rows_per_node=4)  # noqa: E731
    with structlog.testing.capture_logs() as logs:
        asyncio.run(_gap(_port(), taken, config, historized=True, rows=20))
    assert max(v for v in taken.values(SPEED)) < 110
    assert "opcua-gap-cut" in {log["event"] for log in logs}


def test_a_server_without_history_is_told_of_once_and_the_feed_goes_on():
    taken = Taken()
    with structlog.testing.capture_logs() as logs:
        config = lambda p: _config(p, nodes=(SPEED, MODE), fill_gaps=True)  # noqa: E731
        asyncio.run(_gap(_port(), taken, config, historized=False, rows=0))
    assert [log["event"] for log in logs].count("opcua-no-history") == 1


def test_an_event_is_a_reading_of_its_message_at_its_time():
    async def body():
        taken = Taken()
        async with a_plant() as plant:
            generator = await plant.server.get_event_generator()
            async with running(_config(plant, nodes=(), events=("i=2253",)), taken):
                for count in range(500):  # an event before the subscription is nobody's
                    await generator.trigger(T0 + timedelta(seconds=count), f"oil low {count}")
                    await asyncio.sleep(0.02)
                    if taken.readings:
                        break
                await until(lambda: taken.readings)
        first = taken.readings[0]
        count = int(str(first.value).rpartition(" ")[2])
        assert first == Reading("i=2253#events", T0_US + count * 1_000_000, f"oil low {count}")

    asyncio.run(body())


def test_the_server_sees_no_write_and_no_call_but_condition_refresh():
    async def body():
        taken = Taken()
        async with a_plant() as plant:
            await plant.server.get_event_generator()
            config = _config(plant, nodes=(SPEED, MODE), events=("i=2253",), fill_gaps=True)
            async with running(config, taken):
                await until(lambda: len(taken.readings) == 2 and plant.calls)
                await plant.say(SPEED, 2.0, 1)
                await until(lambda: len(taken.readings) == 3)
            assert plant.writes == 0
            assert plant.calls == [ua.ObjectIds.ConditionType_ConditionRefresh]
            async with Client(plant.url) as other:  # the count counts
                await other.get_node(SPEED).write_value(3.0)
            assert plant.writes == 1

    asyncio.run(body())


ALLOWED = {
    "call", "connect", "create_monitored_items", "create_subscription", "disconnect", "disconnect_socket",
    "history_read", "set_password", "set_security", "set_user", "translate_browsepaths",
}  # fmt: skip
"""All that the feed may ask of asyncua's client; `call` is for ConditionRefresh alone."""


def _attributes() -> list[str]:
    folder = Path(opcua.__path__[0])
    trees = [ast.parse(file.read_text()) for file in sorted(folder.glob("*.py"))]
    return [node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def test_the_feed_names_no_service_of_asyncua_but_those_that_read():
    services = {
        name
        for kind in (Client, UaSession, Node)
        for name, member in vars(kind).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }
    assert {"write", "write_value", "call_method", "history_update", "add_nodes", "set_writable"} <= services
    assert services & set(_attributes()) == ALLOWED


def test_the_one_call_is_of_condition_refresh():
    attributes = _attributes()
    assert attributes.count("call") == attributes.count("CallMethodRequest") == 1
    assert attributes.count("ConditionType_ConditionRefresh") == 1


async def _certificates(folder: Path, name: str, uri: str, use) -> tuple[Path, Path]:
    key, certificate = folder / f"{name}-key.pem", folder / f"{name}.der"
    await setup_self_signed_certificate(key, certificate, uri, socket.gethostname(), [use], {})
    return key, certificate


class _OneUser:
    """Takes anna and her password, nobody else."""

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if isinstance(password, bytes):
            password = password.decode()
        return User(role=UserRole.User) if (username, password) == ("anna", "right") else None


@asynccontextmanager
async def _secure_plant(folder: Path):
    key, certificate = await _certificates(folder, "server", "urn:server", ExtendedKeyUsageOID.SERVER_AUTH)
    plant = Plant(_port(), user_manager=_OneUser())
    await plant.server.init()
    await plant.server.set_application_uri("urn:server")
    plant.server.set_security_policy(
        [ua.SecurityPolicyType.Basic256Sha256_Sign, ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt]
    )
    await plant.server.load_certificate(certificate)
    await plant.server.load_private_key(key)
    plant.server.init = _nothing
    await plant.start()
    try:
        yield plant, certificate
    finally:
        await plant.stop()


async def _secured(folder: Path, security: Security, taken: Taken, *, impostor: bool = False, logs=()) -> None:
    key, certificate = await _certificates(folder, "feed", "urn:forewarn:opcua", ExtendedKeyUsageOID.CLIENT_AUTH)
    async with _secure_plant(folder) as (plant, server):
        config = _config(
            plant, security=security, certificate=str(certificate), private_key=str(key), user="anna",
            password_env="OPCUA_TEST", server_certificate=str(certificate if impostor else server),
        )  # fmt: skip
        async with running(config, taken) as task:
            await until(lambda: taken.readings or task.done() or any(log["event"] == "opcua-away" for log in logs))
            if task.done():
                task.result()


@pytest.mark.parametrize("security", [Security.SIGN, Security.SIGN_AND_ENCRYPT])
def test_a_secure_server_is_read_with_certificate_user_and_password(security, tmp_path, monkeypatch):
    monkeypatch.setenv("OPCUA_TEST", "right")
    taken = Taken()
    asyncio.run(_secured(tmp_path, security, taken))
    assert taken.values(SPEED) == [1.0]


def test_a_wrong_password_ends_the_feed_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("OPCUA_TEST", "wrong")
    with pytest.raises(FeedError, match="refuses user 'anna'"):
        asyncio.run(_secured(tmp_path, Security.SIGN_AND_ENCRYPT, Taken()))


def test_a_server_with_another_certificate_than_the_one_given_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("OPCUA_TEST", "right")
    taken = Taken()
    with structlog.testing.capture_logs() as logs:
        asyncio.run(_secured(tmp_path, Security.SIGN_AND_ENCRYPT, taken, impostor=True, logs=logs))
    assert not taken.readings and "opcua-live" not in {log["event"] for log in logs}


def test_a_node_that_the_server_gets_later_is_subscribed_to_then(monkeypatch):
    monkeypatch.setattr(link, "REFUSED_S", 0.1)

    async def body():
        taken = Taken()
        async with a_plant() as plant, running(_config(plant, nodes=(SPEED, "ns=2;s=Late")), taken):
            await until(lambda: taken.readings)
            await plant.server.nodes.objects.add_variable("ns=2;s=Late", "2:Late", 4.0)
            await until(lambda: taken.of("ns=2;s=Late"))
        assert len(taken.of(SPEED)) == 1

    asyncio.run(body())


def test_a_server_that_ends_a_message_in_the_middle_and_talks_rubbish_is_tried_again():
    async def body():
        taken, port, met = Taken(), _port(), []

        async def rubbish(_reader, writer) -> None:
            met.append(1)
            writer.write(b"ACKF\xff\x00" if len(met) == 1 else b"GET / HTTP/1.1\r\n\r\n" * 50)
            writer.close()

        server = await asyncio.start_server(rubbish, "127.0.0.1", port)
        plant = Plant(port)
        async with running(_config(plant), taken):
            await until(lambda: len(met) >= 2)
            server.close()
            await server.wait_closed()
            await plant.start()
            try:
                await until(lambda: taken.readings)
            finally:
                await plant.stop()

    asyncio.run(body())


def test_what_the_taker_raises_ends_the_feed():
    async def take(_read, *, settled: bool = False) -> None:
        raise RuntimeError("the relay is broken")

    async def body():
        async with a_plant() as plant:
            await asyncio.wait_for(open_feed(_config(plant)).run(take), DEADLINE_S)

    with pytest.raises(RuntimeError, match="the relay is broken"):
        asyncio.run(body())
