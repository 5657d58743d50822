"""`forewarn api`: the page and the HTTP API, and keys for them; the work is in `serving`."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.console.keys import SETTING, Role, new_key
from pipelines.cli.options import Instance, out

api = typer.Typer(no_args_is_help=True, help="The page that people keep open, and the HTTP API that others build on.")


ROLES = (
    "A viewer reads; an operator acknowledges, shelves, assigns and changes subscriptions, too; an engineer closes and "
    "moves models, too; an admin reads the audit, too."
)


class NoConsole(Exception):
    """What the HTTP API needs is not installed."""


@api.command(
    epilog="Examples: FOREWARN_API_KEYS=... forewarn api serve   |   FOREWARN_API_HOSTS=name.of.it forewarn api serve "
    "--host 0.0.0.0   (it speaks plain HTTP: put a proxy with TLS before it)"
)
def serve(
    host: Annotated[str, typer.Option(help="Address to answer on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="A taken one moves on.")] = 8080,
    loud: Annotated[bool, typer.Option("--loud", help="Log all that Kafka's client says.")] = False,
    instance: Instance = "default",
) -> None:
    """Serve the page at / and the API of /api/v1/openapi.json, to keys or to tokens of an OIDC issuer."""
    try:
        from pipelines.cli import serving
    except ModuleNotFoundError as missing:
        raise NoConsole(
            f"the page and the API need {missing.name}: run .venv/bin/pip install -e '.[console]' in Forewarn's folder"
        ) from missing
    from pipelines.settings import Settings

    serving.serve(Settings(instance=instance), host, port, out, loud=loud)


@api.command(epilog="Examples: forewarn api key mes-line-1 --role engineer   |   forewarn api key kim --site north")
def key(
    name: Annotated[str, typer.Argument(help="Whose it is: the audit says so of what is done with it.")],
    role: Annotated[Role, typer.Option(help=ROLES)] = Role.VIEWER,
    site: Annotated[
        list[str] | None, typer.Option(help="Only the machines of this site; more than once for more. None: all.")
    ] = None,
) -> None:
    """Make a key and print it once, with what FOREWARN_API_KEYS is to say of it."""
    made, told = new_key(name, role, site or ())
    for line in (made, f"keep it: it is shown once. The API knows it by {SETTING}={told}"):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
