"""promtool, which checks rules and configs of Prometheus, for tests. Only where the program is; nothing is started."""

from __future__ import annotations

from infra.bin import debian
from infra.bin.debian import Program
from infra.bin.layout import Options


def provide(options: Options) -> Program:
    """Find the program, or fetch it once. Raises ServicesError where there is neither it nor Debian's apt."""
    return debian.provide(options, "promtool", ("prometheus",), "usr/bin/promtool")
