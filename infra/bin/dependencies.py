"""Makes infra/DEPENDENCIES.md: what Forewarn stands on, at which version, why, and under which licence.

Names and reasons come from pyproject.toml, where the comment behind each dependency is its reason; versions and who
brings what from requirements-dev.lock; licences from the metadata of the installed distributions. `make dependencies`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "infra" / "DEPENDENCIES.md"
CORE, DEVELOPMENT = "dependencies", "dev"
NOT_HERE = "not read: of another system or Python"
ALLOWED = {
    "MIT": "permissive: its notice is kept",
    "MIT-0": "permissive, without a notice",
    "MIT-CMU": "permissive: its notice is kept",
    "ISC": "permissive: its notice is kept",
    "BSD-2-Clause": "permissive: its notice is kept",
    "BSD-3-Clause": "permissive: its notice is kept, and no names are used to advertise",
    "BSD-3-Clause-Modification": "permissive, as BSD-3-Clause; changed files would have to say so",
    "0BSD": "permissive, without a notice",
    "Zlib": "permissive: changed sources would have to say so",
    "CC0-1.0": "given to the public",
    "PSF-2.0": "permissive, as Python itself",
    "Apache-2.0": "permissive: its notice is kept; a licence to patents, which ends for who sues over them",
    "Apache-2.0 WITH LLVM-exception": "permissive, as Apache-2.0; compiled code needs no notice",
    "MPL-2.0": "copyleft by file: only a changed file of its own would have to be shown; we change none",
    "LGPL-3.0-or-later": "copyleft of a library: it is imported as it is, as a package of its own that a user may "
    "replace, and only with the extra `scada`; nothing of ours falls under it",
}
"""Licences by SPDX that a dependency may have, and why; of a choice (OR) one must be here, of a sum (AND) all."""
ALLOWED_IN_DEVELOPMENT = {
    "LGPL-3.0-only": "copyleft of a library: it draws pictures for README, and nothing that is installed has it",
    "NASA-1.3": "copyleft of changed files, with duties for who passes it on: tests alone run it, and nothing of it is "
    "passed on",
}
FIELDS = {
    "mit": "MIT", "mit license": "MIT", "apache": "Apache-2.0", "apache 2": "Apache-2.0", "apache 2.0": "Apache-2.0",
    "apache-2.0": "Apache-2.0", "apache license v2.0": "Apache-2.0", "apache license, version 2.0": "Apache-2.0",
    "2-clause bsd": "BSD-2-Clause", "bsd-2-clause": "BSD-2-Clause", "bsd 2-clause license": "BSD-2-Clause",
    "3-clause bsd license": "BSD-3-Clause", "bsd-3-clause": "BSD-3-Clause", "bsd 3-clause license": "BSD-3-Clause",
    "isc": "ISC", "isc license": "ISC", "mpl-2.0": "MPL-2.0", "psf-2.0": "PSF-2.0",
    "bsd-derived (repoze)": "BSD-3-Clause-Modification",
}  # fmt: skip
"""What distributions write into the free field of their licence, by the first line in small letters."""
CLASSIFIERS = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
}

Licence = Callable[[str], str]
"""SPDX of a package by its name."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A dependency that pyproject.toml names: in which group, as it is asked for, and the comment behind it."""

    group: str
    name: str
    wanted: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A package of the lock: its versions, each with the marker that it is for, and the packages that bring it."""

    versions: tuple[tuple[str, str], ...]
    by: tuple[str, ...]


def normal(name: str) -> str:
    """A package's name as the lock has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked(text: str) -> list[Asked]:
    """Direct dependencies in the order of the file; extras of our own among them are left to `joined`."""
    project = tomllib.loads(text)["project"]
    groups = {CORE: project["dependencies"], **project["optional-dependencies"]}
    whys = reasons(text)
    found = []
    for group, wanted in groups.items():
        for one in wanted:
            name = normal(re.split(r"[\[<>=!~; ]", one, maxsplit=1)[0])
            if name != project["name"]:
                found.append(Asked(group=group, name=name, wanted=one, why=whys.get((group, one), "")))
    return found


def reasons(text: str) -> dict[tuple[str, str], str]:
    """Comments behind dependencies, by group and dependency: a parser of TOML drops them."""
    found, group = {}, ""
    for line in text.splitlines():
        if opened := re.match(r"([\w-]+) = \[$", line):
            group = opened[1]
        elif told := re.match(r'\s+"([^"]+)",\s*# (.+)$', line):
            found[group, told[1]] = told[2].strip()
    return found


def joined(text: str) -> dict[str, list[str]]:
    """Other extras that an extra brings with it."""
    project = tomllib.loads(text)["project"]
    own = re.compile(rf"{project['name']}\[(.+)\]$")
    return {
        extra: [name for one in wanted if (found := own.match(one)) for name in found[1].split(",")]
        for extra, wanted in project["optional-dependencies"].items()
    }


def pinned(lock: str) -> dict[str, Pinned]:
    """Packages by name, of a lock that uv made."""
    found: dict[str, tuple[list[tuple[str, str]], set[str]]] = {}
    name = ""
    for line in lock.splitlines():
        if told := re.match(r"([A-Za-z][\w.-]*)(?:\[[^\]]*\])?==(\S+)(?: ; (.+?))?(?: \\)?$", line):
            name = normal(told[1])
            found.setdefault(name, ([], set()))[0].append((told[2], told[3] or ""))
        elif told := re.match(r"    #(?: via |   )([A-Za-z][\w.-]*)(?: \(.+\))?$", line):
            found[name][1].add(normal(told[1]))
    return {name: Pinned(versions=tuple(of), by=tuple(sorted(by))) for name, (of, by) in found.items()}


def expression(told: metadata.PackageMetadata, text: str) -> str:
    """SPDX by a distribution's metadata and, where that is vague, by its licence's text; "" where it is unknown."""
    if "License-Expression" in told:
        return told["License-Expression"]
    field = (told.get_all("License") or [""])[0].strip().split("\n")[0].lower()
    classes = [one.split(" :: ")[-1] for one in told.get_all("Classifier") or [] if one.startswith("License")]
    known = sorted({CLASSIFIERS[one] for one in classes if one in CLASSIFIERS})
    if len(known) > 1:
        return " OR ".join(known)
    return FIELDS.get(field) or (known[0] if known else by_text(" ".join(text.lower().split())))


def by_text(text: str) -> str:
    """Of the licences that are told apart by their sentences."""
    if "redistribution and use" in text:
        return "BSD-3-Clause" if "neither the name" in text or "endorse or promote" in text else "BSD-2-Clause"
    return "MIT" if "permission is hereby granted, free of charge" in text else ""


def installed(name: str) -> str:
    """SPDX of an installed package; NOT_HERE where it is not. Raises ValueError where its licence cannot be told."""
    try:
        of = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return NOT_HERE
    files = [file for file in of.files or [] if re.search("licen[cs]e|copying", file.name, re.IGNORECASE)]
    text = "".join(Path(str(file.locate())).read_text(errors="replace") for file in files if file.suffix != ".py")
    if found := expression(of.metadata, text):
        return found
    raise ValueError(f"{name} says no licence that is known here: read it, and add it to CLASSIFIERS or FIELDS")


def refused(licence: str, allowed: Mapping[str, str]) -> bool:
    """Whether no choice of the licence consists of allowed ones alone."""
    choices = (choice.strip("() ").split(" AND ") for choice in licence.split(" OR "))
    return not any(all(one.strip("() ") in allowed for one in choice) for choice in choices)


def ships(lock: Mapping[str, Pinned], direct: Sequence[Asked]) -> set[str]:
    """Packages that come with the core or an extra, not with development alone."""
    brings: dict[str, list[str]] = {}
    for name, one in lock.items():
        for parent in one.by:
            brings.setdefault(parent, []).append(name)
    found, ahead = set[str](), [one.name for one in direct if one.group != DEVELOPMENT]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += brings.get(name, [])
    return found


def page(project: str, lock_text: str, licence: Licence) -> str:
    """The document."""
    direct, lock = asked(project), pinned(lock_text)
    groups = dict.fromkeys(one.group for one in direct)
    with_others = joined(project)
    parts = [ABOUT]
    for group in groups:
        lines = [
            (f"{one.name}", versions(lock[one.name]), one.why, licence(one.name))
            for one in direct if one.group == group
        ]  # fmt: skip
        parts += [heading(group, with_others.get(group, [])), table(("package", "version", "why", "licence"), lines)]
    named, shipped = {one.name for one in direct}, ships(lock, direct)
    for title, inside in (("## What these bring", True), ("## What development alone brings", False)):
        lines = [
            (name, versions(one), licence(name), ", ".join(one.by))
            for name, one in sorted(lock.items()) if name not in named and (name in shipped) is inside
        ]  # fmt: skip
        parts += [title, table(("package", "version", "licence", "brought by"), lines)]
    parts += list(licences())
    return "\n\n".join([*parts, AUDIT]) + "\n"


ABOUT = """# Dependencies

Made by `make dependencies` from pyproject.toml, requirements-dev.lock and the metadata of what is installed; a test
compares. All versions are pinned with their hashes in requirements.lock (a worker and the demo) and
requirements-dev.lock (everything). Wheels may hold compiled libraries under licences of their own (numpy and scipy have
OpenBLAS and GCC's runtime library, under its exception): their own files name those."""
AUDIT = """## Known vulnerabilities

`make audit` asks pip-audit, in an environment of its own under build/, about every package of requirements-dev.lock. It
ends with 0 where all were asked about and nothing is known, with 1 where something is known, and with 2 where the
service could not be asked, or not about all: an answer that no package is known there counts as that. Tests do not ask,
since they need no network."""


def heading(group: str, others: Sequence[str]) -> str:
    """Of a group's table."""
    if group == CORE:
        return "## What every worker has"
    title = "## Development" if group == DEVELOPMENT else f"## Extra `{group}`"
    return f"{title}\n\nWith the extras {', '.join(others)}." if others else title


def versions(one: Pinned) -> str:
    """One, or one a marker."""
    return "; ".join(f"{version} ({marker})" if marker else version for version, marker in one.versions)


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """As Markdown."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *lines))


def licences() -> Iterator[str]:
    """Which may be taken, and why."""
    yield "## Licences that may be taken"
    yield table(("licence", "why"), list(ALLOWED.items()))
    yield "For development alone:"
    yield table(("licence", "why"), list(ALLOWED_IN_DEVELOPMENT.items()))


def main() -> None:
    """Write it."""
    project, lock = ((ROOT / name).read_text() for name in ("pyproject.toml", "requirements-dev.lock"))
    try:
        PAGE.write_text(page(project, lock, installed))
    except ValueError as wrong:
        sys.exit(f"error: {wrong}")


if __name__ == "__main__":
    main()
