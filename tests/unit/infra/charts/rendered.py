"""What the chart makes of the values files here; `python -m tests.unit.infra.charts.rendered` writes it anew."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from infra.bin import go_tools
from infra.bin.layout import Options

HERE = Path(__file__).parent
CHART = HERE.parents[3] / "infra" / "helm" / "forewarn"
CASES = tuple(sorted(file.name.removesuffix(".values.yaml") for file in HERE.glob("*.values.yaml")))


def helm_template(helm: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [helm, "template", "forewarn", CHART, "--namespace", "plant", *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def text_of(helm: Path, case: str) -> str:
    found = helm_template(helm, "--values", HERE / f"{case}.values.yaml")
    assert found.returncode == 0, found.stderr
    return found.stdout


def manifests(text: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(text) if one]


if __name__ == "__main__":
    for each in CASES:
        (HERE / f"{each}.golden.yaml").write_text(text_of(go_tools.helm(Options()), each))
