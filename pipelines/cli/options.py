"""What commands share: options that mean the same everywhere, and where they print."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

Instance = Annotated[
    str, typer.Option(envvar="FOREWARN_INSTANCE", help="Name of a set of local servers; sets do not share data.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

out = Console()
errors = Console(stderr=True)


def hear_file(environ: MutableMapping[str, str] = os.environ, folder: Path = Path()) -> None:
    """Put what `forewarn.env` says into the environment, which goes before it: so every command hears it."""
    file = folder / "forewarn.env"
    if not file.is_file():
        return
    from dotenv import dotenv_values

    for name, value in dotenv_values(file).items():
        if value is not None:
            environ.setdefault(name, value)
