"""Which roles can run here, by the packages that are installed: each optional group has its own."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution, requires

from pipelines.roles import FEED, ROLES

_NEEDED = re.compile(r"([A-Za-z0-9._-]+).*; extra == [\"']([a-z0-9]+)[\"']")


def lacking(extra: str) -> list[str]:
    """Packages of an optional group of ours that are not installed."""
    found = (_NEEDED.match(line) for line in requires("forewarn") or ())
    return sorted(each[1] for each in found if each and each[2] == extra and not _is_here(each[1]))


def roles_here() -> tuple[list[str], dict[str, str]]:
    """Roles that have all they need, and of the others what to install."""
    fit, unfit = [], {}
    for role in (*ROLES, FEED):
        if role.extra and lacking(role.extra):
            unfit[role.name] = f"pip install 'forewarn[{role.extra}]'"
        else:
            fit.append(role.name)
    return fit, unfit


def _is_here(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
