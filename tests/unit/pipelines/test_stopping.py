"""Ending what belongs to another library, whatever it does with that."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from pipelines.stopping import end_if_asked, goodbye

SHORT_S, LONG_S = 0.05, 20.0


async def stubborn() -> None:
    """Swallow a cancellation, as a library may."""
    try:
        await asyncio.sleep(LONG_S)
    except asyncio.CancelledError:
        await asyncio.sleep(SHORT_S)


async def broken() -> None:
    raise OSError("gone")


async def quick() -> int:
    return 3


@pytest.mark.parametrize(("leaving", "fault"), [(quick, type(None)), (broken, OSError), (stubborn, TimeoutError)])
def test_a_farewell_is_waited_for_and_what_it_raised_is_told(leaving, fault):
    async def test():
        return await goodbye(leaving(), SHORT_S)

    began_s = time.monotonic()
    assert isinstance(asyncio.run(test()), fault)
    assert time.monotonic() - began_s < LONG_S


def test_a_cancellation_reaches_us_through_a_farewell_that_swallows_it():
    async def test():
        task = asyncio.create_task(goodbye(stubborn(), LONG_S))
        await asyncio.sleep(SHORT_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert asyncio.run(test())


def test_a_farewell_that_fails_after_we_were_ended_is_no_error_that_nobody_saw():
    told = []

    async def late():
        try:
            await asyncio.sleep(LONG_S)
        finally:
            raise OSError("gone")

    async def test():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        task = asyncio.create_task(goodbye(late(), LONG_S))
        await asyncio.sleep(SHORT_S)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(SHORT_S)
        gc.collect()

    asyncio.run(test())
    assert told == []


def test_a_loop_that_goes_on_after_faults_ends_when_asked_and_not_before():
    passed = []

    async def loop():
        while True:
            try:
                await asyncio.sleep(SHORT_S)
            except asyncio.CancelledError:
                passed.append("swallowed")
            end_if_asked()
            passed.append("on")

    async def test():
        task = asyncio.create_task(loop())
        while "on" not in passed:
            await asyncio.sleep(SHORT_S / 5)
        task.cancel()
        async with asyncio.timeout(LONG_S):
            await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert asyncio.run(test())
    assert passed[-1] == "swallowed"
