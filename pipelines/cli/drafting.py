"""`forewarn model new`: the feature list of a type without a model, for rows and then for a first model."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from models.failure.draft import Draft
from models.inference import ModelError
from pipelines.cli.training import type_of


def new(plant: Path, site: str | None, type_name: str, name: str | None, out: Path, console: Console) -> None:
    """Write NAME.spec.json and say what comes next. Raises ModelError where one is there."""
    draft = Draft.of(name or type_name, type_name, type_of(plant, site, type_name))
    file = out / f"{draft.name}.spec.json"
    if file.exists():
        raise ModelError(f"{file} is there, and may have been edited: remove it, or give another --name or --out")
    out.mkdir(parents=True, exist_ok=True)
    file.write_bytes(draft.content)
    for line in (
        f"{file}: {len(draft.spec.names)} features of {len(draft.spec.signals)} signals"
        f"{_more(draft)}; edit it: what a model must not see goes out, `modes` names what each component owns",
        f"rows: forewarn backfill --from 2025-01-01 --to 2026-01-01 --source influx --what features --spec {file} "
        "--labels labels.jsonl --every 10",
        f"model: forewarn model train build/backfill/RUN --plant {plant} --type {type_name} --spec {file} --out models",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _more(draft: Draft) -> str:
    counts = {"counters": draft.spec.counters, "shares of states": draft.spec.shares, "events": draft.spec.events}
    return "".join(f", {len(names)} {what}" for what, names in counts.items() if names)
