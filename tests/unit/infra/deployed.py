"""What deployment files are held to, from the code that declares it."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = frozenset(f"FOREWARN_{name.upper()}" for name in Settings.model_fields)


def named_settings(text: str) -> frozenset[str]:
    """Every name of the environment in a text that would be a setting of ours."""
    return frozenset(re.findall(r"\bFOREWARN_[A-Z0-9_]*[A-Z0-9]\b", text))
