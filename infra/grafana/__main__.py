"""`python -m infra.grafana`: write the dashboards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from infra.grafana import plant, service

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> Mapping[str, str]:
    """Their JSON by the name of its file."""
    every = (service.service([plant.KEPT]), plant.plant(), plant.models())
    return {f"{one.uid}.json": json.dumps(one.to_json(), indent=1, ensure_ascii=False) + "\n" for one in every}


def write() -> None:
    """Write all of them, and take out what is none of them any more."""
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name, text in dashboards().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    write()
