"""Mosquitto, an MQTT broker, for tests: the machine's own, or Debian's packages unpacked into the cache, without root.

Only where the program is; a test starts and ends it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.bin import programs
from infra.bin.layout import Options, ServicesError

_DEPENDS = (
    *("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks"),
    *("--no-replaces", "--no-enhances", "mosquitto"),
)


@dataclass(frozen=True, kw_only=True)
class Program:
    """The broker, the folders of libraries that it needs beside the system's, and how it was obtained."""

    path: Path
    libraries: tuple[Path, ...]
    how: str

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment to start it in."""
        if not self.libraries:
            return dict(environ)
        return {**environ, "LD_LIBRARY_PATH": os.pathsep.join(map(str, self.libraries))}


def provide(options: Options) -> Program:
    """Find the broker, or fetch it once. Raises ServicesError where there is neither it nor Debian's apt."""
    sbin = os.pathsep.join((options.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which("mosquitto", path=sbin)
    if found:
        return Program(path=Path(found), libraries=(), how="PATH")
    home, how = programs.cached_or_built(options, "mosquitto", lambda folder: _unpack(options, folder))
    libraries = sorted({file.parent for file in home.rglob("lib*.so*")})
    return Program(path=home / "usr" / "sbin" / "mosquitto", libraries=tuple(libraries), how=how)


def _unpack(options: Options, folder: Path) -> None:
    """Download the packages that are missing here, and unpack them; nothing is installed."""
    for program in ("apt-get", "apt-cache", "dpkg-query", "dpkg-deb"):
        programs.find(program, "fetch the MQTT broker for tests", "mosquitto", options.environ)
    log = options.cache / "logs" / "mosquitto.log"
    step = programs.run_logged
    step("fetching mosquitto", ["apt-get", "download", *_missing(options.environ)], log, options.environ, folder)
    for package in sorted(folder.glob("*.deb")):
        step("unpacking mosquitto", ["dpkg-deb", "-x", str(package), str(folder)], log, options.environ, folder)
        package.unlink()
    if not (folder / "usr" / "sbin" / "mosquitto").is_file():
        raise ServicesError("Debian's package has no /usr/sbin/mosquitto. On Debian: apt install mosquitto")


def _missing(environ: Mapping[str, str]) -> list[str]:
    """Mosquitto and the libraries it needs, but for those that are installed."""
    needed = re.findall(r"^(lib[a-z0-9.+-]+)$", _said(_DEPENDS, environ), re.MULTILINE)
    there = _said(("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"), environ)
    installed = {line.split()[0] for line in there.splitlines() if line.endswith(" installed")}
    return ["mosquitto", *sorted(set(needed) - installed)]


def _said(command: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, env=dict(environ), check=False).stdout
