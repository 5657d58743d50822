"""Kafka and InfluxDB on this machine: `build`, `up`, `down` and `status`, as commands and as functions.

Run as a file with the system's Python before anything is installed, or imported by the `forewarn` command. The order of
things is here; what one server needs is in kafka.py and influx.py.
"""

from __future__ import annotations

import argparse
import json
import queue
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

if __package__ in (None, ""):  # run as a file: our package is two folders up, and this one must not shadow others
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from infra.bin import docker, influx, influx_api, kafka, processes, programs
from infra.bin.layout import (
    INFLUX_VERSIONS,
    SERVERS,
    Influx,
    Kafka,
    Options,
    Services,
    ServicesError,
    forget_server,
    load_server,
    save_services,
)
from infra.bin.progress import Progress

NAMES = {"kafka": "Kafka", "influx": "InfluxDB", "older": "older Kafka"}
DATA = {"kafka": ("kafka", "spool"), "influx": ("influx-*",)}
"""A server's folders in its instance's. `spool` is what feeds keep for Kafka: what waits, and what they sent."""
MODULES: dict[str, Any] = {"kafka": kafka, "influx": influx}


@dataclass(frozen=True, kw_only=True)
class Status:
    """`states` says for each server that was ever started and not taken down: running, silent or ended."""

    services: Services
    states: dict[str, str] = field(default_factory=dict)

    @property
    def running(self) -> bool:
        """Whether something was started and all of it runs."""
        return bool(self.states) and set(self.states.values()) == {"running"}


def build(options: Options | None = None, progress: Progress | None = None) -> dict[str, Path | None]:
    """Put the programs into the cache and start nothing. Returns where they are."""
    options, progress = options or Options(), progress or Progress(quiet=True)
    wanted = [name for name in SERVERS if options.wants(name)]
    chosen = {name: MODULES[name].choose(options, local_only=True) for name in wanted}
    tasks = {name: partial(MODULES[name].provide, options, chosen[name], progress) for name in wanted}
    if options.older:
        tasks["older"] = partial(kafka.provide_older, options, progress)
    try:
        made = _side_by_side(tasks)
    except BaseException:
        programs.end_builds()
        raise
    for name, program in made.items():
        progress.done(NAMES[name], f"{program.version} is in the cache ({program.how})")
    return {name: getattr(program, "libs", None) or getattr(program, "path", None) for name, program in made.items()}


def up(options: Options | None = None, progress: Progress | None = None) -> Services:
    """Start the instance's servers that do not run yet. When one fails, those started along with it are ended."""
    options, progress = options or Options(), progress or Progress(quiet=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    with programs.only_one(_lock(options)):
        if options.fresh:
            _empty(options)
        kept: dict[str, Any] = {name: server for name in SERVERS if (server := _already_there(options, name, progress))}
        missing = [name for name in SERVERS if options.wants(name) and name not in kept]
        chosen = {name: MODULES[name].choose(options) for name in missing}
        try:
            tasks = {name: partial(_start, options, name, chosen[name], progress) for name in missing}
            services = Services(instance=options.instance, **{**kept, **_side_by_side(tasks)})
        except BaseException:
            programs.end_builds()
            for name in missing:
                _end(options, name)
            raise
        save_services(options, services)
    return services


def _start(options: Options, name: str, program: kafka.Program | influx.Program, progress: Progress) -> Kafka | Influx:
    server: Kafka | Influx = MODULES[name].up(options, program, progress)
    progress.done(NAMES[name], f"{server.version} at {server.address} ({server.how})".strip())
    return server


def _already_there(options: Options, name: str, progress: Progress) -> Kafka | Influx | None:
    """Return the running server, if it can serve this call; one that hangs or has ended is cleared away."""
    server = load_server(options, name)
    if server is None:
        return None
    if server.how == "settings" and options.wants(name):  # looked up anew: the settings may have changed
        forget_server(options, name)
        return None
    if _state(options, name, server) != "running":
        _end(options, name)
        return None
    if options.wants(name):
        _check_fits(options, name, server)
        progress.done(NAMES[name], f"{server.version} already runs at {server.address} ({server.how})")
    return server


def _check_fits(options: Options, name: str, server: Kafka | Influx) -> None:
    variable = "FOREWARN_KAFKA" if name == "kafka" else "FOREWARN_INFLUX_URL"
    given = options.environ.get(variable, "").rstrip("/")
    if given and given != server.address:
        raise ServicesError(
            f"{variable} names {given}, but instance {options.instance} has its own {NAMES[name]} at {server.address}: "
            f"unset {variable}, or end that one with `down --instance {options.instance}`"
        )
    if isinstance(server, Influx) and options.influx not in (None, influx.family_of(server)):
        raise ServicesError(
            f"instance {options.instance} runs InfluxDB {server.version}, not {options.influx}: "
            f"`down --instance {options.instance}` first, or choose another --instance"
        )


def down(options: Options | None = None, progress: Progress | None = None) -> list[str]:
    """End what `up` started for the instance, and nothing else; data stays. Returns the names of what was ended."""
    options, progress = options or Options(), progress or Progress(quiet=True)
    if not options.folder.is_dir():
        return []
    with programs.only_one(_lock(options)):
        wanted = [name for name in SERVERS if options.wants(name)]
        ended = _side_by_side({name: partial(_end, options, name, progress) for name in wanted})
        (options.folder / "services.json").unlink(missing_ok=True)
        rest: dict[str, Any] = {name: server for name in SERVERS if (server := load_server(options, name))}
        if rest:
            save_services(options, Services(instance=options.instance, **rest))
    return [name for name in wanted if ended[name]]


def _end(options: Options, name: str, progress: Progress | None = None) -> bool:
    server = load_server(options, name)
    if server is None:
        return False
    if progress:
        progress.doing(NAMES[name], "stopping")
    if server.container:
        docker.remove(options, server.container)
    ended = processes.stop(server.pid, server.started) or server.container is not None
    forget_server(options, name)
    if progress:
        other = "not ours to stop" if server.how == "settings" else "was not running any more"
        progress.done(NAMES[name], "stopped" if ended else other)
    return ended


def status(options: Options | None = None) -> Status:
    """Tell what was started for the instance, and whether it still runs and answers."""
    options = options or Options()
    known: dict[str, Any] = {name: server for name in SERVERS if (server := load_server(options, name))}
    states = {name: _state(options, name, server) for name, server in known.items()}
    return Status(services=Services(instance=options.instance, **known), states=states)


def _state(options: Options, name: str, server: Kafka | Influx) -> str:
    if server.how == "settings":
        there = kafka.reachable(server.address) if name == "kafka" else influx_api.version(server.address, local=False)
        return "running" if there not in (False, None) else "silent"
    if server.container:
        runs = docker.running(options, server.container)
    else:
        runs = processes.alive(server.pid, server.started)
    if not runs:
        return "ended"
    answers = kafka.answers(server.ports["kafka"]) if name == "kafka" else influx_api.answers(server.address)
    return "running" if answers else "silent"


def _lock(options: Options) -> Path:
    return options.all_instances / f".{options.instance}.lock"


def _empty(options: Options) -> None:
    """End the wanted servers and throw their data away; what is sent to a Kafka of somebody else stays."""
    wanted = [name for name in SERVERS if options.wants(name)]
    for name in wanted:
        _end(options, name)
        for folder in (found for pattern in DATA[name] for found in options.folder.glob(pattern)):
            if folder.name != "spool" or not options.environ.get("FOREWARN_KAFKA"):
                shutil.rmtree(folder)
    if docker.wanted(options):
        docker.remove_volumes(options, wanted)


def _side_by_side(tasks: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Run the tasks at once. The first error is raised at once too: nobody waits for a build that is of no use now."""
    finished: queue.Queue[tuple[str, Any, BaseException | None]] = queue.Queue()

    def run(name: str, task: Callable[[], Any]) -> None:
        try:
            finished.put((name, task(), None))
        except BaseException as error:  # carried over to the caller's thread
            finished.put((name, None, error))

    for name, task in tasks.items():
        threading.Thread(target=run, args=(name, task), daemon=True).start()
    results: dict[str, Any] = {}
    while len(results) < len(tasks):
        name, result, error = finished.get()
        if error:
            raise error
        results[name] = result
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        options = Options(instance=asked.instance)
        options = replace(options, influx=getattr(asked, "influx", None), only=getattr(asked, "only", None))
        options = replace(options, fresh=getattr(asked, "fresh", False), older=getattr(asked, "older", False))
        if asked.command == "status":
            return _show_status(options, as_json=asked.json)
        with Progress() as progress:
            return _carry_out(asked.command, options, progress)
    except ServicesError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; what this call had started is ended again", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="services.py", description="Kafka and InfluxDB on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in {
        "build": "fetch or build the programs into the cache",
        "up": "start the servers, or say that they run",
        "down": "end what `up` started; data stays",
        "status": "what runs, and where",
    }.items():
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--instance", default="default", help="servers and data of their own (default: default)")
        if name != "status":
            command.add_argument("--only", choices=SERVERS, help="this server alone")
        if name in ("build", "up"):
            command.add_argument(
                "--influx", choices=INFLUX_VERSIONS, help="InfluxDB version (default: what is at hand)"
            )
        if name == "build":
            command.add_argument(
                "--older", action="store_true", help="an older Kafka as well, which tests of feeds meet"
            )
        if name == "up":
            command.add_argument(
                "--fresh",
                action="store_true",
                help="throw the instance's data away first, and what its feeds keep for Kafka",
            )
        if name == "status":
            command.add_argument("--json", action="store_true", help="for programs; tokens included")
    return parser


def _carry_out(command: str, options: Options, progress: Progress) -> int:
    if command == "build":
        build(options, progress)
    elif command == "up":
        services = up(options, progress)
        print(f"settings for the application: {options.folder / 'services.json'}")
        for key, value in services.settings().items():
            print(f"  {key}={value if key != 'FOREWARN_INFLUX_TOKEN' else '(in that file)'}")
    elif not down(options, progress):
        print(f"nothing was running for instance {options.instance}")
    return 0


def _show_status(options: Options, as_json: bool) -> int:
    """Exit status 0 when all that was started runs, 3 otherwise (as service commands have it, LSB 5.0)."""
    found = status(options)
    if as_json:
        print(json.dumps(found.services.as_json() | {"states": found.states, "running": found.running}, indent=2))
    elif not found.states:
        print(f"nothing runs for instance {options.instance}: `up` starts it")
    else:
        for name, state in found.states.items():
            server = getattr(found.services, name)
            handle = server.container or (f"pid {server.pid}" if server.pid else "not ours")
            print(f"{NAMES[name]} {server.version}: {state}, {server.address} ({server.how}, {handle})")
            if server.log:
                print(f"  log: {server.log}")
    return 0 if found.running else 3


if __name__ == "__main__":
    sys.exit(main())
