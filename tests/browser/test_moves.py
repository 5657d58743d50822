"""What people do in one browser, and what others see of it in theirs: the real API, a worker, Kafka and InfluxDB."""

from __future__ import annotations

import pytest

from tests.browser.conftest import HOT, Opened, picture, shown, within
from tests.kit.consoled import Consoled, minutes
from tests.kit.streams import START_US

pytestmark = pytest.mark.servers
SEEN_S = 2.0


def warning(console: Consoled, asset: str) -> str:
    (found,) = (one["id"] for one in console.ask("alerts").json()["alerts"] if one["asset"] == asset)
    return found


def test_a_warning_comes_to_a_page_that_is_open(console, opened: Opened):
    page = opened("viewer")
    assert not page.query_selector('#worst [data-asset="pump-02"] .tag, main [data-asset="pump-02"] [data-alert]')
    console.installation.send(minutes(("pump-02",), 12, 18, HOT, START_US))
    page.wait_for_function("""() => fetch && [...document.querySelectorAll('#worst [data-asset]')]
        .some((one) => one.dataset.asset === 'pump-02' && !/none|no warning/i.test(one.textContent))""")
    page.goto(f"{console.url}/#/warnings")
    page.wait_for_selector(f'[data-alert="{warning(console, "pump-02")}"]')


def test_one_browser_acknowledges_and_a_second_sees_it_within_two_seconds(console, opened: Opened):
    id_ = warning(console, "pump-01")
    one, other = opened("operator", f"#/warnings/{id_}"), opened("viewer", f"#/warnings/{id_}")
    one.click('[data-move="acknowledge"]')
    one.fill("#move-why", "seen on the page")
    with within(SEEN_S):
        one.click("#dialog-yes")
        other.wait_for_selector(f'[data-alert="{id_}"][data-alert-state="acknowledged"]')
    one.wait_for_selector('[data-sent="done"]')
    assert console.ask(f"alerts/{id_}").json()["now"]["by"] == "operator"


def test_a_viewer_is_offered_no_move_and_the_api_refuses_one(console, opened: Opened):
    id_ = warning(console, "fan-01")
    page = opened("viewer", f"#/warnings/{id_}")
    assert page.query_selector_all("[data-move]") == []
    refused = console.ask(f"alerts/{id_}/actions", "viewer", json={"move": "acknowledge"})
    assert refused.status_code == 403 and "operator" in refused.json()["detail"]


def test_the_engineer_of_another_site_sees_nothing_of_it(console, opened: Opened):
    id_ = warning(console, "pump-01")
    page = opened("mill-engineer")
    assert {one.get_attribute("data-asset") for one in page.query_selector_all("[data-asset]")} == {"fan-01"}
    for route in ("#/warnings", "#/assets/pump-01", f"#/warnings/{id_}", "#/kpis", "#/value"):
        page.goto(f"{console.url}/{route}")
        shown(page)
        told = page.inner_text("main")
        assert "hot" not in told or route == "#/warnings", f"{route}: {told}"
        assert f'data-alert="{id_}"' not in page.content()
    assert page.evaluate("() => document.title") and "pump-01" not in page.inner_text("#worst")


def test_a_warning_that_is_shelved_comes_back_when_its_time_is_over(console, opened: Opened):
    id_ = warning(console, "fan-01")
    page = opened("operator", f"#/warnings/{id_}")
    page.click('[data-move="shelve"]')
    page.select_option("#move-span", "1")
    page.fill("#move-why", "the fitter comes at noon")
    page.click("#dialog-yes")
    page.wait_for_selector('[data-move="unshelve"]')
    picture(page, "warning-shelved")
    page.goto(f"{console.url}/#/?warned=held")
    page.wait_for_selector('main [data-asset="fan-01"]')
    held = {one.get_attribute("data-asset") for one in page.query_selector_all("main [data-asset]")}
    assert held == {"fan-01"} and "shelved" in page.inner_text('main [data-asset="fan-01"]')
    page.goto(f"{console.url}/#/warnings/{id_}")
    page.wait_for_selector('[data-move="unshelve"]')
    assert console.ask(f"alerts/{id_}").json()["now"]["held"][0]["kind"] == "shelved"
    console.installation.send(minutes(("fan-01",), 18, 90, HOT, START_US))
    page.wait_for_selector('[data-move="unshelve"]', state="detached")
    assert console.ask(f"alerts/{id_}").json()["now"]["held"] == []


def test_a_warning_is_assigned_and_closed_with_its_reason(console, opened: Opened):
    id_ = warning(console, "pump-02")
    page = opened("engineer", f"#/warnings/{id_}")
    page.click('[data-move="assign"]')
    page.fill("#move-to", "lee")
    page.click("#dialog-yes")
    page.wait_for_selector('[data-sent="done"]')
    page.click('[data-move="close"]')
    page.select_option("#move-outcome", "found-and-repaired")
    page.fill("#move-found", "<img src=x onerror=alert(1)> worn bearing")
    page.click("#dialog-yes")
    page.wait_for_selector(f'[data-alert="{id_}"][data-alert-state="closed"]')
    now = console.ask(f"alerts/{id_}").json()["now"]
    assert (now["assigned"], now["outcome"]["reason"], now["outcome"]["by"]) == (
        "lee",
        "found-and-repaired",
        "engineer",
    )
    assert "<img src=x" in page.inner_text("main") and page.query_selector("main img") is None
    assert page.inner_text(".tags").lower().count("closed") == 1 and "Asks" not in page.inner_text("main .pairs")
    picture(page, "warning-closed")


def test_a_page_that_lost_its_console_says_so_and_goes_on_when_it_is_back(console, opened: Opened):
    page = opened("viewer")
    page.wait_for_selector('[data-live="live"]')
    port = int(console.url.rpartition(":")[2])
    console.process.terminate()
    console.process.wait(20)
    page.wait_for_selector('#live:not([data-live="live"])')
    console.process = console.start(port)
    page.wait_for_selector('[data-live="live"]', timeout=60_000)
