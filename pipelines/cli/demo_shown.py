"""The demo's page: a console whose address is told with a key; and the plant that goes on where it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console

from connectors.console.keys import Role, new_key
from infra.bin.layout import Options
from infra.bin.ports import promised
from pipelines.cli.demo_child import INSTANCE, child
from pipelines.cli.feed import Plan
from pipelines.settings import Settings

PORT = 8080
KEPT_DAYS, KEPT_PACE = 90, 1.2
"""A plant that is kept goes on for so many simulated days, an instant of its 12 pumps every ten seconds."""


class Page(NamedTuple):
    """Where it is, and the process that serves it."""

    url: str
    pid: int
    settings: Settings


@contextmanager
def shown(settings: Settings, console: Console, *, keep: bool) -> Iterator[Page]:
    """Serve it for as long as the block takes, or longer where it is kept; its address has the key of this run."""
    key, told = new_key("demo", Role.ADMIN)
    own = settings.model_copy(update={"api_keys": told})
    with promised(Options(), PORT) as port, child(own, "console", "api", "serve", "--port", str(port), keep=keep) as it:
        page = Page(f"http://127.0.0.1:{port}/#key={key}", it.pid, own)
        console.print(f"the page: {page.url}", highlight=False, markup=False, soft_wrap=True)
        yield page


def tell_kept(plan: Plan, page: Page, worker: int, console: Console) -> None:
    """Have the plant go on, and say how to look at it and how to end all."""
    plant = ("simulate", "--days", plan.days, "--seed", plan.seed, "--live-rows", plan.live_rows, "--pace", KEPT_PACE,
             "--go-on", KEPT_DAYS)  # fmt: skip
    with child(page.settings, "plant", *map(str, plant), keep=True) as feeder:
        pids = f"{feeder.pid} {worker} {page.pid}"
    for line in (
        f"left running, with a simulated plant that goes on: {page.url}",
        f"look with `forewarn status --instance {INSTANCE}`; end it by `kill {pids}` and "
        f"`forewarn down --instance {INSTANCE}`",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
