"""What commands share: options that mean the same everywhere, and where they print."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

Instance = Annotated[str, typer.Option(help="Name of a set of local servers; sets do not share data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]

out = Console()
errors = Console(stderr=True)
