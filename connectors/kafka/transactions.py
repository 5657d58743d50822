"""A transaction of a producer, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError


@contextlib.asynccontextmanager
async def transaction(producer: AIOKafkaProducer, abort_s: float) -> AsyncIterator[None]:
    """Commit if all went well, else try to abort for so long; the first error is what is raised."""
    await producer.begin_transaction()
    try:
        yield
    except BaseException:
        with contextlib.suppress(KafkaError, AssertionError, TimeoutError):  # the first error says more
            async with asyncio.timeout(abort_s):
                await producer.abort_transaction()
        raise
    await producer.commit_transaction()
