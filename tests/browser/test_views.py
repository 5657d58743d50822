"""Each view as people see it: a picture, nothing that axe finds, at 360 px too, and little to load on a slow link."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PHONE, Opened, picture, shown, within

pytestmark = pytest.mark.servers
ROUTES = {
    "overview": "#/", "asset": "#/assets/pump-01", "warnings": "#/warnings", "warning": "#/warnings/ID",
    "week": "#/kpis", "value": "#/value", "suggestions": "#/suggestions", "plans": "#/plans", "models": "#/models",
    "ledger": "#/ledger", "audit": "#/audit", "api": "#/api",
}  # fmt: skip
MOST_BYTES = 300 * 1024
INKED = """() => {
    const one = document.querySelector('.charts canvas');
    if (!one) return false;
    const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height);
    return data.filter((_, at) => at % 4 === 3 && data[at] > 200 && data[at - 3] < 60).length > 100;
}"""
"""The first chart has the ink of a line, which is darker than its axes and their words."""
SLOW = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 25_000}
"""As Chromium's own tools call Slow 3G: 400 kbit/s, 400 ms."""
SLOW_S = 20.0
"""For what takes 7 s by itself, on a machine that does other things."""


def route_of(console, name: str) -> str:
    found = console.ask("alerts?asset=pump-01").json()["alerts"]
    return ROUTES[name].replace("ID", found[0]["id"])


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_view_is_drawn_whole_and_axe_finds_nothing(console, opened: Opened, name, scheme):
    page = opened("admin", route_of(console, name), color_scheme=scheme)
    assert page.get_attribute("main", "data-state") in ("ready", "empty")
    picture(page, f"{name}-{scheme}")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.query_selector("#worst [data-asset]"), "the worst machines are always in sight"


@pytest.mark.parametrize("name", ROUTES)
def test_a_view_fits_a_phone(console, opened: Opened, name):
    page = opened("admin", route_of(console, name), viewport=PHONE, has_touch=True)
    picture(page, f"{name}-phone")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_the_first_view_is_small_and_there_on_a_slow_link(console, browser):
    context = browser.new_context()
    page = context.new_page()
    link = context.new_cdp_session(page)
    link.send("Network.enable")
    link.send("Network.emulateNetworkConditions", SLOW)
    loaded: list[float] = []
    link.on("Network.dataReceived", lambda told: loaded.append(told["dataLength"]))
    with within(SLOW_S):
        page.goto(console.page("viewer"), timeout=60_000)
        page.wait_for_selector("main [data-asset]", timeout=60_000)
    total = sum(loaded)
    context.close()
    assert 1_000 < total < MOST_BYTES, f"{total:,.0f} bytes before compression"


def test_a_reload_shows_what_is_so_now_and_stays_signed_in(console, opened: Opened):
    page = opened("viewer", "#/warnings")
    before = {one.get_attribute("data-alert") for one in page.query_selector_all("[data-alert]")}
    page.reload()
    shown(page)
    page.wait_for_selector("[data-alert]")
    assert {one.get_attribute("data-alert") for one in page.query_selector_all("[data-alert]")} == before
    assert "key" not in page.url


def test_a_key_that_is_wrong_is_refused_in_words_and_nothing_is_shown(console, browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{console.url}/#key=fw_wrong")
    page.wait_for_selector("input[type=password]")
    picture(page, "sign-in")
    found = Axe().run(page)
    assert page.query_selector("[data-asset]") is None and found.violations_count == 0, found.generate_report()
    assert "Check that you copied all of it." in page.inner_text("main")
    page.fill("#key", console.keys["viewer"])
    page.click("#sign-in")
    page.wait_for_selector("main [data-asset]")
    assert page.evaluate("() => document.activeElement.tagName") == "H1", "what was opened is heard"
    context.close()


@pytest.mark.parametrize("route", ["#/kpis", "#/value"])
def test_a_week_and_a_month_open_on_the_plants_own_by_its_dates_in_utc(console, opened: Opened, route):
    page = opened("viewer", route)
    page.wait_for_selector("[data-period]")
    plant = datetime.fromtimestamp(console.ask("overview").json()["now_us"] / 1e6, UTC)
    told = page.inner_text("[data-period]")
    assert told.endswith(f"{plant.year}, UTC") or plant.month in (1, 12), told
    page.click('[aria-label^="previous"]')
    page.wait_for_function("told => document.querySelector('[data-period]').textContent !== told", arg=told)


def test_what_is_of_the_whole_plant_is_refused_to_a_caller_of_a_site_in_one_sentence(console, opened: Opened):
    page = opened("mill-engineer")
    page.goto(f"{console.url}/#/ledger")
    page.wait_for_selector('main[data-state="error"]')
    assert "This is of the whole plant: ask for a key of all sites." in page.inner_text("main")


def test_signals_of_a_day_are_lines_though_they_come_seldom(console, opened: Opened):
    """Rows every 30 min in steps of 2 min: a chart that is not empty has ink of its line."""
    page = opened("viewer", "#/assets/pump-01")
    page.click('[data-days="1"]')
    page.wait_for_selector(".chart canvas")
    page.wait_for_function(INKED)
    picture(page, "asset-day")
