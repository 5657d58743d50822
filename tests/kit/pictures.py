"""README's pictures of the demo, made by running it: `make pictures`, some minutes.

A recording of the terminal (build/demo.cast, infra/pictures/demo.svg) and the page as a browser shows it
(infra/pictures/page.png), then the pictures that the demo itself draws. It ends what the demo leaves running.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import sync_playwright

from infra.bin import browser as chromium
from infra.bin.layout import Options
from tests.kit.terminal import animated, cast, frames, recorded, written

ROOT = Path(__file__).parents[2]
PICTURES, BUILD = ROOT / "infra" / "pictures", ROOT / "build"
COLUMNS, ROWS = 126, 40
TITLE = "make demo"
KEY = re.compile(r"fw_[A-Za-z0-9_-]+")
"""Of the API: the demo's ends with it, and yet no picture shows one."""
DRAWN = ("pump.svg", "plan.svg")


def main() -> None:
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--keep"]
    said, status = recorded(command, COLUMNS, ROWS, os.environ, lambda text: print(text, end="", flush=True))
    whole = "".join(one.text for one in said)
    shown = [one._replace(text=KEY.sub("fw_...", one.text)) for one in said]
    try:
        if status:
            raise SystemExit(f"error: the demo ended with {status}: its pictures are not taken")
        written(cast(shown, COLUMNS, ROWS, TITLE), BUILD / "demo.cast")
        written(animated(list(frames(shown, COLUMNS, ROWS)), COLUMNS, ROWS, TITLE), PICTURES / "demo.svg")
        for name in DRAWN:
            shutil.copy(BUILD / name, PICTURES / name)
        _page(found(whole, r"(http://127\.0\.0\.1:\d+/#key=\S+)"))
    finally:
        end(whole)


def found(text: str, pattern: str) -> str:
    """The last place in what was said, without what colours it."""
    places = re.findall(pattern, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    if not places:
        raise SystemExit(f"error: the demo said nothing like {pattern}")
    return str(places[-1])


def end(text: str) -> None:
    """What the demo left running, by the ids that it told."""
    with suppress(SystemExit):
        for pid in found(text, r"`kill ([\d ]+)`").split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
    subprocess.run([sys.executable, "-m", "pipelines.cli", "down", "--instance", "demo"], check=False)


def _page(url: str) -> None:
    program = chromium.provide(Options())
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(program.path), env=program.environ(os.environ), args=["--no-sandbox"]
        )
        page = started.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.wait_for_selector("main h2, main table", timeout=30_000)
        page.wait_for_timeout(2000)  # charts are drawn after words
        page.screenshot(path=str(PICTURES / "page.png"))
        started.close()


if __name__ == "__main__":
    main()
