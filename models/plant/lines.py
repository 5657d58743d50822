"""On which line of a TOML text a thing stands, so that an error can say so. Pure; the text is known to be TOML.

tomllib keeps no lines, so this reads keys and headers again, and steps over values (TOML v1.0.0).
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_STATEMENT = re.compile(rf"[ \t]*(\[?\[?)[ \t]*({_PART}(?:[ \t]*\.[ \t]*{_PART})*)")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*"
    r"|[\[\]{}\n]"
    r"|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)


class _Statement(NamedTuple):
    line: int
    brackets: str
    key: list[str]


def line_of(text: str, path: str) -> int | None:
    """The line, from 1, of `types.pump.signals.x.range` or `tags[2].unit`, or of the nearest thing that it is in.

    What follows the path after a blank or a colon does not matter. None where not even its first name is in the text.
    """
    known = places(text)
    place = nearest(known, path)
    return None if place is None else known[place]


def nearest(known: Iterable[str], path: str) -> str | None:
    """The longest of the known places that a path, with words behind it or not, is or is in."""
    found = [place for place in known if path.startswith(place) and path[len(place) : len(place) + 1] in (*".[: ", "")]
    return max(found, key=len, default=None)


def places(text: str) -> dict[str, int]:
    """Lines of all tables, keys and elements of arrays of tables by dotted path; an inline table is its key alone."""
    lines: dict[str, int] = {}
    elements: Counter[str] = Counter()
    table = ""
    for line, brackets, key in _statements(text):
        path = "" if brackets else table
        for name in key[:-1]:
            path = _within(path, name)
            lines.setdefault(path, line)
            path = _element(path, elements[path])
        path = _within(path, key[-1])
        if brackets == "[[":
            lines.setdefault(path, line)
            elements[path] += 1
            path = _element(path, elements[path])
        lines[path] = line
        table = path if brackets else table
    return lines


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _element(path: str, elements: int) -> str:
    """The last element of an array of tables; what is none is itself."""
    return f"{path}[{elements - 1}]" if elements else path


def _statements(text: str) -> Iterator[_Statement]:
    at, line = 0, 1
    while at < len(text):
        found = _STATEMENT.match(text, at)
        if found:
            yield _Statement(line, found[1], _names(found[2]))
        end = _value_end(text, found.end()) if found and not found[1] else text.find("\n", at) + 1 or len(text)
        line += text.count("\n", at, end)
        at = end


def _names(key: str) -> list[str]:
    """The names of a dotted key, unquoted by TOML's own reader."""
    names, inner = [], tomllib.loads(f"{key} = 0")
    while isinstance(inner, dict):
        ((name, inner),) = inner.items()
        names.append(name)
    return names


def _value_end(text: str, at: int) -> int:
    """Behind the newline that ends a value: one inside of brackets or of a string does not."""
    depth = 0
    for token in _TOKEN.finditer(text, at):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if token[0] == "\n" and depth == 0:
            return token.end()
    return len(text)
