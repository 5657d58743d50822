"""`forewarn connect discover`: a starter plant file of what a feed's source has. It reads, and writes one file here."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from connectors.scada.discover import Limits, Survey
from connectors.scada.discover.plantfile import write
from connectors.scada.feed import FeedError
from connectors.scada.feeds import FEEDS
from models.plant import parse
from pipelines.cli.connect import module_of, read_config


def discoverable() -> tuple[str, ...]:
    """The feeds that can say what their source has."""
    return tuple(name for name in FEEDS if hasattr(module_of(name), "discover"))


def discover(name: str, config: Path, limits: Limits, out: Path, console: Console, *, force: bool) -> None:
    """Look what is there and write the plant file. Raises FeedError, also for a file that is there already."""
    module = module_of(name)
    if not hasattr(module, "discover"):
        raise FeedError(
            f"'{name}' cannot be discovered, since its source does not say what is there: write the plant file "
            f"by hand. These can: {', '.join(discoverable())}"
        )
    if out.exists() and not force:
        raise FeedError(f"{out} is there already: give another --out, or --force to write over it")
    survey = _surveyed(module, read_config(module, config), limits, console)
    text = write(survey, config.stem, f"`forewarn connect discover {name} --config {config.name}`")
    plant = parse(text)
    try:
        out.write_text(text, "utf-8")
    except OSError as wrong:
        raise FeedError(f"{out} cannot be written ({wrong.strerror}): give another --out") from wrong
    signals = sum(len(kind.signals) for kind in plant.types.values())
    console.print(
        f"{out}: {len(plant.types)} types with {signals} signals, {len(plant.assets)} assets, {len(plant.tags)} tags"
        + "".join(f"\nleft out: {count} of {why}" for why, count in sorted(survey.left_out.items()))
        + ("" if survey.is_whole else "\nthere is more: raise --seconds, --depth or --most")
        + "\nnext: say in it what its first lines ask for, then `forewarn plant check`",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )


def _surveyed(module: Any, config: Any, limits: Limits, console: Console) -> Survey:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looking", total=None)

        def tell(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of)

        found: Survey = asyncio.run(module.discover(config, limits, tell))
        return found
