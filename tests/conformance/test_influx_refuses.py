"""What only InfluxDB can refuse: the address, the token, the bucket, a body that is too large. On both versions."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import numpy as np
import pytest

from connectors.influx import admin
from connectors.influx.query import InfluxReader
from connectors.influx.store import InfluxStore, WriteOptions
from connectors.influx.target import InfluxMisconfigured, InfluxUnreachable, Target
from pipelines.ports import Rows


def rows(fields: dict[str, np.ndarray]) -> Rows:
    length = len(next(iter(fields.values())))
    now_us = time.time_ns() // 1000
    return Rows("pump", "demo", ("pump-01",), np.zeros(length, np.intp), now_us - np.arange(length), fields)


ONE = rows({"x": np.array([1.0])})


def write(target: Target) -> None:
    async def body() -> None:
        async with InfluxStore(target) as store:
            await store.write([ONE])

    asyncio.run(body())


def count(target: Target) -> int:
    async def body() -> int:
        async with InfluxReader(target) as reader:
            return await reader.count_rows("pump", 0, time.time_ns() // 1000 + 1)

    return asyncio.run(body())


def test_a_missing_bucket_is_told_with_what_to_do(influx) -> None:
    for action in (write, count):
        with pytest.raises(InfluxMisconfigured, match="forewarn up"):
            action(influx.new_bucket())


def test_a_missing_retention_policy_is_told_with_what_to_do(influx) -> None:
    target = influx.new_bucket()
    admin.ensure(target)
    try:
        for action in (write, count):
            with pytest.raises(InfluxMisconfigured, match="FOREWARN_INFLUX_BUCKET"):
                action(target.with_bucket(f"{target.database}/none"))
    finally:
        admin.drop(target)


def test_a_wrong_token_is_told_without_showing_it(influx) -> None:
    target = dataclasses.replace(influx.target(), token="some:secret")
    for action in (write, count, admin.ensure):
        with pytest.raises(InfluxMisconfigured, match="FOREWARN_INFLUX_TOKEN") as told:
            action(target)
        assert "secret" not in str(told.value) + repr(target)


def test_retention_can_be_changed_and_ensured_again(influx) -> None:
    target = influx.new_bucket()
    old = dataclasses.replace(ONE, time_us=ONE.time_us - 5 * 86_400_000_000)

    async def refused() -> int:
        async with InfluxStore(target) as store:
            return len(await store.write([old]))

    try:
        for days, expected in ((1.0, 1), (1.0, 1), (None, 0), (None, 0), (2.0, 1)):
            admin.ensure(target, days)
            assert asyncio.run(refused()) == expected
    finally:
        admin.drop(target)
        admin.drop(target)


def test_a_body_larger_than_the_server_takes_is_divided(influx) -> None:
    target = influx.new_bucket()
    admin.ensure(target)

    async def body() -> int:
        async with InfluxStore(target, WriteOptions(lines_per_post=100_000, in_flight=1)) as store:
            refused = await store.write([rows({"note": np.array(["x" * 1000] * 40_000, dtype=object)})])
            return len(refused)

    try:
        assert asyncio.run(body()) == 0
        assert count(target) == 40_000
    finally:
        admin.drop(target)


def test_gzip_stores_the_same(influx) -> None:
    target = influx.new_bucket()
    admin.ensure(target)

    async def body() -> None:
        async with InfluxStore(target, WriteOptions(gzip=True)) as store:
            assert not await store.write([rows({"x": np.arange(1000.0)})])

    try:
        asyncio.run(body())
        assert count(target) == 1000
    finally:
        admin.drop(target)


def test_versions_are_told_apart(influx) -> None:
    assert admin.reachable(influx.target()).major == (1 if "/" in influx.target().bucket else 2)


def test_an_address_where_nothing_listens_is_told_in_one_line() -> None:
    with pytest.raises(InfluxUnreachable, match=r"^no InfluxDB at http://127.0.0.1:9 .*`forewarn up`.*$"):
        admin.reachable(Target("http://127.0.0.1:9", "", "", ""))
