"""Plans, suggestions and demand warnings on the page: drawn whole, by keys too, and moved in all browsers at once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from msgspec.structs import replace

from models.records import PlanReason, SuggestionState, Verdict
from tests.browser.conftest import PHONE, Opened, picture, shown, within
from tests.kit.consoled import Consoled, spoken
from tests.kit.followed import forecast
from tests.kit.planned import demand, effect, plan, refused, result, said_of, suggestion, trial, tuned
from tests.kit.warned import alert, at

pytestmark = pytest.mark.servers
SEEN_S = 2.0
PRESSES, OVENS = ("press-01", "press-02", "press-03"), ("oven-01", "oven-02")
PLANT = """
plant = "north"
site = "quay"
[types.press.signals.oil_temp_degc]
kind = "gauge"
unit = "degC"
[types.oven.signals.zone_temp_degc]
kind = "gauge"
unit = "degC"
""" + "".join(
    f'[assets.{name}]\ntype = "{name[:-3]}"\nsite = "{"quay" if name in PRESSES else "mill"}"\narea = "hall"\n'
    for name in (*PRESSES, *OVENS)
)
WARNED = alert("press-01", severity=600)
PLAN = plan((PRESSES, OVENS), alert=WARNED.id)
DEMAND = demand(
    shed=(replace(demand().shed[0], asset="press-02"),),
    kept=tuple(replace(one, asset=name) for one, name in zip(demand().kept, ("oven-01", "press-01"), strict=True)),
)
SETTING = suggestion("press-01")
OVEN = suggestion("oven-01", "s-2", parameter="zone_temp_degc", now=412.0, proposed=405.0, rails=())

TUNED = tuned("press-02")
TUNED_SAID = [
    TUNED, said_of(TUNED.id, Verdict.ACCEPTED, "kim"), refused("press-02", TUNED.id), refused("press-03"),
    trial("press-03"),
]  # fmt: skip


@pytest.fixture(scope="module")
def console(servers, tmp_path_factory) -> Iterator[Consoled]:
    """A plant of presses and ovens at two sites, as roles that plan and watch would speak of it."""
    with Consoled(tmp_path_factory.mktemp("plans"), plant=PLANT) as made:
        speaks = [forecast(name, 1.1, 0.02) for name in (*PRESSES, *OVENS)]
        earlier = replace(PLAN, id="earlier", made_us=at(-6), reason=PlanReason.FIRST)
        past = [result(day) for day in range(4)] + [result(5, is_valid=False, why="other products were made")]
        spoken(made, [*speaks, WARNED, earlier, PLAN, *past, DEMAND, SETTING, OVEN, *TUNED_SAID])
        until_s = time.monotonic() + 20
        while not (made.ask("suggestions").json()["suggestions"] and made.ask("plans").json()["plans"]):
            assert time.monotonic() < until_s, made.installation.told()
            time.sleep(0.1)
        yield made


def drawn(page) -> None:
    shown(page)
    page.wait_for_selector("svg.gantt .bar-of")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plan_is_drawn_whole_and_axe_finds_nothing(console, opened: Opened, scheme):
    page = opened("admin", "#/plans", color_scheme=scheme)
    drawn(page)
    picture(page, f"plan-{scheme}")
    lanes = {one.get_attribute("data-lane") for one in page.query_selector_all("svg.gantt [data-lane]")}
    assert lanes == {*PRESSES, *OVENS}
    assert len(page.query_selector_all("svg.gantt [data-lane].is-run")) == len(PLAN.jobs)
    assert len(page.query_selector_all("svg.gantt [data-lane].is-maintenance")) == 1
    assert len(page.query_selector_all("svg.gantt path.curve[d*=H]")) >= 3, "price, and kW by both"
    assert f"{PLAN.saving.kwh:,.0f} kWh" in page.inner_text(".figures")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("name", "route"), [("suggestion", "#/suggestions"), ("demand", "#/")])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_suggestions_and_the_overview_are_drawn_whole_and_axe_finds_nothing(console, opened, name, route, scheme):
    page = opened("operator", route, color_scheme=scheme)
    page.wait_for_selector(f"[data-{name}]")
    picture(page, f"{name}-{scheme}")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize(("name", "route"), [("plan", "#/plans"), ("suggestion", "#/suggestions"), ("demand", "#/")])
def test_they_fit_a_phone_and_the_chart_scrolls_in_its_box(console, opened: Opened, name, route):
    page = opened("operator", route, viewport=PHONE, has_touch=True)
    page.wait_for_selector("svg.gantt .bar-of" if name == "plan" else f"[data-{name}]")
    picture(page, f"{name}-phone")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= PHONE["width"]
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    if name == "plan":
        box = page.query_selector(".gantt-box")
        assert box.evaluate("box => box.scrollWidth > 2 * box.clientWidth")


def test_bars_are_walked_by_keys_and_say_what_they_are(console, opened: Opened):
    page = opened("viewer", "#/plans")
    drawn(page)
    page.focus('.bar-of[tabindex="0"]')
    page.keyboard.press("ArrowRight")
    first = next(job for job in PLAN.jobs if job.asset == PRESSES[0])
    assert first.order in page.inner_text(".gantt-said") and "230 kWh" in page.inner_text(".gantt-said")
    assert first.order in page.evaluate("() => document.activeElement.getAttribute('aria-label')")
    page.keyboard.press("ArrowDown")
    assert PRESSES[1] in page.inner_text(".gantt-said")
    page.keyboard.press("End")
    assert page.evaluate("() => document.activeElement.dataset.lane") == PRESSES[1]
    assert len(page.query_selector_all('.bar-of[tabindex="0"]')) == 1


def test_the_table_has_a_row_of_each_bar(console, opened: Opened):
    page = opened("viewer", "#/plans")
    drawn(page)
    page.click(".as-table summary")
    page.wait_for_selector(".as-table tbody tr")
    rows, bars = page.query_selector_all(".as-table tbody tr"), page.query_selector_all("svg.gantt [data-lane]")
    assert len(rows) == len(bars) > len(PLAN.jobs)
    assert all(job.order in page.inner_text(".as-table") for job in PLAN.jobs)


def test_maintenance_leads_to_its_warning(console, opened: Opened):
    page = opened("viewer", "#/plans")
    page.click(f'[data-care="{WARNED.id}"]')
    page.wait_for_selector(f'[data-alert="{WARNED.id}"]')


def test_a_caller_of_a_site_sees_its_machines_and_no_figure_of_the_plant(console, opened: Opened):
    page = opened("mill-engineer", "#/plans")
    drawn(page)
    picture(page, "plan-of-a-site")
    lanes = {one.get_attribute("data-lane") for one in page.query_selector_all("svg.gantt [data-lane]")}
    assert lanes == set(OVENS) and not page.query_selector(".figures")
    told = page.inner_text("main")
    assert "press" not in told and "P-1011" not in told
    page.goto(f"{console.url}/#/suggestions")
    page.wait_for_selector("[data-suggestion]")
    assert [one.get_attribute("data-suggestion") for one in page.query_selector_all("[data-suggestion]")] == ["s-2"]


def test_a_later_plan_comes_to_a_page_that_is_open(console, opened: Opened):
    page = opened("viewer", "#/plans")
    drawn(page)
    assert len(page.query_selector_all('a[href^="#/plans?id="]')) == 1
    page.focus('.bar-of[tabindex="0"]')
    page.keyboard.press("ArrowRight")
    key = page.evaluate("() => document.activeElement.dataset.key")
    spoken(console, [replace(PLAN, id="later", made_us=at(0.5), reason=PlanReason.BREAKDOWN)])
    page.wait_for_selector("text=a machine broke down")
    drawn(page)
    assert page.evaluate("() => document.activeElement.dataset.key") == key, "who walks the bars stays on his"
    page.click('a[href="#/plans?id=earlier"]')
    page.wait_for_selector("p:has-text('since it is the first')")


def test_one_browser_accepts_a_suggestion_and_a_second_sees_it_within_two_seconds(console, opened: Opened):
    one, other = opened("operator", "#/suggestions"), opened("viewer", "#/suggestions")
    assert other.query_selector_all("[data-move]") == []
    one.click(f'[data-move="accept {SETTING.id}"]')
    one.fill("#move-why", "tried on the last shift")
    with within(SEEN_S):
        one.click("#dialog-yes")
        other.wait_for_selector(f'[data-suggestion="{SETTING.id}"][data-suggestion-state="accepted"]')
    assert "by operator" in other.inner_text(f'[data-suggestion="{SETTING.id}"]')
    one.wait_for_selector(f'[data-move="accept {SETTING.id}"]', state="detached")
    picture(one, "suggestion-accepted")
    refused = console.ask(f"suggestions/{OVEN.id}/answer", "viewer", json={"answer": "accept"})
    assert refused.status_code == 403


def test_a_suggestion_of_a_process_says_all_that_is_to_change_and_who_must_approve(console, opened: Opened):
    page = opened("viewer", "#/suggestions")
    told = page.inner_text(f'[data-suggestion="{TUNED.id}"]')
    for words in (
        "Current, force of press-02", "current: now", "9.2 kA", "2.9 kN", "2.1 % (1.8 % and 2.4 %)", "0.9 % and 1.6 %",
        "by 1 of 2: kim", "peel test of ten parts", "kim accepted it", "lee, current 9.2 kA (now 9)",
        "forbidden combination",
    ):  # fmt: skip
        assert words in told, words
    rest = page.inner_text("main")
    assert "Trials that are asked for" in rest and "current 9.7 kA (now 9)" in rest and "2,350 parts" in rest
    assert "What limits did not let pass" in rest and "press-03, bracket" in rest
    assert page.query_selector_all("[data-move]") == []


def test_a_suggestion_of_a_process_is_modified_and_is_open_until_its_maker_takes_it(console, opened: Opened):
    one, other = opened("operator", "#/suggestions"), opened("viewer", "#/suggestions")
    assert one.query_selector_all(f'[data-move="modify {SETTING.id}"], [data-move="modify {OVEN.id}"]') == []
    one.click(f'[data-move="modify {TUNED.id}"]')
    assert [one.input_value(f"#move-set-{name}") for name in ("current_ka", "force_kn")] == ["9.2", "2.9"]
    one.fill("#move-set-current_ka", "9.15")
    one.fill("#move-why", "half of it first")
    picture(one, "suggestion-modify")
    found = Axe().run(one)
    assert found.violations_count == 0, found.generate_report()
    with within(SEEN_S):
        one.click("#dialog-yes")
        other.wait_for_selector(f'[data-suggestion="{TUNED.id}"] >> text=half of it first; current 9.15')
    assert other.get_attribute(f'[data-suggestion="{TUNED.id}"]', "data-suggestion-state") == "open"
    assert "rails" in one.inner_text(".sent")
    one.click(f'[data-move="modify {TUNED.id}"]')
    one.fill("#move-set-current_ka", "9.15")
    one.click("#dialog-yes")
    one.wait_for_selector("dialog >> text=you asked for these values already")
    spoken(console, [replace(TUNED, revision=1, proposed=9.15)])
    other.wait_for_selector(f'[data-suggestion="{TUNED.id}"] >> text=by 1 of 2: operator')


def test_what_came_of_a_suggestion_is_told_in_words(console, opened: Opened):
    page = opened("viewer", "#/suggestions")
    done = tuned("press-02", "t-2", state=SuggestionState.ACCEPTED, revision=1)
    spoken(console, [done, effect("press-02", "t-2")])
    page.wait_for_selector('[data-suggestion="t-2"] [data-verdict="delivers"]')
    told = page.inner_text('[data-suggestion="t-2"]')
    assert "It delivers: parts are better than before" in told and "0.45 % and 1.71 %" in told and "1,400" in told
    picture(page, "suggestion-effect")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def test_a_suggestion_is_rejected_with_a_reason(console, opened: Opened):
    page = opened("engineer", "#/suggestions")
    page.click(f'[data-move="reject {OVEN.id}"]')
    page.click("#dialog-yes")
    assert page.query_selector("dialog[open]"), "the browser asks for the reason"
    page.fill("#move-why", "the zone is being repaired")
    page.click("#dialog-yes")
    page.wait_for_selector(f'[data-suggestion="{OVEN.id}"][data-suggestion-state="rejected"]')
    (told,) = (one for one in console.ask("suggestions").json()["suggestions"] if one["id"] == OVEN.id)
    assert (told["by"], told["answer_why"]) == ("engineer", "the zone is being repaired")


def test_a_demand_warning_is_a_banner_until_it_is_over(console, opened: Opened):
    page = opened("viewer")
    page.wait_for_selector("[data-demand]")
    told = page.inner_text("[data-demand]")
    assert "271 kW expected (262 to 283), the limit is 260 kW" in told and "minutes left" in told
    assert "press-02: 46 kW, 15 min at most" in told and "what is in it would be scrap" in told
    assert page.get_attribute(".plan-tile", "href") == "#/plans"
    spoken(console, [replace(DEMAND, revision=1, is_open=False)])
    page.wait_for_selector("[data-demand]", state="detached")
