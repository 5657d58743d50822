"""The figures of all benchmarks in one file of the tree, infra/benchmarks/results.json: what BENCHMARKS.md is made of.

A bench writes build/bench/NAME.json when it has run, and `fold` takes that in. Each entry bears its own commit and
date, since a run of all takes hours. A quick run is for trying and is refused.
"""

from __future__ import annotations

import ast
import json
import math
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.kit.bench import ROOT, WRITTEN, Row

FILE = ROOT / "infra" / "benchmarks" / "results.json"
BENCHES = ROOT / "tests" / "bench"
TOLD = ("when", "took_s", "machine", "commit", "changed", "versions", "peers")
"""What an entry says of its run, beside its rows."""
DEFAULTS = {"bar": None, "peer": None, "at_most": False, "low": None, "high": None, "runs": None, "ours": None,
            "theirs": None}  # fmt: skip

UNMEASURED = ("nan", "inf", "-inf")

Entry = Mapping[str, Any]


class Refused(ValueError):
    """A document that is no result: of a quick run, of no benchmark of this tree, or without what it ran on."""


def names() -> list[str]:
    """All benchmarks, by file name."""
    return sorted(path.stem for path in BENCHES.glob("[a-z]*.py"))


def docstring(name: str) -> str:
    """What a benchmark says of itself, read without running it."""
    return ast.get_docstring(ast.parse((BENCHES / f"{name}.py").read_text())) or ""


def load(path: Path = FILE) -> dict[str, Entry]:
    """By bench; nothing where there is no file yet."""
    return json.loads(path.read_text()) if path.exists() else {}


def rows_of(entry: Entry) -> list[Row]:
    """As the bench told them; a figure that could not be measured is NaN."""
    return [
        Row(**{key: float(value) if value in UNMEASURED else value for key, value in one.items()})
        for one in entry["rows"]
    ]


def fold(document: Entry, path: Path = FILE) -> None:
    """Put a run in place of the bench's earlier one. Raises Refused."""
    if document["quick"]:
        raise Refused(f"{document['name']}: a run for trying is no result")
    if document["name"] not in names():
        raise Refused(f"{document['name']}: no benchmark has that name")
    if lacking := [key for key in TOLD if key not in document]:
        raise Refused(f"{document['name']}: it does not say {', '.join(lacking)}")
    compared = [one for one in document["parts"] if one["ours"] is not None or one["theirs"] is not None]
    entry = {key: document[key] for key in TOLD}
    entry["rows"] = [kept(one) for one in (*document["rows"], *compared)]
    entry["left_out"] = len(document["parts"]) - len(compared)
    results = {**load(path), document["name"]: entry}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(encoded(results))


def kept(row: Entry) -> dict[str, Any]:
    """A row without what it does not say; what JSON has no number for, by its name."""
    return {
        key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
        if key != "holds" and (key not in DEFAULTS or value != DEFAULTS[key])
    }


def encoded(results: Mapping[str, Entry]) -> str:
    """As JSON with a line a row, so that a change shows which figures moved."""
    parts = []
    for name in sorted(results):
        told = {key: value for key, value in results[name].items() if key != "rows"}
        head = json.dumps(told, indent=1, ensure_ascii=False).removesuffix("\n}")
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False, allow_nan=False)}" for row in results[name]["rows"])
        parts.append(f'{json.dumps(name)}: {head},\n "rows": [\n{rows}\n ]\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def is_of_this_tree(entry: Entry) -> bool:
    """Whether nothing that runs differs between the entry's commit and this one; results and pages may."""
    if entry.get("changed"):
        return False
    words = ["git", "diff", "--quiet", entry["commit"], "HEAD", "--", ".", *(f":!{path}" for path in WRITTEN)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 0
