"""The programs that ours is measured against, built or installed once into the cache folder, never beside ours."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from infra.bin import programs
from infra.bin.layout import Options

FOLDER = Path(__file__).parents[1] / "bench" / "peers"
TELEGRAF = "github.com/influxdata/telegraf"
RECIPE = (FOLDER / "telegraf" / "go.mod", FOLDER / "telegraf" / "go.sum")
PLUGINS = "custom,inputs.kafka_consumer,outputs.influxdb_v2,parsers.json"


def telegraf_version() -> str:
    """The one in its go.mod."""
    found = re.search(rf"{TELEGRAF} v(\S+)", (FOLDER / "telegraf" / "go.mod").read_text())
    assert found, f"{FOLDER / 'telegraf' / 'go.mod'} requires no {TELEGRAF}"
    return found[1]


def versions() -> dict[str, str]:
    """Of the peers that have a file here, as peers.lock and go.mod pin them, and of what they are asked with."""
    wanted = re.findall(r"^([A-Za-z][\w.-]*)", (FOLDER / "peers.in").read_text(), re.MULTILINE)
    pinned = dict(
        re.findall(r"^([a-z][\w.-]*)(?:\[\S+\])?==([^\s;]+)", (FOLDER / "peers.lock").read_text(), re.MULTILINE)
    )
    return {"telegraf": telegraf_version(), **{name: pinned[name] for name in wanted}}


def telegraf() -> Path:
    """Telegraf with few plugins, as its page "Customization" has it; the first build takes minutes."""
    options, version = Options(), telegraf_version()
    recipe = hashlib.sha256("".join([PLUGINS, *(path.read_text() for path in RECIPE)]).encode()).hexdigest()[:12]

    def build(part: Path) -> None:
        go = programs.find_go((1, 25), "build Telegraf", options.environ)
        work = shutil.copytree(FOLDER / "telegraf", part / "work")
        stamp = f"-s -w -X {TELEGRAF}/internal.Version={version}"
        command = [go, "build", "-trimpath", "-tags", PLUGINS, "-ldflags", stamp, "-o", str(part / "telegraf")]
        log = options.cache / "logs" / f"build-telegraf-{version}.log"
        environ = {**options.environ, "GOFLAGS": "-mod=readonly -buildvcs=false"}
        programs.run_logged("building Telegraf", [*command, f"{TELEGRAF}/cmd/telegraf"], log, environ, work)
        shutil.rmtree(work)

    home, _ = programs.cached_or_built(options, f"telegraf-{version}-{recipe}", build)
    return home / "telegraf"


def python() -> Path:
    """A Python with what peers.lock names, and nothing of ours."""
    options, lock = Options(), FOLDER / "peers.lock"

    def build(part: Path) -> None:
        log = options.cache / "logs" / "build-peers.log"
        programs.run_logged("making an environment", [sys.executable, "-m", "venv", "."], log, os.environ, part)
        install = ["bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        programs.run_logged("installing peers", [*install, "-r", str(lock)], log, os.environ, part)

    name = f"peers-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}-{sys.version_info[0]}.{sys.version_info[1]}"
    home, _ = programs.cached_or_built(options, name, build)
    return home / "bin" / "python"
