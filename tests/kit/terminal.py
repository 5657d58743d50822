"""What a command shows in a terminal, as a recording (asciicast v2) and as one animated picture (SVG)."""

from __future__ import annotations

import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fcntl import ioctl
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyte

LONGEST_S = 2.0
"""Of a still moment in the picture; the recording has all."""
LEAST_S = 1.0
FONT = 13
ADVANCE, LINE = 7.83, 17
"""Pixels of a character of that size in DejaVu Sans Mono (0.602 em), and from line to line."""
COLOURS = {
    "default": "#d8dee9", "black": "#4c566a", "red": "#e06c75", "green": "#8fbf6f", "brown": "#e5c07b",
    "blue": "#81a1c1", "magenta": "#c08fb8", "cyan": "#7fbfc5", "white": "#e5e9f0",
}  # fmt: skip
BACKGROUND = "#20242c"
NO_BREAK = "\u00a0"
"""Of several blanks in a row a browser draws one."""


class Said(NamedTuple):
    """What came after so many seconds."""

    at_s: float
    text: str


class Frame(NamedTuple):
    """A screen, for so long: lines of runs of text, each with its colour and whether it is bold."""

    seconds: float
    lines: tuple[tuple[tuple[str, str, bool], ...], ...]


def recorded(
    command: Sequence[str], columns: int, rows: int, environ: Mapping[str, str], heard: Callable[[str], None]
) -> tuple[list[Said], int]:
    """Run a command in a terminal of its own; what it said, and its exit status. `heard` is told as it comes."""
    ours, its = pty.openpty()
    ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    began_s, said = time.monotonic(), []
    process = subprocess.Popen(
        command, stdin=its, stdout=its, stderr=its, env={**environ, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    )
    os.close(its)
    while True:
        if select.select([ours], [], [], 0.1)[0]:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other side is closed, and all was read
                break
            text = chunk.decode(errors="replace")
            said.append(Said(time.monotonic() - began_s, text))
            heard(text)
        elif process.poll() is not None:
            break
    os.close(ours)
    return said, process.wait()


def cast(said: Iterable[Said], columns: int, rows: int, title: str) -> str:
    """As asciinema's players read it (asciicast v2)."""
    head = {"version": 2, "width": columns, "height": rows, "title": title}
    lines = [json.dumps(head), *(json.dumps([round(one.at_s, 3), "o", one.text]) for one in said)]
    return "\n".join(lines) + "\n"


def frames(said: Sequence[Said], columns: int, rows: int) -> Iterator[Frame]:
    """Screens that differ, none shorter than LEAST_S but the last, none longer than LONGEST_S."""
    screen = pyte.Screen(columns, rows)
    stream, shown, since_s = pyte.Stream(screen), None, 0.0
    for one in said:
        if shown is not None and one.at_s - since_s >= LEAST_S:
            yield Frame(min(one.at_s - since_s, LONGEST_S), shown)
            shown = None
        stream.feed(one.text)
        if shown is None:
            since_s = one.at_s
        shown = _lines(screen)
    if shown is not None:
        yield Frame(2 * LONGEST_S, shown)


def _lines(screen: pyte.Screen) -> tuple[tuple[tuple[str, str, bool], ...], ...]:
    out = []
    for y in range(screen.lines):
        cells = [screen.buffer[y][x] for x in range(screen.columns)]
        runs = groupby(cells, key=lambda cell: (cell.fg, cell.bold))
        line = [("".join(cell.data for cell in of), colour, bold) for (colour, bold), of in runs]
        out.append(tuple(line))
    return tuple(out)


def animated(of: Sequence[Frame], columns: int, rows: int, title: str) -> str:
    """One picture that shows the frames in turn, for ever. No script, and no font is fetched."""
    whole_s = sum(frame.seconds for frame in of)
    width, height = columns * ADVANCE + 24, rows * LINE + 44
    parts, at_s = [], 0.0
    for number, frame in enumerate(of):
        begin, end = 100 * at_s / whole_s, 100 * (at_s + frame.seconds) / whole_s
        at_s += frame.seconds
        parts.append(
            f"<style>@keyframes f{number}{{0%,{begin:.3f}%{{visibility:hidden}}{begin:.3f}%,{end:.3f}%"
            f"{{visibility:visible}}{end:.3f}%,100%{{visibility:hidden}}}}"
            f"#f{number}{{animation:f{number} {whole_s:.2f}s step-end infinite}}</style>"
            f'<g id="f{number}">{_drawn(frame)}</g>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" role="img" '
        f'aria-label="{escape(title)}"><rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>'
        f'<text x="12" y="22" fill="#9aa4b5" font-family="sans-serif" font-size="12">{escape(title)}</text>'
        f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="{FONT}">'
        f"{''.join(parts)}</g></svg>\n"
    )


def _drawn(frame: Frame) -> str:
    texts = []
    for y, line in enumerate(frame.lines):
        x = 0
        for text, colour, bold in line:
            if text.strip():
                kept = text.rstrip()
                style = ' font-weight="bold"' if bold else ""
                texts.append(
                    f'<text x="{12 + x * ADVANCE:.1f}" y="{44 + y * LINE}" textLength="{len(kept) * ADVANCE:.1f}" '
                    f'fill="{_colour(colour)}"{style}>{escape(kept).replace(" ", NO_BREAK)}</text>'
                )
            x += len(text)
    return "".join(texts)


def _colour(name: str) -> str:
    return COLOURS.get(name.removeprefix("bright"), f"#{name}" if len(name) == 6 else COLOURS["default"])


def written(text: str, file: Path) -> None:
    """Into a file, whose folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
