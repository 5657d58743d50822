"""What a benchmark reads from outside of the programs it measures: processor time and memory of a process and its
children by /proc, and rows that InfluxDB stored by its own counters. So no program is asked about itself.
"""

from __future__ import annotations

import json
import os
import re
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path

from connectors.influx.target import Target

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_STORED = re.compile(rb"^storage_writer_ok_points_sum\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def tree(pid: int) -> list[int]:
    """The process and all below it that live."""
    found = [pid]
    for each in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                with suppress(FileNotFoundError, ProcessLookupError):
                    found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def cpu_s(pid: int) -> float:
    """Processor seconds of the process, its living children, and those it has waited for. proc(5), fields 14 to 17."""
    ticks = 0
    for each in tree(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / TICKS_A_SECOND


def peaks_mib(pid: int) -> dict[int, float]:
    """The highest resident sizes of the process and its living children."""
    found = {}
    for each in tree(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            kib = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{each}/status").read_text(), re.MULTILINE)
            if kib:
                found[each] = int(kib[1]) / 1024
    return found


def peak_mib(pid: int) -> float:
    """Sum of the highest resident sizes of the process and its living children."""
    return sum(peaks_mib(pid).values())


def points_stored(target: Target) -> int:
    """Points in writes that InfluxDB 2.7 has acknowledged since it started, in all buckets."""
    with _direct.open(f"{target.url}/metrics", timeout=10) as reply:
        return round(sum(float(number) for number in _STORED.findall(reply.read())))


def rows_in(target: Target, measurement: str, field: str) -> int:
    """How many values of the field are in the bucket, of different assets or times."""
    flux = (
        f'from(bucket: "{target.bucket}") |> range(start: 0) |> filter(fn: (r) => r._measurement == "{measurement}"'
        f' and r._field == "{field}") |> count() |> group() |> sum() |> keep(columns: ["_value"])'
    )
    request = urllib.request.Request(
        f"{target.url}/api/v2/query?{urllib.parse.urlencode({'org': target.org})}",
        data=json.dumps({"query": flux, "type": "flux"}).encode(),
        headers={"Authorization": f"Token {target.token}", "Content-Type": "application/json", "Accept": "text/csv"},
    )
    with _direct.open(request, timeout=120) as reply:
        lines = reply.read().decode().split()
    return int(lines[1].rpartition(",")[2]) if len(lines) > 1 else 0
