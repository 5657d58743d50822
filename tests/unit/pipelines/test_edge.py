"""Roles in one process begin and end together."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from pipelines.cli import of_edge
from pipelines.cli.edge import together
from pipelines.stopping import told_to_stop


async def until_told(said: list[str], name: str) -> None:
    await told_to_stop().wait()
    said.append(name)


async def failing() -> None:
    raise OSError("no such PLC")


async def short() -> int:
    return 0


def test_all_roles_hear_of_one_signal_and_the_process_ends_well():
    said: list[str] = []

    async def run() -> int:
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGTERM)
        return await together({name: until_told(said, name) for name in ("worker", "console")})

    assert asyncio.run(run()) == 0
    assert sorted(said) == ["console", "worker"]


@pytest.mark.parametrize("ending", [failing, short])
def test_where_one_role_ends_the_others_end_in_good_order_and_the_process_says_so(ending):
    said: list[str] = []
    assert asyncio.run(together({"feed": ending(), "worker": until_told(said, "worker")})) == 1
    assert said == ["worker"]


def test_a_role_that_does_not_end_is_not_waited_for_for_ever(monkeypatch):
    monkeypatch.setattr("pipelines.cli.edge.STOP_S", 0.05)
    assert asyncio.run(together({"feed": failing(), "deaf": asyncio.sleep(60)})) == 1


def test_a_role_that_asks_after_the_word_was_given_hears_it_at_once():
    async def late(said: list[str]) -> None:
        await asyncio.sleep(0.05)
        await until_told(said, "late")

    said: list[str] = []
    assert asyncio.run(together({"feed": failing(), "worker": late(said)})) == 1
    assert said == ["late"]


def test_a_loop_of_its_own_hears_its_own_signals_alone():
    async def run() -> bool:
        event = told_to_stop()
        await asyncio.sleep(0)
        return event.is_set()

    assert not asyncio.run(run()) and not asyncio.run(run())


def test_a_feed_is_told_with_its_config():
    assert of_edge._of("opcua=a=b.toml")[0] == "opcua"
    with pytest.raises(Exception, match=r"opcua=line1\.toml"):
        of_edge._of("opcua")
