"""InfluxDB 1.8 or 2.7: which program, how it is set, how its user and bucket are made.

Both take the same writes and Flux queries; they differ in how they are set up, and that difference ends in this file.
Builds are in influx_build.py, processes in processes.py, containers in docker.py.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.bin import docker, influx_api, influx_build, ports, processes, programs
from infra.bin.layout import Influx, Options, ServicesError, save_server, write_private
from infra.bin.progress import Progress

NAME = "forewarn"  # of the user, the organisation, and the bucket (2.7) or database (1.8)
READY_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """A way to get a server. `family` is 1.8 or 2.7, `path` the program, None where there is none (yet)."""

    how: str
    family: str
    version: str
    path: Path | None = None


def choose(options: Options, local_only: bool = False) -> Program:
    """Decides version and source and checks that what this needs is there; starts nothing.

    Without a wish: what the instance had before, else what is at hand, 2.7 first, else 1.8, which builds in a minute.
    """
    if not local_only and options.environ.get("FOREWARN_INFLUX_URL"):
        return Program(how="settings", family="", version="")
    wish = options.influx or _had_before(options)
    if not local_only and docker.wanted(options):
        return Program(how="docker", family=wish or "2.7", version=wish or "2.7")
    for family in (wish,) if wish else ("2.7", "1.8"):
        found = (None if local_only else _on_path(options, family)) or _in_cache(options, family)
        if found:
            return found
    family = wish or "1.8"
    influx_build.check_tools(family, options.environ)
    return Program(how="built", family=family, version=influx_build.version(family))


def _had_before(options: Options) -> str | None:
    for family in ("2.7", "1.8"):
        if (options.folder / f"influx-{family}").is_dir():
            return family
    return None


def _on_path(options: Options, family: str) -> Program | None:
    """Find an installed influxd that this family's settings fit: 1.8 and later 1.x, or any 2.x."""
    path = shutil.which("influxd", path=options.environ.get("PATH", ""))
    if path is None:
        return None
    found = re.search(r"InfluxDB v?(\d+)\.(\d+)\S*", programs.output([path, "version"], _own(options.environ)))
    if not found:
        return None
    number = (int(found[1]), int(found[2]))
    fits = (1, 8) <= number < (2, 0) if family == "1.8" else (2, 0) <= number < (3, 0)
    version = found[0].split()[1].lstrip("v")
    return Program(how="PATH", family=family, version=version, path=Path(path)) if fits else None


def _in_cache(options: Options, family: str) -> Program | None:
    version = influx_build.version(family)
    path = options.programs / f"influxd-{version}" / "influxd"
    return Program(how="cache", family=family, version=version, path=path) if path.exists() else None


def provide(options: Options, program: Program, progress: Progress) -> Program:
    """Build the program if it is not there yet."""
    if program.how != "built":
        return program
    minutes = influx_build.MINUTES[program.family]
    progress.doing("InfluxDB", f"building {program.version} from source (about {minutes} min, once)")
    path, how = influx_build.build(options, program.family)
    return Program(how=how, family=program.family, version=program.version, path=path)


def up(options: Options, program: Program, progress: Progress) -> Influx:
    """Start the server, and return once it answers and has our user and bucket."""
    if program.how == "settings":
        return _as_set(options)
    program = provide(options, program, progress)
    with ports.promised(options, options.influx_port) as port:
        if port != options.influx_port:
            progress.say("InfluxDB", f"port {options.influx_port} is taken, using {port}")
        progress.doing("InfluxDB", f"starting {program.version} ({program.how})")
        influx = _in_docker(options, program, port) if program.how == "docker" else _here(options, program, port)
        log = Path(influx.log or "")
        processes.wait_ready(
            "InfluxDB", lambda: influx_api.answers(influx.url), lambda: _runs(options, influx), log, READY_S
        )
    set_up = influx_api.set_up_1 if program.family == "1.8" else influx_api.set_up_2
    set_up(influx.url, NAME, influx.token)
    return influx


def _as_set(options: Options) -> Influx:
    url = options.environ["FOREWARN_INFLUX_URL"].rstrip("/")
    version = influx_api.version(url, local=False)
    if version is None:
        raise ServicesError(
            f"FOREWARN_INFLUX_URL names {url}, where no InfluxDB answers: start it, "
            "or unset FOREWARN_INFLUX_URL to have one started"
        )
    token, org, bucket = (options.environ.get(f"FOREWARN_INFLUX_{part}", "") for part in ("TOKEN", "ORG", "BUCKET"))
    influx = Influx(address=url, how="settings", version=version, token=token, org=org, bucket=bucket)
    save_server(options, "influx", influx)
    return influx


def _runs(options: Options, influx: Influx) -> bool:
    if influx.container:
        return docker.running(options, influx.container, Path(influx.log or ""))
    return processes.alive(influx.pid, influx.started)


def _record(options: Options, program: Program, port: int, **handle: str | int) -> Influx:
    """Note a server just started. A 1.8 bucket is database/retention policy, its token user:password."""
    first = program.family == "1.8"
    secret = _secret(options, program)
    influx = Influx(
        address=f"http://127.0.0.1:{port}",
        how=program.how,
        version=program.version,
        ports={"influx": port},
        token=f"{NAME}:{secret}" if first else secret,
        org=NAME,
        bucket=f"{NAME}/autogen" if first else NAME,
        **handle,  # type: ignore[arg-type]  # pid, started, container, log: said by the two callers below
    )
    save_server(options, "influx", influx)
    return influx


def _secret(options: Options, program: Program) -> str:
    """Made once for the data it opens, and kept beside it."""
    path = _data(options, program) / "secret"
    if not path.exists():
        write_private(path, secrets.token_hex(24))
    return path.read_text().strip()


def _data(options: Options, program: Program) -> Path:
    return options.folder / f"influx-{program.family}"


def _in_docker(options: Options, program: Program, port: int) -> Influx:
    name, log = docker.container_name(options, "influx"), options.folder / "logs" / "influx-docker.log"
    influx = _record(options, program, port, container=name, log=str(log))
    docker.run(options, docker.influx_command(name, program.family, port), log)
    return influx


def _here(options: Options, program: Program, port: int) -> Influx:
    assert program.path is not None
    log, data = options.folder / "logs" / "influx.log", _data(options, program)
    _secret(options, program)
    command = _command_1(program.path, data, port) if program.family == "1.8" else _command_2(program.path, data, port)
    pid, started = processes.start(command, log, _own(options.environ))
    return _record(options, program, port, pid=pid, started=started, log=str(log))


def _own(environ: Mapping[str, str]) -> dict[str, str]:
    """Without the variables influxd reads over our settings."""
    return {key: value for key, value in environ.items() if not key.startswith(("INFLUXD_", "INFLUXDB_"))}


def _command_1(program: Path, data: Path, port: int) -> list[str]:
    settings = data / "influxdb.conf"
    settings.write_text(SETTINGS_1.format(data=data, port=port))
    return [str(program), "-config", str(settings)]


SETTINGS_1 = """\
reporting-disabled = true
bind-address = "127.0.0.1:0"

[meta]
  dir = "{data}/meta"
  logging-enabled = false

[data]
  dir = "{data}/data"
  wal-dir = "{data}/wal"
  index-version = "tsi1"
  query-log-enabled = false
  max-series-per-database = 0
  max-values-per-tag = 0

[monitor]
  store-enabled = false

[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = true
  flux-enabled = true
  log-enabled = false
  pprof-enabled = false

[logging]
  level = "warn"
"""


def _command_2(program: Path, data: Path, port: int) -> list[str]:
    given = {
        "bolt-path": data / "influxd.bolt",
        "sqlite-path": data / "influxd.sqlite",
        "engine-path": data / "engine",
        "http-bind-address": f"127.0.0.1:{port}",
        "log-level": "warn",
        "reporting-disabled": "true",
    }
    return [str(program), "run", *(f"--{key}={value}" for key, value in given.items())]


def family_of(influx: Influx) -> str:
    """Tell which of our two set-ups the server has."""
    return "1.8" if influx.version.startswith("1.") else "2.7"
