"""The time away, read from the server's history (HistoryRead of raw data, OPC 10000-11, 6.5.3).

Up to where each node was read is kept in a file, once all of that is safe: so the time away is also that of the feed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from asyncua import Client, ua

from connectors.scada import kept
from connectors.scada.feed import Read, Reading, Take
from connectors.scada.feeds.opcua import decode

_log = structlog.get_logger()

PAGE = 1000
"""Values of a node in one answer: some 50 KB. Our choice."""
KEEP_EVERY_S = 10.0
"""How much of a history is read again after a kill, at most; our choice."""
FILE = "read-to.json"
MOST_FILE_BYTES = 64 * 1024 * 1024
_NO_HISTORY = {
    ua.StatusCodes.BadHistoryOperationUnsupported,
    ua.StatusCodes.BadServiceUnsupported,
    ua.StatusCodes.BadHistoryOperationInvalid,
    ua.StatusCodes.BadNotReadable,
}
"""What a server without a history says, for a node or for the service."""


class Gaps:
    """Where each address was read to, and the history from there on. It outlives connections.

    With a folder it outlives the process as well; `addresses` are those whose times are kept there.
    """

    def __init__(self, most_rows: int, addresses: tuple[str, ...] = (), folder: Path | None = None) -> None:
        self._most, self._addresses, self._folder = most_rows, addresses, folder
        self._read_to = self._before() if folder else {}
        self._without: set[str] = set()

    def _before(self) -> dict[str, int]:
        assert self._folder is not None
        return kept.get(self._folder / FILE, dict[str, int], MOST_FILE_BYTES) or {}

    async def keep(self, take: Take) -> None:
        """Every now and then, for ever, keep up to where all is safe. It needs a folder."""
        assert self._folder is not None
        before: dict[str, int] = {}
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            now = {address: self._read_to[address] for address in self._addresses if address in self._read_to}
            if now != before:
                await take(Read(), settled=True)
                if await asyncio.to_thread(kept.put, self._folder / FILE, now):
                    before = now

    def note(self, read: Read) -> None:
        """What was read by now."""
        for reading in read.readings:
            self._read_to[reading.address] = reading.time_us

    async def fill(self, client: Client, nodes: Mapping[str, ua.NodeId], take: Take) -> None:
        """Hand on what the server keeps of each node since it was last read; nothing for one that never was.

        The first row may be one that was read before: what repeats does no harm.
        """
        for address, node in nodes.items():
            since_us = self._read_to.get(address)
            if since_us is None or address in self._without:
                continue
            try:
                async for page in _pages(client, node, since_us, self._most):
                    read = _read(address, page)
                    await take(read)
                    self.note(read)
            except ua.UaStatusCodeError as refusal:
                self._tell(address, refusal)

    def _tell(self, address: str, refusal: ua.UaStatusCodeError) -> None:
        """Log a refusal: once a run where there is no history, else each time."""
        if refusal.code not in _NO_HISTORY:
            _log.warning("opcua-history-refused", address=address, error=str(refusal))
            return
        if not self._without:
            _log.warning("opcua-no-history", address=address, error=str(refusal), mend="gaps of such nodes stay")
        self._without.add(address)


def _read(address: str, page: list[Any]) -> Read:
    decoded = [decode.value(address, data) for data in page]
    return Read(
        [one for one in decoded if isinstance(one, Reading)], [one for one in decoded if not isinstance(one, Reading)]
    )


async def _pages(client: Client, node: ua.NodeId, since_us: int, most: int) -> AsyncIterator[list[Any]]:
    """Up to `most` values in order of time, by continuation points or, for a server that gives none, by time.

    Raises UaStatusCodeError where the server refuses.
    """
    start, point, count = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=since_us), None, 0
    while count < most:
        asked = min(PAGE, most - count)
        result = await _history(client, node, start, asked, point)
        page = (getattr(result.HistoryData, "DataValues", None) or [])[:asked]
        count += len(page)
        if page:
            yield page
        before, point = point, result.ContinuationPoint
        if point:
            if point == before or not page:
                return
            continue
        last = page[-1].SourceTimestamp if len(page) == asked else None
        if last is None or last <= start:
            return
        start = last
    _log.warning("opcua-gap-cut", node=node.to_string(), rows=count, mend="raise gap_rows_per_node")
    if point:
        await _history(client, node, start, 0, point, release=True)


async def _history(
    client: Client, node: ua.NodeId, start: datetime, rows: int, point: bytes | None, *, release: bool = False
) -> Any:
    details = ua.ReadRawModifiedDetails(
        IsReadModified=False, StartTime=start, EndTime=ua.get_win_epoch(), NumValuesPerNode=rows, ReturnBounds=False
    )
    asked = ua.HistoryReadParameters(
        HistoryReadDetails=details,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ReleaseContinuationPoints=release,
        NodesToRead=[ua.HistoryReadValueId(NodeId=node, IndexRange="", ContinuationPoint=point)],
    )
    result = (await client.uaclient.session.history_read(asked))[0]
    result.StatusCode.check()
    return result
