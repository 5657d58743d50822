"""How figures of benchmarks are written in prose and tables, and templates of prose that take them from results.

A block of a page begins with a comment that holds its template and ends with a comment; what stands between the two is
rendered. `{{row}}` is a row's value, `{{row [unit]}}` where rows of several units have the name, `{{row @ peer}}` a
peer's, where ours has the same name, `{{row | .1f}}` with a format of Python's, `{{row | spread}}` the least and the
most of its rounds, `{{row | bar}}` its bar and whether it holds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from tests.kit.bench import Row
from tests.kit.results import Entry, rows_of

NO_FIGURE = "(no figure)"
NOT_RUN = "not run on this tree yet"
END = "<!-- end of bench -->"
BLOCK = re.compile(rf"(<!-- bench: (\w+)\n(.*?)\n-->\n).*?({END})", re.DOTALL)
PLACE = re.compile(r"\{\{(.+?)(?: \[([^\]]*)\])?(?: @ ([^|}]+?))?(?: \| ([^}]+))?\}\}")


def shown(value: float) -> str:
    """Four digits, or all before the point."""
    if not math.isfinite(value):
        return "no figure"
    if abs(value) >= 1000 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def spread(row: Row) -> str:
    """The least and the most of its rounds; nothing where it has none."""
    if row.low is None or row.high is None:
        return ""
    return f"{shown(row.low)} to {shown(row.high)}"


def bar(row: Row) -> str:
    """As a table has it."""
    return "" if row.bar is None else f"{'at most' if row.at_most else 'at least'} {shown(row.bar)}"


def bar_said(row: Row) -> str:
    """As prose has it."""
    if row.bar is None:
        return "no bar"
    return f"the bar is {bar(row)}" if row.holds else f"the bar of {bar(row)} is not reached"


def loses(row: Row) -> bool:
    """Whether the peer's figure is better than ours."""
    ours, theirs = (row.ours, row.value) if row.ours is not None else (row.value, row.theirs)
    if ours is None or theirs is None:
        return False
    return theirs < ours if row.at_most else theirs > ours


def filled(template: str, rows: Sequence[Row]) -> str:
    """A template with its figures; `(no figure)` where there is no such row, or more than one."""

    def figure(place: re.Match[str]) -> str:
        name, unit, peer, how = place.groups()
        found = [row for row in rows if row.name == name and unit in (None, row.unit) and peer in (None, row.peer)]
        if peer is None and len(found) > 1:
            found = [row for row in found if row.peer is None]
        if len(found) != 1:
            return NO_FIGURE
        words = {None: shown(found[0].value), "spread": spread(found[0]), "bar": bar_said(found[0])}
        if how in words:
            return words[how] or NO_FIGURE
        return f"{found[0].value:{how}}"

    return PLACE.sub(figure, template)


def rendered(page: str, results: Mapping[str, Entry]) -> str:
    """A page with all of its blocks rendered anew."""

    def block(found: re.Match[str]) -> str:
        head, name, template, end = found.groups()
        if name not in results:
            return f"{head}`make bench ONLY={name}`: {NOT_RUN}.\n{end}"
        return f"{head}{filled(template, rows_of(results[name]))}\n{end}"

    return BLOCK.sub(block, page)
