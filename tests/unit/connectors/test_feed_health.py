"""A feed's probes: it lives while its loop does, and is ready while Kafka takes what it reads."""

from __future__ import annotations

from types import SimpleNamespace

from connectors.health import reasons
from connectors.memory import ManualClock
from pipelines.cli.connect import health_of
from pipelines.pulse import SILENT_S, Pulse


def test_a_feed_that_keeps_what_it_reads_on_disk_lives_and_is_not_ready():
    clock, relay = ManualClock(), SimpleNamespace(away=False, spool_bytes=0)
    health = health_of(Pulse(clock), relay)
    assert health.is_alive() and reasons(health.ready) == {}
    relay.away, relay.spool_bytes = True, 2048
    assert health.is_alive()
    assert reasons(health.ready) == {"kafka": "Kafka takes nothing; 2,048 bytes wait on disk"}
    clock.advance(SILENT_S)
    assert not health.is_alive()
