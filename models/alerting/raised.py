"""A case as often as its evidence held: from when it opened, or came back, to when that ended.

Warnings are judged by this: a case that came back told of a failure anew, and did not tell of it in between.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from models.alerting.lifecycle import is_active
from models.records import Alert, AlertReason

BEGINS = frozenset({AlertReason.OPENED, AlertReason.RECURRED})


class Raised(NamedTuple):
    """The revision by which evidence of a case began to hold, and the one by which it ended, or the latest."""

    first: Alert
    last: Alert

    @property
    def began_us(self) -> int:
        """The end of the minute since which it held."""
        return self.first.window_end_us

    @property
    def ended_us(self) -> int | None:
        """The end of the minute until which it held; None while it does."""
        return None if is_active(self.last) else self.last.window_end_us


def raised(alerts: Iterable[Alert]) -> list[Raised]:
    """Of revisions of cases in any order, some of them twice: every time that one was raised, by when it began."""
    of: dict[str, dict[int, Alert]] = defaultdict(dict)
    for alert in alerts:
        of[alert.id][alert.revision] = alert
    found = [one for revisions in of.values() for one in _of_case([revisions[at] for at in sorted(revisions)])]
    return sorted(found, key=lambda one: (one.began_us, one.first.asset))


def _of_case(revisions: list[Alert]) -> list[Raised]:
    out: list[Raised] = []
    for alert in revisions:
        if alert.reason in BEGINS or not out:
            out.append(Raised(alert, alert))
        elif is_active(out[-1].last):  # what people do once it ended is of no evidence
            out[-1] = Raised(out[-1].first, alert)
    return out
