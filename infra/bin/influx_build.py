"""influxd built from source by Go, for machines that have neither the program nor Docker.

1.8 is plain Go. 2.7 has its query language in Rust, which InfluxDB's own pkg-config has cargo build along the way.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.bin import programs
from infra.bin.layout import Options, ServicesError

RECIPE = Path(__file__).resolve().parents[1] / "go" / "influxd27"
VERSION_1 = "1.8.10"
PKG_CONFIG = "github.com/influxdata/pkg-config@v0.2.14"
MODULE_1 = "github.com/influxdata/influxdb"
MODULE_2 = "github.com/influxdata/influxdb/v2"
MINUTES = {"1.8": 1, "2.7": 5}


def version(family: str) -> str:
    """2.7's exact version is the one in our go.mod."""
    if family == "1.8":
        return VERSION_1
    for line in (RECIPE / "go.mod").read_text().splitlines():
        words = line.removeprefix("require ").split()
        if words[:1] == [MODULE_2]:
            return words[1].lstrip("v")
    raise ServicesError(f"{RECIPE / 'go.mod'} does not require {MODULE_2}: put the line back")


def check_tools(family: str, environ: Mapping[str, str]) -> None:
    """Raise at once, with the missing program's name, rather than minutes into a build."""
    why = f"build InfluxDB {family}"
    programs.find_go((1, 18) if family == "1.8" else (1, 23), why, environ)
    if family == "2.7":
        programs.find("cargo", f"{why} (its query language is in Rust)", "cargo", environ)
        programs.find("gcc", why, "gcc", environ)
        programs.find("pkg-config", why, "pkg-config", environ)


def build(options: Options, family: str) -> tuple[Path, str]:
    """Return the program's path, and 'built', or 'cache' if somebody else was quicker."""
    number = version(family)
    log = options.cache / "logs" / f"build-influxd-{number}.log"
    make = _build_1 if family == "1.8" else _build_2
    home, how = programs.cached_or_built(options, f"influxd-{number}", lambda part: make(options, part, log))
    return home / "influxd", how


def _build_1(options: Options, part: Path, log: Path) -> None:
    go = programs.find("go", "build InfluxDB 1.8", "golang-go", options.environ)
    environ = {**options.environ, "GOBIN": str(part), "GOFLAGS": go_flags(go, options.environ), "CGO_ENABLED": "0"}
    stamp = f"-s -w -X main.version={VERSION_1}"
    command = [go, "install", "-trimpath", "-ldflags", stamp, f"{MODULE_1}/cmd/influxd@v{VERSION_1}"]
    programs.run_logged("building InfluxDB 1.8", command, log, environ, part)


def _build_2(options: Options, part: Path, log: Path) -> None:
    go = programs.find("go", "build InfluxDB 2.7", "golang-go", options.environ)
    work = part / "work"
    shutil.copytree(RECIPE, work)
    environ = {**options.environ, "GOBIN": str(work / "bin"), "GOFLAGS": go_flags(go, options.environ)}
    what = "building InfluxDB 2.7"
    programs.run_logged(what, [go, "install", PKG_CONFIG], log, environ, work)
    stamp = f"-s -w -X main.version=v{version('2.7')}"
    command = [go, "build", "-trimpath", "-tags", "sqlite_foreign_keys,sqlite_json", "-ldflags", stamp]
    command += ["-o", str(part / "influxd"), f"{MODULE_2}/cmd/influxd"]
    programs.run_logged(what, command, log, _with_rust(environ, work), work)
    shutil.rmtree(work)


def _with_rust(environ: Mapping[str, str], work: Path) -> dict[str, str]:
    """InfluxDB's pkg-config comes first, the system's behind it. Two of InfluxDB's would call each other for ever.

    Its sources pin an old Rust and forbid lints that newer ones have: the installed one is used, and lints only warn.
    """
    wrapper = work / "rustc-wrapper"
    wrapper.write_text('#!/bin/sh\nexec "$@" --cap-lints=allow\n')
    wrapper.chmod(0o755)
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    others = [folder for folder in folders if not _holds_influx_pkg_config(folder)]
    return {
        **environ,
        "PATH": os.pathsep.join([str(work / "bin"), *others]),
        "PKG_CONFIG": str(work / "bin" / "pkg-config"),
        "RUSTUP_TOOLCHAIN": "stable",
        "RUSTC_WRAPPER": str(wrapper),
        "CGO_ENABLED": "1",
    }


def _holds_influx_pkg_config(folder: str) -> bool:
    program = Path(folder or ".") / "pkg-config"
    return program.is_file() and MODULE_1.rpartition("/")[0].encode() in program.read_bytes()


def go_flags(go: str, environ: Mapping[str, str]) -> str:
    """Return the user's own, without -mod: a vendor folder of theirs has no part in this."""
    given = programs.output([go, "env", "GOFLAGS"], environ)
    return " ".join([flag for flag in given.split() if not flag.startswith("-mod=")] + ["-buildvcs=false"])
