"""Files of other people that the web page brings along: fetched by npm, checked by sha512, kept in the repository.

`vendored.json` beside them says which package in which version, which of its files, and the sha256 of each as it was
taken. Standard library only; nothing of this runs when the page is served.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).resolve().parents[2] / "connectors" / "console" / "page" / "vendor"
LIST = "vendored.json"


class VendorError(Exception):
    """What was fetched is not what was asked for, or could not be fetched."""


def main(folder: Path = VENDOR) -> None:
    """Fetch every package of the list anew, write its files and their sums."""
    npm = shutil.which("npm")
    if npm is None:
        raise VendorError("npm is missing: it is needed to fetch packages. On Debian: apt install npm")
    wanted = json.loads((folder / LIST).read_text(encoding="utf-8"))
    for name, package in wanted.items():
        print(f"fetching {name}@{package['version']}")
        package["files"] = _taken(npm, name, package, folder)
    (folder / LIST).write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")


def _taken(npm: str, name: str, package: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write the package's wanted files, and return the sha256 of each by its path in the package."""
    with tempfile.TemporaryDirectory(prefix="forewarn-vendor-") as held:
        archive = _packed(npm, f"{name}@{package['version']}", Path(held))
        check(archive.read_bytes(), package["integrity"], name)
        sums = {}
        with tarfile.open(archive) as tar:
            for path in package["files"]:
                content = _content(tar, path, name)
                (folder / Path(path).name).write_bytes(content)
                sums[path] = hashlib.sha256(content).hexdigest()
    return sums


def _packed(npm: str, spec: str, held: Path) -> Path:
    told = subprocess.run(
        [npm, "pack", spec, "--silent"], cwd=held, capture_output=True, text=True, timeout=300, check=False
    )
    found = list(held.glob("*.tgz"))
    if told.returncode or len(found) != 1:
        raise VendorError(f"npm pack {spec} failed: {told.stderr.strip() or told.stdout.strip()}")
    return found[0]


def check(content: bytes, integrity: str, name: str) -> None:
    """Raise VendorError unless the archive has the integrity of the list, which is written as npm writes it."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()
    if found != integrity:
        raise VendorError(f"{name} is not what {LIST} names: its integrity is {found}, not {integrity}")


def _content(tar: tarfile.TarFile, path: str, name: str) -> bytes:
    try:
        member = tar.extractfile(f"package/{path}")
    except KeyError:
        member = None
    if member is None:
        raise VendorError(f"{name} has no file {path}: mend {LIST}")
    return member.read()


if __name__ == "__main__":
    try:
        main()
    except VendorError as error:
        sys.exit(f"error: {error}")
