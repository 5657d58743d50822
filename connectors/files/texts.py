"""How texts of files are to be read, in the words that the files feed and files of history share."""

from __future__ import annotations

import codecs
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct

STATES = (
    "Bad Input", "I/O Timeout", "Shutdown", "No Data", "Pt Created", "Configure", "Comm Fail", "Over Range",
    "Under Range", "Scan Off", "Intf Shut",
)  # fmt: skip
"""Texts that a PI export writes where a value should be: of the System digital state set of AVEVA PI Data Archive."""


class Texts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Characters, numbers, qualities and times of a file.

    Texts in `states` and `more_states` are bad values, in capital or small letters. `fold` is which of two equal local
    times is meant in the hour that comes twice.
    """

    encoding: str = "utf-8-sig"
    delimiter: str = ","
    decimal: Literal[".", ","] = "."
    states: tuple[str, ...] = STATES
    more_states: tuple[str, ...] = ()
    good: tuple[str, ...] = ("good", "192", "true")
    uncertain: tuple[str, ...] = ("uncertain", "64")
    fold: Literal["first", "second", "refuse"] = "refuse"

    def misfit(self) -> str | None:
        """What of it cannot work, and what to do."""
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n' or self.delimiter == self.decimal:
            return (
                f"delimiter must be one character, neither a quote nor the decimal '{self.decimal}': "
                "with a decimal comma it is ';' or a tab"
            )
        try:
            codecs.lookup(self.encoding)
            "a".encode(self.encoding)
        except (LookupError, UnicodeError):
            return f"encoding '{self.encoding}' is none that Python knows: try utf-8-sig or cp1252"
        return None


def zone_misfit(zone: str) -> str | None:
    """Why there is no such time zone, and what to do."""
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return f"zone '{zone}' is none: use an IANA name such as Europe/Brussels"
    return None
