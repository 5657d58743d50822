"""`forewarn api`: the HTTP API, and keys for it; the work is in `serving`."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.console.keys import SETTING, Role, new_key
from pipelines.cli.options import Instance, out

api = typer.Typer(no_args_is_help=True, help="The HTTP API, for other programs.")


class NoConsole(Exception):
    """What the HTTP API needs is not installed."""


@api.command(epilog="Example: forewarn api serve --port 8400")
def serve(
    host: Annotated[str, typer.Option(help="Address to answer on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 8400,
    instance: Instance = "default",
) -> None:
    """Answer HTTP requests for the plant's models; /docs has its document. Callers need keys."""
    try:
        from pipelines.cli import serving
    except ModuleNotFoundError as missing:
        raise NoConsole(
            f"the HTTP API needs {missing.name}: run .venv/bin/pip install -e '.[console]' in Forewarn's folder"
        ) from missing
    from pipelines.settings import Settings

    serving.serve(Settings(instance=instance), host, port, out)


@api.command(epilog="Example: forewarn api key mes-line-1 --role engineer")
def key(
    name: Annotated[str, typer.Argument(help="Whose it is: the audit says so of what is done with it.")],
    role: Annotated[Role, typer.Option(help="A viewer reads, an engineer moves models, too.")] = Role.VIEWER,
) -> None:
    """Make a key and print it once, with what FOREWARN_API_KEYS is to say of it."""
    made, told = new_key(name, role)
    for line in (made, f"keep it: it is shown once. The API knows it by {SETTING}={told}"):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
