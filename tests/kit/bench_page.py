"""BENCHMARKS.md and the blocks of other pages: made of infra/benchmarks/results.json and of benches' docstrings.

`make benchmarks` writes them anew; `make bench` does so at its end. Nothing of them is typed by hand, and a test
compares.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path

from tests.kit import bench_bars, peers, results
from tests.kit.bench import ROOT, Row
from tests.kit.bench_shown import BLOCK, NO_FIGURE, NOT_RUN, bar, loses, rendered, shown, spread
from tests.kit.guides import MARKDOWN
from tests.kit.results import Entry, rows_of

COMMENT = re.compile("#|//").match
PAGE = ROOT / "BENCHMARKS.md"
TEMPLATED = [path for path in MARKDOWN.values() if BLOCK.search(path.read_text(encoding="utf-8"))]
"""Pages with figures in their prose: README, and the reference beside what it describes."""
PICTURES = ROOT / "infra" / "pictures"
HEAD = "| {} |\n|{}|".format
CHANGED = {False: "", True: " with changes", None: ", whether with changes was not kept"}
LOSES = "Where Forewarn loses or misses its aim"
ABOUT = """# Benchmarks

Made by `make benchmarks` from [infra/benchmarks/results.json](infra/benchmarks/results.json) and from the docstring of
each bench; nothing here is typed by hand, and a test compares. A run of all takes hours, so each bench's figures bear
the commit and the date of their own run. "Spread" is the least and the most of the rounds of that run, with their
number; where there is none, the figure was measured once. {ran} of {all} benches have a result here."""
HOW = """## How to run it

`make bench` runs all, one after another, and takes hours; `make bench ONLY=ingest,step` runs those; `MISSING=1` runs
those that have no result of the code as it is. Each takes the place of its earlier result as it ends, whether its
bars hold or not; at the end this page and the figures of others are made anew, and bars that do not hold are listed.
Figures are of one machine, so leave it alone meanwhile. `BENCH_QUICK=1` is for trying: what it prints is kept
out of the results."""


def page(found: Mapping[str, Entry]) -> str:
    """All of BENCHMARKS.md."""
    names = results.names()
    ran = [name for name in names if name in found]
    by_name = {name: rows_of(found[name]) for name in ran}
    parts = [
        ABOUT.format(ran=len(ran), all=len(names)),
        *losing(by_name, [name for name in names if name not in found]),
        *summary(by_name),
        *(part for name in names for part in section(name, found.get(name))),
        *configurations(),
        HOW,
    ]
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; a bar within a cell is no column."""
    cells = [" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines]
    return "\n".join([HEAD(" | ".join(head), " --- |" * len(head)).removesuffix("|"), *(f"| {one} |" for one in cells)])


def losing(by_name: Mapping[str, Sequence[Row]], missing: Sequence[str]) -> Iterator[str]:
    """Bars that do not hold, peers that are better, and what is not known."""
    yield f"## {LOSES}"
    missed = [
        (link(name), row.name, shown(row.value), row.unit, bar(row), row.peer or "")
        for name, rows in by_name.items() for row in rows if not row.holds
    ]  # fmt: skip
    better = [
        (link(name), row.name, row.peer or "", *map(shown, sides(row)), row.unit)
        for name, rows in by_name.items() for row in rows if loses(row)
    ]  # fmt: skip
    if missed:
        yield f"{counted(len(missed), 'bar does not hold', 'bars do not hold')}:"
        yield table(("bench", "figure", "value", "unit", "bar", "beside"), missed)
    else:
        yield "All bars of the benches that ran hold."
    if better:
        yield f"{counted(len(better), 'figure of a peer is', 'figures of peers are')} better than ours:"
        yield table(("bench", "figure", "peer", "peer's", "Forewarn's", "unit"), better)
    else:
        yield "No peer's figure is better than ours in the benches that ran."
    if missing:
        yield f"{NOT_RUN.capitalize()}, so nothing is known of them: {', '.join(map(link, missing))}."


def counted(number: int, one: str, more: str) -> str:
    """A number with the word for it."""
    return f"{number} {one if number == 1 else more}"


def sides(row: Row) -> tuple[float, float]:
    """The peer's figure and ours."""
    if row.ours is not None:
        return row.value, row.ours
    assert row.theirs is not None
    return row.theirs, row.value


def link(name: str) -> str:
    """To a bench's section."""
    return f"[{name}](#{name})"


def summary(by_name: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """Every figure that has a bar, or is ours beside a peer's."""
    yield "## Summary"
    lines = [
        (link(name), row.name, shown(row.value), row.unit, rounds(row), bar(row), held(row), row.peer or "")
        for name, rows in by_name.items() for row in rows if row.bar is not None or row.theirs is not None
    ]  # fmt: skip
    yield table(("bench", "figure", "value", "unit", "spread", "bar", "holds", "beside"), lines)


def rounds(row: Row) -> str:
    """The spread, and of how many rounds."""
    return f"{spread(row)} ({row.runs})" if row.runs else ""


def held(row: Row) -> str:
    """Whether its bar holds."""
    return "" if row.bar is None else "yes" if row.holds else "**no**"


def section(name: str, entry: Entry | None) -> Iterator[str]:
    """A bench: what it says of itself, when it ran, its figures and pictures."""
    yield f"## {name}"
    yield results.docstring(name)
    yield f"[tests/bench/{name}.py](tests/bench/{name}.py)"
    if entry is None:
        yield f"**{NOT_RUN.capitalize()}.**"
        return
    yield ran(entry)
    rows = rows_of(entry)
    lines = [(row.name, shown(row.value), row.unit, rounds(row), bar(row), held(row), row.peer or "") for row in rows]
    yield table(("figure", "value", "unit", "spread", "bar", "holds", "beside"), lines)
    if entry["left_out"]:
        yield f"{entry['left_out']:,} figures of parts are in build/bench/{name}.json of a run alone."
    yield from (f"![{name}]({path.relative_to(ROOT)})" for path in pictures(name, rows))


def ran(entry: Entry) -> str:
    """When, where and with what."""
    took = "how long it took was not kept" if entry["took_s"] is None else f"it took {duration(entry['took_s'])}"
    commit = f"`{entry['commit'][:12]}`{CHANGED[entry['changed']]}"
    versions, others = (
        ", ".join(f"{name} {version}" for name, version in entry[which].items()) for which in ("versions", "peers")
    )
    told = f"Ran {entry['when'][:10]} on {entry['machine']}; {took}; commit {commit}. With {versions}."
    return f"{told} Peers: {others}." if others else told


def duration(seconds: float) -> str:
    """In the unit that a person would take."""
    for longest_s, unit_s, unit in ((120, 1, "s"), (7200, 60, "min")):
        if seconds < longest_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def pictures(name: str, rows: Sequence[Row]) -> Iterator[Path]:
    """What the bench drew itself, or bars of ours beside peers."""
    if (own := PICTURES / f"{name}.svg").exists():
        yield own
    elif bench_bars.panels(rows):
        yield PICTURES / "bench" / f"{name}.svg"


def configurations() -> Iterator[str]:
    """Versions and configurations of the programs that run beside ours."""
    yield "## Peers' versions and configurations"
    told = ", ".join(f"{name} {version}" for name, version in peers.versions().items())
    yield f"Pinned in this tree, whatever ran when: {told}. Each is set up as its own pages on speed have it:"
    files = sorted(path for path in peers.FOLDER.rglob("[a-z]*") if path.suffix in (".py", ".conf", ".mod", ".in"))
    yield "\n".join(f"- [{path.name}]({path.relative_to(ROOT)}): {says(path)}" for path in files)
    conf = peers.FOLDER / "telegraf" / "telegraf.conf"
    yield f"Telegraf's, whole:\n\n```toml\n{conf.read_text().strip()}\n```"


def says(path: Path) -> str:
    """The first sentence of a file's docstring or of its first comment."""
    text = path.read_text()
    if path.suffix == ".py":
        first = ast.get_docstring(ast.parse(text)) or ""
    else:
        first = " ".join(line.lstrip("#/ ") for line in takewhile(COMMENT, text.splitlines()))
    return " ".join(first.split()).split(". ")[0].rstrip(".")


def write() -> list[str]:
    """Draw, write the pages, and say which figures they ask for that no row has."""
    found = results.load()
    for name in found:
        rows = rows_of(found[name])
        if PICTURES / "bench" / f"{name}.svg" in pictures(name, rows):
            bench_bars.draw(bench_bars.panels(rows), PICTURES / "bench" / f"{name}.svg")
    PAGE.write_text(page(found))
    lost = []
    for path in TEMPLATED:
        text = rendered(path.read_text(encoding="utf-8"), found)
        path.write_text(text, encoding="utf-8")
        lost += [f"{path.relative_to(ROOT)}: {line}" for line in text.splitlines() if NO_FIGURE in line]
    return lost


def main() -> None:
    """Write them."""
    if lost := write():
        sys.exit("pages ask for figures that no row has, or several have:\n" + "\n".join(lost))


if __name__ == "__main__":
    main()
