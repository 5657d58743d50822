"""`forewarn audit`: its commands; the work is in `pipelines.cli.auditing`."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.options import AsJson, Instance, out

audit = typer.Typer(no_args_is_help=True, help="Who called the HTTP API, and whether what is kept of it is whole.")


@audit.command("list", epilog="Example: forewarn audit list --limit 20 --json | jq '.[] | select(.status >= 400)'")
def show(
    limit: Annotated[int, typer.Option(min=1, help="So many, from the last.")] = 100,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Tell the last calls of the HTTP API, the newest last: when, who, from where, what, and the status answered."""
    from pipelines.cli.auditing import show as run_show
    from pipelines.settings import Settings

    run_show(Settings(instance=instance), limit, out, as_json=as_json)


@audit.command(
    epilog="Examples: forewarn audit verify --json | jq .heads > /mnt/elsewhere/heads.json   |   "
    "forewarn audit verify --noted 3fa9..."
)
def verify(
    noted: Annotated[
        list[str] | None, typer.Option(help="Hash of a head that was noted earlier and has to be there; repeatable.")
    ] = None,
    as_json: AsJson = False,
    instance: Instance = "default",
) -> None:
    """Hold every entry against the chain of hashes; exit status 1 where one was changed, taken out or moved.

    It ends with the heads, each chain's last entry that no other began after. Note them elsewhere, and give them by
    --noted later: that entries were cut off at the end shows by a head that is not there any more, and by nothing else.
    """
    from pipelines.cli.auditing import verify as run_verify
    from pipelines.settings import Settings

    raise typer.Exit(int(not run_verify(Settings(instance=instance), noted or (), out, as_json=as_json)))
