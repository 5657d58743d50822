"""Which port a console has, and who gets through to it."""

from __future__ import annotations

import socket

import pytest

from pipelines.cli import console_run
from pipelines.cli.console_run import NoPort, bound
from pipelines.cli.faults import told


def test_two_that_start_together_have_two_ports(monkeypatch):
    with bound("127.0.0.1", 40_000) as first:
        taken = first.getsockname()[1]
        with bound("127.0.0.1", taken) as second:
            assert second.getsockname()[1] > taken
        monkeypatch.setattr(console_run, "PORTS_TRIED", 1)
        with pytest.raises(NoPort, match="are taken: give another --port"):
            bound("127.0.0.1", taken)


def test_who_comes_while_it_still_reads_topics_waits_and_is_not_refused():
    with bound("127.0.0.1", 40_000) as held, socket.create_connection(held.getsockname(), timeout=5):
        assert held.accept()


def test_an_address_that_is_not_this_machine_s_is_named():
    with pytest.raises(NoPort, match="cannot be answered on") as fault:
        bound("192.0.2.1", 40_000)
    assert told(fault.value) == str(fault.value)
