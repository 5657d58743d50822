"""`forewarn edge`: its options; the work is in `pipelines.cli.edge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import Instance, out

boxes = typer.Typer()


@boxes.command(
    epilog="Examples: forewarn edge --feed opcua=line1.toml   |   FOREWARN_API_KEYS=... forewarn edge --host 0.0.0.0"
)
def edge(
    feed: Annotated[
        list[str] | None, typer.Option(help="A feed and its config, as opcua=line1.toml; repeatable.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address of the page; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the page; a taken one moves on.")] = 8080,
    instance: Instance = "default",
) -> None:
    """Run all that a box at a line needs in one process, until stopped: feeds, worker, deliveries, page.

    Deliveries where FOREWARN_SUBSCRIPTIONS is set, the page where FOREWARN_API_KEYS is or an OIDC issuer.
    """
    import os

    import uvloop

    from connectors.kafka.clients import check_reachable
    from pipelines.cli.edge import edge as run_edge
    from pipelines.cli.logs import secrets_of, to_stderr
    from pipelines.settings import Settings

    settings, feeds = Settings(instance=instance), [_of(one) for one in feed or ()]
    check_reachable(settings.cluster)
    to_stderr(False, [*settings.secrets, *(one for _, file in feeds for one in secrets_of(file, os.environ))])
    raise typer.Exit(uvloop.run(run_edge(settings, feeds, host, port, out)))


def _of(text: str) -> tuple[str, Path]:
    name, is_pair, file = text.partition("=")
    if not is_pair:
        raise typer.BadParameter(f"--feed {text}: write a feed and its config, as opcua=line1.toml")
    return name, Path(file)
