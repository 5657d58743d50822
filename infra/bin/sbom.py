"""A bill of materials out of a hashed lock: CycloneDX 1.6 as JSON, each package by name, version, purl and sha256.

What a lock says is all that is told: no index is asked, and the same lock gives the same bytes. Standard library only.
Licences are not in a lock, so they are not told.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SPEC = "1.6"
NAMED = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)\s*(?:;\s*(?P<marker>[^\\]+))?"
)
HASH = re.compile(r"--hash=(?P<algorithm>\w+):(?P<digest>[0-9a-f]+)")


class LockError(Exception):
    """A line of a lock that is not understood, or a package without a hash; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One package of a lock. `hashes` are the sha256 of all its files, of which one is installed."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...] = field(default=())
    wanted_by: tuple[str, ...] = field(default=())

    @property
    def purl(self) -> str:
        """The package URL (purl specification, type pypi): the name in lower case, with - for _ and dots."""
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{self.version}"


def read(lock: Path) -> list[Locked]:
    """The packages of a lock, in its order. Raises LockError."""
    found = [_package(lock, number, entry) for number, entry in _entries(lock)]
    if not found:
        raise LockError(f"{lock} names no package")
    return found


def _entries(lock: Path) -> Iterator[tuple[int, list[str]]]:
    """Each entry: the line that names a package, and those that are indented below it."""
    number, entry = 0, list[str]()
    for at, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), 1):
        if entry and (line.startswith((" ", "\t")) or not line.strip()):
            entry.append(line.strip())
        elif line.strip() and not line.startswith("#"):
            if entry:
                yield number, entry
            number, entry = at, [line.strip()]
    if entry:
        yield number, entry


def _package(lock: Path, number: int, entry: list[str]) -> Locked:
    named = NAMED.match(entry[0])
    if named is None:
        raise LockError(f"{lock}:{number}: {entry[0]!r} is not NAME==VERSION: make the lock anew with hashes")
    hashes = [found for line in entry for found in HASH.finditer(line)]
    others = {found["algorithm"] for found in hashes} - {"sha256"}
    if not hashes or others:
        raise LockError(
            f"{lock}:{number}: {named['name']} has no sha256 {sorted(others) or ''}: make the lock with hashes"
        )
    notes = [line.removeprefix("#").strip().removeprefix("via").strip() for line in entry if line.startswith("#")]
    return Locked(
        name=named["name"],
        version=named["version"],
        marker=(named["marker"] or "").strip(),
        hashes=tuple(found["digest"] for found in hashes),
        wanted_by=tuple(note for note in notes if re.fullmatch(r"[A-Za-z0-9._-]+", note)),
    )


def bill(packages: list[Locked], name: str, version: str) -> dict[str, Any]:
    """The CycloneDX document. A package is one of several files, so their hashes are those of its distributions."""
    known = {package.name: package for package in packages}
    own = f"pkg:pypi/{name}@{version}"
    components = [_component(package) for package in packages]
    needs: dict[str, list[str]] = {own: [], **{package.purl: [] for package in packages}}
    for package in packages:
        for by in package.wanted_by:
            needs[known[by].purl if by in known else own].append(package.purl)
    body = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "version": 1,
        "metadata": {
            "component": {"type": "application", "bom-ref": own, "name": name, "version": version, "purl": own}
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(of))} for ref, of in needs.items()],
    }
    seal = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return {**body, "serialNumber": f"urn:uuid:{uuid.UUID(seal[:32], version=4)}"}


def _component(package: Locked) -> dict[str, Any]:
    """Each file's hash is a reference to where the package is distributed, as CycloneDX has it for many files."""
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
        "externalReferences": [
            {"type": "distribution", "url": package.purl, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for digest in package.hashes
        ],
    }
    if package.marker:
        found["properties"] = [{"name": "forewarn:marker", "value": package.marker}]
    return found


def own_version(root: Path = ROOT) -> str:
    """Forewarn's version, which pyproject.toml names."""
    version: str = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return version


def main(arguments: list[str] | None = None) -> None:
    """Write the bill of a lock."""
    parser = argparse.ArgumentParser(description="Write a CycloneDX bill of materials of a hashed lock.")
    parser.add_argument("lock", type=Path, help="a lock of pip with hashes, such as requirements-deploy.lock")
    parser.add_argument("-o", "--out", type=Path, help="the file to write; none: standard output")
    asked = parser.parse_args(arguments)
    text = json.dumps(bill(read(asked.lock), "forewarn", own_version()), indent=2) + "\n"
    if asked.out is None:
        sys.stdout.write(text)
    else:
        asked.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except (LockError, OSError) as error:
        sys.exit(f"error: {error}")
