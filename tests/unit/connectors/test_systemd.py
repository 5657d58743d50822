"""What systemd hears, on a socket as it opens one (sd_notify(3))."""

from __future__ import annotations

import socket
import time

import pytest
from structlog.testing import capture_logs

from connectors.systemd import Systemd


@pytest.fixture
def heard(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening, str(tmp_path / "notify")


def rest(listening: socket.socket) -> list[str]:
    """What waits."""
    listening.setblocking(False)
    out = []
    while True:
        try:
            out.append(listening.recv(100).decode())
        except BlockingIOError:
            return out


def test_ready_is_said_once_it_is_so_and_the_end_at_the_end(heard):
    listening, address = heard
    ready = [False]
    with Systemd({"NOTIFY_SOCKET": address}, lambda: True, lambda: ready[0]):
        time.sleep(1.2)
        ready[0] = True
        assert listening.recv(100) == b"READY=1"
        time.sleep(1.2)
    assert rest(listening) == ["STOPPING=1"]


def test_the_watchdog_hears_of_a_process_while_it_lives_and_no_longer(heard):
    listening, address = heard
    alive = [True]
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "300000"}
    with Systemd(environ, lambda: alive[0], lambda: False):
        began_s = time.monotonic()
        assert [listening.recv(100) for _ in range(5)] == [b"WATCHDOG=1"] * 5
        assert time.monotonic() - began_s < 5 * 0.3, "a word at least thrice in each watchdog's time"
        alive[0] = False
        time.sleep(0.2)
        rest(listening)
        time.sleep(0.5)
        assert rest(listening) == []


def test_an_abstract_address_is_understood():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0forewarn-test-notify")
        listening.settimeout(5)
        with Systemd({"NOTIFY_SOCKET": "@forewarn-test-notify"}, lambda: True, lambda: True):
            assert listening.recv(100) == b"READY=1"


def test_one_who_does_not_read_holds_nobody_and_is_told_of_once(heard):
    _, address = heard
    began_s = time.monotonic()
    with (
        capture_logs() as logs,
        Systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000"}, lambda: True, lambda: False),
    ):
        time.sleep(1)
    assert time.monotonic() - began_s < 3
    assert [line["event"] for line in logs] == ["systemd-not-told"]


def test_without_systemd_nothing_is_said_and_a_socket_that_is_gone_ends_nothing(tmp_path):
    with capture_logs() as logs, Systemd({}, lambda: True, lambda: True):
        pass
    assert logs == []
    with capture_logs() as logs, Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}, lambda: True, lambda: True):
        pass
    assert logs[-1]["event"] == "systemd-not-told" and logs[-1]["words"] == "STOPPING=1"
