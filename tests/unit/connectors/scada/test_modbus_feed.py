"""The feed against pymodbus' own server in this process: values, faults of PLC and network, period and cap."""

from __future__ import annotations

import ast
import asyncio
import struct
import time
from contextlib import suppress
from itertools import count, pairwise
from pathlib import Path

import pytest
from pymodbus.client.mixin import ModbusClientMixin
from pymodbus.constants import ExcCodes

from connectors.scada.feeds import modbus
from connectors.scada.feeds.modbus import Config, client, open_feed
from models.records import Quality
from tests.kit.plc import NAMES, Plc, Taken, fed, register, running, until

PERIOD_S = 0.05


def config(plc, *registers, **more):
    said = {"period_s": PERIOD_S, "timeout_s": 0.5, "most_requests_s": 1000.0} | more
    return Config(host="127.0.0.1", port=plc.port, registers=registers, **said)


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch):
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.05)


def words_of(form, value):
    data = struct.pack(">" + form, value)
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


VALUES = [
    ("int16", "h", -5.0), ("uint16", "H", 65_000.0), ("int32", "i", -70_000.0), ("uint32", "I", 4e9),
    ("int64", "q", -(2.0**40)), ("uint64", "Q", 2.0**63), ("float32", "f", -118.625), ("float64", "d", 0.1),
]  # fmt: skip


@pytest.mark.parametrize("table", ["holding", "input"])
@pytest.mark.parametrize("order", ["big", "little"])
def test_numbers_of_every_type_and_order_are_read(table, order):
    placed = {at * 10: entry for at, entry in enumerate(VALUES)}
    words = {}
    for at, (kind, form, value) in placed.items():
        its = words_of(form, int(value) if kind[0] in "iu" else value)
        words |= dict(enumerate(its if order == "big" else its[::-1], at))
    registers = [register(kind, at, kind, table, words=order) for at, (kind, _, _) in placed.items()]

    async def go():
        its = Plc(**{"holding" if table == "holding" else "inputs": words})
        async with running(its) as plc, fed(open_feed(config(plc, *registers))) as taken:
            await until(lambda: taken.polls)
        assert {r.address: r.value for r in taken.polls[0].readings} == {kind: value for kind, _, value in VALUES}
        assert {r.quality for r in taken.readings} == {Quality.GOOD}

    asyncio.run(go())


def test_bits_and_strings_are_read():
    registers = [
        *(register(f"coil-{at}", at, "bool", "coil") for at in range(12)),
        *(register(f"discrete-{at}", at, "bool", "discrete") for at in range(4, 12)),
        register("bit-3", 0, "bool", bit=3),
        register("bit-4", 0, "bool", bit=4),
        register("mode", 1, "string", length=4),
    ]

    async def go():
        its = Plc(holding={0: 8, 1: 0x5255, 2: 0x4E00})
        async with running(its) as plc, fed(open_feed(config(plc, *registers))) as taken:
            await until(lambda: taken.polls)
        expected = {f"coil-{at}": at % 3 == 0 for at in range(12)} | {
            f"discrete-{at}": at % 5 == 0 for at in range(4, 12)
        }
        assert {r.address: r.value for r in taken.polls[0].readings} == expected | {
            "bit-3": True,
            "bit-4": False,
            "mode": "RUN",
        }

    asyncio.run(go())


def test_readings_have_the_time_of_the_clock_that_is_given():
    ticks = count(1)

    async def go():
        async with running(Plc()) as plc:
            feed = open_feed(config(plc, register("a", 0)), lambda: next(ticks) * 50_000)
            async with fed(feed) as taken:
                await until(lambda: len(taken.polls) > 3)
        assert all(0 < r.time_us < 10_000_000 and r.time_us % 50_000 == 0 for r in taken.readings)

    asyncio.run(go())


def test_a_clock_that_is_set_back_while_a_poll_is_waited_for_does_not_stop_it():
    asked = count()

    def now_us():
        return client.wall_us() - (3_600_000_000 if next(asked) else 0)

    async def go():
        async with running(Plc()) as plc, fed(open_feed(config(plc, register("a", 0)), now_us)) as taken:
            await until(lambda: taken.readings)

    asyncio.run(go())


def test_an_illegal_register_is_bad_once_and_the_others_go_on():
    async def go():
        plc = Plc()
        plc.illegal = {("holding", 5)}
        registers = [register(str(at), at) for at in range(10)]
        async with running(plc), fed(open_feed(config(plc, *registers))) as taken:
            await until(lambda: len(taken.of("9")) > 3)
        assert [(r.value, r.quality) for r in taken.of("5")] == [(None, Quality.BAD)]
        assert all(len(taken.of(str(at))) == len(taken.polls) for at in range(10) if at != 5)

    asyncio.run(go())


def test_a_busy_plc_makes_its_registers_bad_and_then_good_again():
    async def go():
        async with running(Plc()) as plc, fed(open_feed(config(plc, register("a", 0)))) as taken:
            await until(lambda: taken.readings)
            plc.code = ExcCodes.DEVICE_BUSY
            await until(lambda: taken.readings[-1].value is None)
            plc.code = None
            await until(lambda: taken.readings[-1].value == 0.0)
        assert [r.quality for r in taken.readings].count(Quality.BAD) == 1

    asyncio.run(go())


def test_a_plc_that_comes_back_is_read_again():
    async def go():
        plc = Plc()
        await plc.start()
        feed = open_feed(config(plc, register("a", 0)))
        async with fed(feed) as taken:
            await until(lambda: taken.readings)
            await plc.stop()
            plc.words[3][0] = 7
            await until(lambda: feed.counts["away"])
            await plc.start()
            try:
                await until(lambda: taken.readings[-1].value == 7.0)
            finally:
                await plc.stop()
        assert feed.counts["connections"] >= 2

    asyncio.run(go())


def test_a_feed_waits_for_a_plc_that_is_not_there_yet():
    async def go():
        plc = Plc()
        await plc.start()
        await plc.stop()
        feed = open_feed(config(plc, register("a", 0)))
        async with fed(feed) as taken:
            await until(lambda: feed.counts["away"])
            async with running(plc):
                await until(lambda: taken.readings)

    asyncio.run(go())


def test_a_slow_plc_is_polled_at_multiples_of_the_period_and_what_is_late_is_counted():
    async def go():
        plc = Plc()
        plc.slow_s = 2.5 * PERIOD_S
        async with running(plc):
            feed = open_feed(config(plc, register("a", 0)))
            async with fed(feed) as taken:
                await until(lambda: len(taken.polls) > 4)
        turns = [r.time_us // round(PERIOD_S * 1_000_000) for r in taken.readings]
        gaps = [late - early for early, late in pairwise(turns)]
        assert all(gap >= 3 for gap in gaps)
        assert feed.counts["skipped"] >= 2 * len(gaps)

    asyncio.run(go())


def test_a_plc_that_does_not_answer_is_left_and_tried_again():
    async def go():
        plc = Plc()
        plc.slow_s = 60.0
        async with running(plc):
            feed = open_feed(config(plc, register("a", 0), timeout_s=0.02))
            async with fed(feed):
                await until(lambda: feed.counts["connections"] > 1)
        assert feed.counts["unanswered"] >= client.MOST_UNANSWERED
        assert len(plc.asked) <= feed.counts["requests"], "the client sends more than the cap counts"

    asyncio.run(go())


def test_the_cap_is_kept_while_a_block_is_split():
    async def go():
        plc = Plc()
        plc.illegal = {("holding", at) for at in range(0, 40, 2)}
        async with running(plc):
            began = time.monotonic()
            feed = open_feed(config(plc, *(register(str(at), at) for at in range(40)), most_requests_s=100.0))
            async with fed(feed) as taken:
                await until(lambda: taken.polls)
                assert len(plc.asked) > 40
                assert len(plc.asked) <= 100 * (time.monotonic() - began) + 1

    asyncio.run(go())


def test_a_plc_sees_only_the_four_functions_that_read():
    async def go():
        plc = Plc()
        plc.illegal = {("holding", 3), ("coil", 16)}
        before = [list(table) for table in (*plc.words.values(), *plc.bits.values())]
        async with running(plc):
            registers = [
                *(register(f"{table}-{at}", at, "bool" if table in ("coil", "discrete") else "uint16", table)
                  for table in NAMES.values() for at in range(20)),
            ]  # fmt: skip
            async with fed(open_feed(config(plc, *registers))) as taken:
                await until(lambda: len(taken.polls) > 2)
        assert {function for function, _, _ in plc.asked} == {1, 2, 3, 4}
        assert [list(table) for table in (*plc.words.values(), *plc.bits.values())] == before

    asyncio.run(go())


def test_the_feed_names_nothing_of_the_client_that_could_write():
    reads = {"read_coils", "read_discrete_inputs", "read_holding_registers", "read_input_registers"}
    others = {name for name in dir(ModbusClientMixin) if not name.startswith("__")} - reads
    assert {"write_register", "write_coils", "readwrite_registers", "mask_write_register"} <= others
    named = set()
    for file in Path(modbus.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            named |= {node.attr} if isinstance(node, ast.Attribute) else set()
            named |= {node.id} if isinstance(node, ast.Name) else set()
            named |= {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
    assert reads <= named
    assert not named & (others | {"execute", "ctx", "getattr", "send", "transport", "pdu_send"})


def test_a_feed_waits_for_who_takes():
    async def go():
        async with running(Plc()) as plc:
            feed, free, taken = open_feed(config(plc, register("a", 0))), asyncio.Event(), Taken()

            async def take(read, *, settled: bool = False):
                await taken.take(read)
                await free.wait()

            task = asyncio.create_task(feed.run(take))
            await until(lambda: taken.polls)
            await asyncio.sleep(3 * PERIOD_S)
            assert len(plc.asked) == 1
            free.set()
            await until(lambda: len(taken.polls) > 1)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(go())
