"""From what a file says of a time to microseconds since 1970 UTC; local times by the rules of their zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from connectors.scada.documents import Wrong
from connectors.scada.feeds.files.config import EPOCHS, Config
from models.records import Reject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US_A_UNIT = dict(zip(EPOCHS, (1_000_000, 1000, 1), strict=True))
_LAST_US = 253_402_300_800_000_000
"""The year 10000: date -u -d '9999-12-31 23:59:59' +%s, and a second."""
_NUMBER = re.compile(r"[+-]?\d{1,20}(\.\d{0,20})?", re.ASCII)
REMEMBERED = 4096
"""Texts whose time is not worked out again, since many tags share a moment; our choice."""


class Times:
    """The times of a config."""

    def __init__(self, config: Config) -> None:
        self._format, self._fold = config.time_format, config.fold
        self._zone = ZoneInfo(config.zone) if config.zone else None
        self._of_text = lru_cache(REMEMBERED)(self._text_us)

    def us(self, said: object) -> int:
        """Microseconds since 1970 UTC. Raises Wrong where there is no such time, or two."""
        if isinstance(said, datetime):
            return self._utc_us(said)
        if isinstance(said, bool) or not isinstance(said, str | int | float):
            raise Wrong(Reject.NO_TIME, "there is no time")
        return self._of_text(str(said).strip() if isinstance(said, str) else f"{Decimal(repr(said)):f}")

    def _text_us(self, said: str) -> int:
        try:
            if self._format in _US_A_UNIT:
                return self._epoch_us(said)
            if self._format == "iso":
                return self._utc_us(datetime.fromisoformat(said))
            return self._utc_us(datetime.strptime(said, self._format))
        except (ValueError, OverflowError) as wrong:
            if isinstance(wrong, Wrong):
                raise
            raise Wrong(Reject.NO_TIME, f"'{said[:100]}' is no time by '{self._format}'") from wrong

    def _epoch_us(self, said: str) -> int:
        if not _NUMBER.fullmatch(said) or abs(us := round(Decimal(said) * _US_A_UNIT[self._format])) >= _LAST_US:
            raise Wrong(Reject.NO_TIME, f"'{said[:100]}' is no number of {self._format} since 1970")
        return us

    def _utc_us(self, when: datetime) -> int:
        if when.tzinfo is None:
            when = self._with_zone(when)
        return (when - _EPOCH) // timedelta(microseconds=1)

    def _with_zone(self, local: datetime) -> datetime:
        """The offset before a change and the one after it tell a gap from a fold (PEP 495)."""
        if self._zone is None:
            raise Wrong(Reject.NO_TIME, f"{local} has no offset: give the zone in the config")
        first, second = (local.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        before, after = first.utcoffset() or timedelta(), second.utcoffset() or timedelta()
        if before < after:
            raise Wrong(Reject.NO_TIME, f"there is no {local} in {self._zone}: the clock goes forward over it")
        if before > after and self._fold == "refuse":
            raise Wrong(Reject.NO_TIME, f"{local} comes twice in {self._zone}: set fold to first or second")
        # By the offset itself: Python subtracts times of one zone without it.
        return local.replace(tzinfo=UTC) - (after if self._fold == "second" else before)
