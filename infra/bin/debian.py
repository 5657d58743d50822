"""Programs for tests out of Debian's packages, unpacked into the cache without root: nothing is installed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.bin import programs
from infra.bin.layout import Options, ServicesError


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program, the folders of libraries that it needs beside the system's, what else it is told, how it came."""

    path: Path
    libraries: tuple[Path, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    how: str

    def environ(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment to start it in."""
        libraries = {"LD_LIBRARY_PATH": os.pathsep.join(map(str, self.libraries))} if self.libraries else {}
        return {**environ, **libraries, **self.settings}


def provide(options: Options, name: str, packages: Sequence[str], path: str) -> Program:
    """Find a program by name, or unpack packages once; `path` is where it then lies in them.

    Raises ServicesError where there is neither it nor Debian's apt.
    """
    sbin = os.pathsep.join((options.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    found = shutil.which(name, path=sbin)
    if found:
        return Program(path=Path(found), how="PATH")
    home, how = programs.cached_or_built(options, name, lambda folder: _unpack(options, name, packages, path, folder))
    libraries = sorted({file.parent for file in home.rglob("lib*.so*")})
    return Program(path=home / path, libraries=tuple(libraries), how=how)


def _unpack(options: Options, name: str, packages: Sequence[str], path: str, folder: Path) -> None:
    """Download the packages that are missing here, and unpack them."""
    for program in ("apt-get", "dpkg-deb"):
        programs.find(program, f"fetch {name} for tests", name, options.environ)
    log, step = options.cache / "logs" / f"{name}.log", programs.run_logged
    step(
        f"fetching {name}", ["apt-get", "download", *_missing(packages, options.environ)], log, options.environ, folder
    )
    for package in sorted(folder.glob("*.deb")):
        step(f"unpacking {name}", ["dpkg-deb", "-x", str(package), str(folder)], log, options.environ, folder)
        package.unlink()
    if not (folder / path).is_file():
        raise ServicesError(f"Debian's packages have no /{path}. On Debian: apt install {' '.join(packages)}")


def _missing(packages: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """What apt would install, which it tells to anybody. Raises ServicesError where it knows of none."""
    said = programs.output(["apt-get", "install", "--simulate", "--no-install-recommends", *packages], environ)
    wanted = re.findall(r"^Inst (\S+)", said, re.MULTILINE)
    if not wanted:
        raise ServicesError(f"apt has no {' '.join(packages)} ({said.strip()[-200:]}): run apt update, or install them")
    return sorted(wanted)
