"""Mosquitto, an MQTT broker, for tests. Only where the program is; a test starts and ends it."""

from __future__ import annotations

from infra.bin import debian
from infra.bin.debian import Program
from infra.bin.layout import Options


def provide(options: Options) -> Program:
    """Find the broker, or fetch it once. Raises ServicesError where there is neither it nor Debian's apt."""
    return debian.provide(options, "mosquitto", ("mosquitto",), "usr/sbin/mosquitto")
