"""The console on real servers: what a worker says is there at once, what people do holds, sites see their own."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.kit.consoled import Consoled, minutes
from tests.kit.streams import START_US

pytestmark = pytest.mark.servers
HOT, COOL = 85.0, 60.0
SEEN_S = 2.0


@pytest.fixture(scope="module")
def console(servers, tmp_path_factory) -> Iterator[Consoled]:
    """A plant of which one pump at each site is hot."""
    with Consoled(tmp_path_factory.mktemp("console"), snapshot_s=0.5) as made:
        made.installation.worker_at_work()
        made.installation.send(minutes(("pump-01", "fan-01"), 0, 10, HOT, START_US))
        made.installation.finish()
        until_s = time.monotonic() + 20
        while len(made.ask("overview").json()["warnings"]) < 2:
            assert time.monotonic() < until_s, made.installation.told()
            time.sleep(0.1)
        yield made


def warning(console: Consoled, asset: str, who: str = "admin") -> dict:
    (one,) = (each for each in console.ask("alerts", who).json()["alerts"] if each["asset"] == asset)
    return one


class Stream:
    """Events as a browser hears them."""

    def __init__(self, console: Consoled, who: str, last: str = "") -> None:
        headers = {"Authorization": f"Bearer {console.keys[who]}"} | ({"Last-Event-ID": last} if last else {})
        self._client = httpx2.Client(timeout=httpx2.Timeout(20))
        self._open = self._client.stream("GET", f"{console.url}/api/v1/events", headers=headers)
        self.response = self._open.__enter__()
        self._lines = self.response.iter_lines()
        self.last = last

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *fault: object) -> None:
        self._open.__exit__(None, None, None)
        self._client.close()

    def next(self, kind: str) -> dict:
        """The next event of a kind."""
        told = ""
        for line in self._lines:
            if line.startswith("id: "):
                self.last = line[4:]
            elif line.startswith("event: "):
                told = line[7:]
            elif line.startswith("data: ") and told == kind:
                return json.loads(line[6:])
        raise AssertionError("the stream ended")


def test_what_a_worker_says_is_there_with_the_worst_machine_first(console):
    told = console.ask("overview").json()
    assert {one["asset"] for one in told["warnings"]} == {"pump-01", "fan-01"}
    assert [one["severity"] > 0 for one in told["assets"]] == [True, True, False]
    assert told["ledger"]["balances"] and told["ledger"]["rows_read"] >= 20 and told["is_following"]


def test_who_acknowledges_is_heard_by_another_within_two_seconds_and_the_audit_has_it(console):
    one = warning(console, "pump-01")
    with Stream(console, "viewer") as heard:
        began_s = time.monotonic()
        done = console.ask(f"alerts/{one['id']}/actions", "operator", json={"move": "acknowledge", "why": "seen"})
        told = heard.next("warning")
        took_s = time.monotonic() - began_s
    assert (done.status_code, done.json()["is_news"]) == (202, True)
    assert (told["state"], told["by"], took_s < SEEN_S) == ("acknowledged", "operator", True)
    again = console.ask(f"alerts/{one['id']}/actions", "operator", json={"move": "acknowledge"})
    assert again.json()["is_news"] is False
    entries = console.ask("audit?limit=50").json()["entries"]
    assert any(each["by"] == "operator" and each["method"] == "POST" and each["status"] == 202 for each in entries)
    assert console.ask("actions").json()["actions"][0]["by"] == "operator"


def test_who_comes_back_hears_what_came_meanwhile_once(console):
    one = warning(console, "pump-01")
    act = f"alerts/{one['id']}/actions"
    with Stream(console, "viewer") as heard:
        console.ask(act, "operator", json={"move": "comment", "why": "first"})
        heard.next("warning")
        last = heard.last
    console.ask(act, "operator", json={"move": "comment", "why": "second"})
    time.sleep(1)
    with Stream(console, "viewer", last) as heard:
        assert heard.next("warning")["why"] == "second"


def test_a_site_sees_its_own_machines_and_nothing_of_others(console):
    mine, other = warning(console, "fan-01", "mill-engineer"), warning(console, "pump-01")
    assert [one["asset"] for one in console.ask("assets", "mill-engineer").json()["assets"]] == ["fan-01"]
    assert {one["asset"] for one in console.ask("alerts?state=all", "mill-engineer").json()["alerts"]} == {"fan-01"}
    for path in (f"alerts/{other['id']}", f"alerts/{other['id']}/page", "assets/pump-01", "assets/pump-01/signals",
                 "assets/pump-01/work", "assets/pump-01/history", "assets/nobody"):  # fmt: skip
        assert console.ask(path, "mill-engineer").status_code == 404, path
    refused = console.ask(f"alerts/{other['id']}/actions", "mill-engineer", json={"move": "acknowledge"})
    assert refused.status_code == 404
    assert console.ask(f"alerts/{mine['id']}", "mill-engineer").status_code == 200
    with Stream(console, "mill-engineer") as heard:
        console.ask(f"alerts/{other['id']}/actions", "operator", json={"move": "comment", "why": "not for you"})
        console.ask(f"alerts/{mine['id']}/actions", "engineer", json={"move": "comment", "why": "for you"})
        assert heard.next("warning")["why"] == "for you"


def test_a_machines_page_has_its_signals_its_work_and_its_warnings(console):
    page, signals = console.ask("assets/pump-01").json(), console.ask("assets/pump-01/signals?days=1").json()
    assert [one["asset"] for one in page["warnings"]] == ["pump-01"]
    assert [one["name"] for one in page["signals"]] == ["oil_temp_degc", "flow_m3_h"]
    assert set(signals["signals"]["oil_temp_degc"]["mean"]) == {HOT} and signals["step_us"] > 0
    assert len(signals["time_us"]) == len(signals["signals"]["flow_m3_h"]["low"]) > 0
    assert console.ask("assets/pump-01/work").json() == {"work": []}


def test_a_warnings_page_is_in_sentences_and_says_what_this_caller_may_do(console):
    one = warning(console, "fan-01")
    page = console.ask(f"alerts/{one['id']}/page").json()
    assert "fan-01" in page["title"] and page["parts"][0]["title"] == "What it asks"
    assert console.ask(f"alerts/{one['id']}", "viewer").json()["moves"] == []
    assert "close" not in console.ask(f"alerts/{one['id']}", "operator").json()["moves"]
    assert "close" in console.ask(f"alerts/{one['id']}", "engineer").json()["moves"]


def test_figures_are_of_the_machines_that_are_seen(console):
    whole, mill = (console.ask("kpis", who).json()["whole"] for who in ("admin", "mill-engineer"))
    assert (whole["standing"], mill["standing"]) == (2, 1)
    assert console.ask("value").json()["entries"] == []
    assert console.ask("value/export").text.startswith("\ufeffkind,")


def test_what_the_process_logs_is_a_line_of_json_each(console):
    where = urlsplit(console.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as raw:
        raw.sendall(b"rubbish\r\n\r\n")
        assert b" 400 " in raw.recv(100)
    (line,) = (one for one in console.installation.told().splitlines() if "Invalid HTTP request" in one)
    assert json.loads(line)["level"] == "warning"


def test_a_console_that_is_started_anew_knows_all_and_has_browsers_load_anew(console):
    before = console.ask("overview").json()
    token, url = before["event_id"], console.url
    console.process.terminate()
    assert console.process.wait(20) == 0
    console.process = console.start(int(url.rpartition(":")[2]))
    after = console.ask("overview").json()
    assert console.url == url and after["warnings"] == before["warnings"] and after["ledger"] == before["ledger"]
    with Stream(console, "viewer", token) as heard:
        assert heard.next("reset") == {}


def test_the_page_is_served_with_a_policy_that_runs_nothing_of_others(console):
    found = httpx2.get(f"{console.url}/")
    assert found.status_code == 200 and "script-src 'self'" in found.headers["content-security-policy"]
    assert Path("connectors/console/page/index.html").read_bytes() == found.content
