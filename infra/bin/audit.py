"""Asks about known vulnerabilities of every pinned package: `make audit`.

pip-audit has an environment of its own, so that it shares nothing with what it asks about. It ends well also where the
service knows none of the packages, as behind a mirror that has files alone; here that counts as not asked.
"""

from __future__ import annotations

import enum
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HOME = ROOT / "build" / "audit"
LOCK = ROOT / "requirements-dev.lock"
TOOL = "pip-audit>=2.9,<3"
TIMEOUT_S = 15


class Said(enum.IntEnum):
    """The exit status."""

    NOTHING_KNOWN = 0
    FOUND = 1
    NOT_ASKED = 2


def judged(report: Mapping[str, Any]) -> tuple[Said, list[str]]:
    """What a report of pip-audit in JSON says, and the lines to print."""
    packages = report["dependencies"]
    found = [
        f"{one['name']} {one['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'no version'}"
        for one in packages for each in one.get("vulns", ())
    ]  # fmt: skip
    skipped = [f"{one['name']}: not asked about, {one['skip_reason']}" for one in packages if "skip_reason" in one]
    count = f"could not ask about {len(skipped)} of {len(packages)} packages"
    if found:
        return Said.FOUND, [*found, *skipped]
    if len(skipped) == len(packages):
        return Said.NOT_ASKED, [*skipped[:1], count]  # by the first of them, since all have one cause
    if skipped:
        return Said.NOT_ASKED, [*skipped, count]
    return Said.NOTHING_KNOWN, [f"nothing is known against {len(packages)} packages"]


def tool() -> Path:
    """pip-audit, installed once. Raises CalledProcessError."""
    python, program = HOME / "bin" / "python", HOME / "bin" / "pip-audit"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOL], check=True
        )
    return program


def main() -> None:
    """Ask, print and end with what was said."""
    try:
        words = [str(tool()), "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--format", "json"]
        more = ["--progress-spinner", "off", "--timeout", str(TIMEOUT_S)]
        done = subprocess.run([*words, *more], env=os.environ, capture_output=True, text=True, check=False)
        report = json.loads(done.stdout)
    except (OSError, subprocess.CalledProcessError, json.JSONDecodeError) as failed:
        print(f"could not ask: {failed}", file=sys.stderr)
        sys.exit(Said.NOT_ASKED)
    said, lines = judged(report)
    print("\n".join(lines))
    sys.exit(said)


if __name__ == "__main__":
    main()
