"""How many unfounded warnings a plant puts up with, and at which chance each asset warns. Structs alone.

How a budget is shared out, and how thresholds follow from it, is in `models.alerting.budget`.
"""

from __future__ import annotations

from msgspec import Struct


class Budget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unfounded warnings that each reliability engineer is ready to look after in a week, over the whole plant.

    `missed_to_unfounded` is how many unfounded warnings cost as much as one failure that nobody was warned of. None:
    thresholds catch as many failures as the budget allows, whatever that costs.
    """

    unfounded_per_engineer_week: float = 2.0
    engineers: float = 1.0
    missed_to_unfounded: float | None = None

    @property
    def per_week(self) -> float:
        """Unfounded warnings a week, of all assets together."""
        return self.unfounded_per_engineer_week * self.engineers


class Thresholds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an asset's warning opens and clears; None is what holds where nothing is said.

    `hazard` is the chance of failure within 72 h at which it opens, `open_after` and `clear_after` are scored minutes
    in a row, `clear_share` is the part of `hazard` under which it clears.
    """

    hazard: float | None = None
    open_after: int | None = None
    clear_after: int | None = None
    clear_share: float | None = None
