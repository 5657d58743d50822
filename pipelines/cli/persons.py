"""By which name people are told on topics of process tuning: their own, or a pseudonym where the plant has a key."""

from __future__ import annotations

from models.tuning.masking import is_masked, masked
from pipelines.cli.planning_error import PlanError
from pipelines.settings import Settings


def person(settings: Settings, name: str) -> str:
    """The pseudonym of a person, the same each time; the name itself without FOREWARN_MASK_KEY. Raises PlanError."""
    key = settings.mask_key.get_secret_value().encode()
    if not key or is_masked(name):
        return name
    try:
        return masked(name, key)
    except ValueError as wrong:
        raise PlanError(f"FOREWARN_MASK_KEY: {wrong}") from wrong
