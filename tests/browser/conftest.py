"""Debian's Chromium before a console on real servers, signed in as somebody; its pictures are in build/screens."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from infra.bin import browser as chromium
from infra.bin.layout import Options, ServicesError
from tests.kit.consoled import Consoled, minutes, spoken
from tests.kit.followed import forecast, health
from tests.kit.streams import START_US

PICTURES = Path("build/screens")
ALL = ("pump-01", "pump-02", "fan-01")
HOT = 85.0
ASKED_FOR = ("status of 40", "status of 503", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED")
"""Words of faults that tests bring about: refusals, and a console that is away."""
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with the tests of a file: while Playwright runs, nothing else in its thread can have an event loop."""
    try:
        program = chromium.provide(Options())
    except ServicesError as missing:
        pytest.skip(str(missing))
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(program.path), env=program.environ(os.environ), args=["--no-sandbox"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def console(servers, tmp_path_factory) -> Iterator[Consoled]:
    """A plant of two sites, each with a pump that is hot for ten minutes."""
    with Consoled(tmp_path_factory.mktemp("browser"), snapshot_s=0.5) as made:
        made.installation.worker_at_work()
        days = [
            minutes(ALL, at * 1440, (at + 1) * 1440, 58.0 + 2 * (at % 3), START_US, every=30) for at in range(-5, 0)
        ]
        made.installation.send([one for day in days for one in day])
        made.installation.send(minutes(ALL, 0, 2, 60.0, START_US))
        made.installation.send(minutes(("pump-01", "fan-01"), 2, 12, HOT, START_US))
        made.installation.finish()
        spoken(made, [
            said for at in range(-24, 1) for said in (
                forecast("pump-01", at, 0.35 + at / 100), forecast("pump-02", at, 0.02), health("pump-01", at, 60 + at),
            )
        ])  # fmt: skip
        until_s = time.monotonic() + 20
        while len(made.ask("overview").json()["warnings"]) < 2:
            assert time.monotonic() < until_s, made.installation.told()
            time.sleep(0.1)
        yield made


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser, console) -> Iterator[Opened]:
    """Opens a page of its own browser: as whom, on which route; what went wrong in it fails the test."""
    contexts, wrong = [], []

    def open_page(who: str | None = "admin", route: str = "#/", **more) -> Page:
        context = browser.new_context(**{"viewport": WIDE} | more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda fault: wrong.append(f"{who} {route}: {fault}"))
        page.on("console", lambda said: wrong.append(f"{who} {route}: {said.text}") if said.type == "error" else None)
        if who is None:
            page.goto(f"{console.url}/{route}")
            return page
        page.goto(console.page(who))
        shown(page)
        if route != "#/":
            page.goto(f"{console.url}/{route}")
            shown(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not [one for one in wrong if not any(word in one for word in ASKED_FOR)], wrong


def shown(page: Page) -> None:
    """Wait until the view has all that it asked for."""
    page.wait_for_selector('main:not([data-state="loading"])')
    page.wait_for_function("() => !document.querySelector('main [data-state=\"loading\"]')")


def picture(page: Page, name: str) -> None:
    """Into build/screens."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What stands in the block takes no longer."""
    began_s = time.monotonic()
    yield
    took_s = time.monotonic() - began_s
    assert took_s < seconds, f"it took {took_s:.1f} s"
