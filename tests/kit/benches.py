"""Runs benchmarks one after another, each a process, and keeps what they measured: `make bench`.

After a failure it goes on with the next. Each that has measured is folded into infra/benchmarks/results.json, whether
its bars hold or not, and pages are made anew at the end, also after an interruption. Ends with 1 if a bar does not hold
or a bench has measured nothing, and lists which.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit import bench_page, results
from tests.kit.bench import FOLDER, ROOT
from tests.kit.bench_page import duration
from tests.kit.results import Entry

Run = Callable[[str], int]
"""Runs a bench by name and returns its exit status."""


@dataclass
class Outcome:
    """Lines on bars that do not hold, and on benches that measured nothing."""

    missed: list[str] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)


def process(name: str) -> int:
    """A bench as a process of its own; its output goes where ours does."""
    return subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], cwd=ROOT, check=False).returncode


def run_all(names: Sequence[str], run: Run = process, folder: Path = FOLDER, file: Path = results.FILE) -> Outcome:
    """Run and fold them."""
    outcome = Outcome()
    for at, name in enumerate(names, 1):
        print(f"{at} of {len(names)}: {name}, {last(results.load(file).get(name))}", file=sys.stderr, flush=True)
        before = written(name, folder)
        status = run(name)
        told = [path for path, moment in written(name, folder).items() if before.get(path) != moment]
        if not told:
            outcome.unmeasured.append(f"{name}: ended with {status} and measured nothing")
            continue
        document = json.loads(told[0].read_text())
        outcome.missed += [f"{name}: {row['name']}" for row in document["rows"] if not row["holds"]]
        try:
            results.fold(document, file)
        except results.Refused as refused:
            print(f"not kept: {refused}", file=sys.stderr, flush=True)
    return outcome


def written(name: str, folder: Path) -> dict[Path, int]:
    """A bench's documents, with the moment that each was written at."""
    paths = (folder / f"{name}.json", folder / f"{name}-quick.json")
    return {path: path.stat().st_mtime_ns for path in paths if path.exists()}


def last(entry: Entry | None) -> str:
    """How long to wait, by the last result."""
    if entry is None:
        return "which has no result yet"
    if entry["took_s"] is None:
        return f"which last ran on {entry['when'][:10]}"
    return f"which took {duration(entry['took_s'])} on {entry['when'][:10]}"


def chosen(only: str, missing: bool) -> list[str]:
    """Names to run. Raises SystemExit for one that is none."""
    every, found = results.names(), results.load()
    asked = [name for name in only.split(",") if name]
    if unknown := sorted(set(asked) - set(every)):
        sys.exit(f"no benchmark is named {', '.join(unknown)}; there are {', '.join(every)}")
    names = [name for name in every if not asked or name in asked]
    if missing:
        names = [name for name in names if name not in found or not results.is_of_this_tree(found[name])]
    return names


def main() -> None:
    """Run those asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit.benches", description=__doc__)
    parser.add_argument("--only", default="", help="names, with commas between; all where it is empty")
    parser.add_argument("--missing", action="store_true", help="those without a result of the code as it is")
    given = parser.parse_args()
    try:
        outcome = run_all(chosen(given.only, given.missing))
    finally:
        lost = bench_page.write()
    for title, lines in (
        ("bars that do not hold", outcome.missed),
        ("measured nothing", outcome.unmeasured),
        ("figures of pages that no row has", lost),
    ):
        print("".join(f"{title}: {line}\n" for line in lines), end="", file=sys.stderr)
    sys.exit(bool(outcome.missed or outcome.unmeasured))


if __name__ == "__main__":
    main()
