"""Groups of features that a model may have beside its list: what they are called, and what they are reckoned from.

A card without groups has none of them, and its list is what it was. What they are worth is reckoned in `more`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from models.plant.assets import AssetType
from models.plant.layout import events_of

PER_FLEET = ("is_own",)
"""Of each expected signal: 1 where its change is from the asset's own usual, 0 where it is from the fleet's."""
PER_SIBLING = ("siblings_24h",)
"""Of each expected signal: the residual of the last 24 h of running over its fleet's usual, in spreads between them."""
PER_COUNTED = ("events_24h", "events_72h", "events_7d", "since_event_h")
"""How often an event came in the last 24 h of running, in 72 h of the clock, on the last seven days of running; and
hours of the clock since the end of the 15 minutes, or of the day, in which the last one came: NaN for none in 30 d."""
PER_COMPONENT = ("since_maintenance_h",)
"""Hours of the clock since a component was last worked on."""
CODE = "code"
"""Of a product, or of the asset's type: its place among the declared ones, NaN for one that is not among them."""
ASSET_TYPE = "asset_type"


class Fleet(Struct, frozen=True):
    """Where the residuals of a signal lay in the first day of running of the machines that a model learned from.

    `usual` is the middle machine's, `spread` how far one's residuals lie about its own, `between` how far apart
    machines are, a standard deviation each. In the signal's unit, float64.
    """

    target: str
    usual: float
    spread: float
    between: float

    @property
    def of_a_stranger(self) -> float:
        """How far residuals of a machine of which nothing is known lie about the fleet's usual."""
        return float(np.hypot(self.spread, self.between))


class Groups(Struct, frozen=True, omit_defaults=True):
    """What more a model looks at.

    With a `fleet`, of each expected signal in their order, a machine without a usual of its own is held against that;
    `siblings` tell how far it is from it. Events are `counted` over more windows, `components` have their maintenance.
    `product` is a state whose words are among the shares, `types` are the asset types that share the model.
    """

    fleet: tuple[Fleet, ...] = ()
    siblings: bool = False
    counted: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    product: str = ""
    types: tuple[str, ...] = ()

    @classmethod
    def of(cls, asset_type: AssetType, fleet: tuple[Fleet, ...] = ()) -> Groups:
        """All that a type declares, and siblings where their fleet is known."""
        return cls(
            fleet=fleet,
            siblings=bool(fleet),
            counted=events_of(asset_type),
            components=tuple(asset_type.components),
            product=asset_type.product or "",
        )

    def names(self, targets: tuple[str, ...]) -> tuple[str, ...]:
        """Column names, in order, behind those of the list."""
        parts = (
            (targets if self.fleet else (), PER_FLEET), (targets if self.siblings else (), PER_SIBLING),
            (self.counted, PER_COUNTED), (self.components, PER_COMPONENT),
            ((self.product,) if self.product else (), (CODE,)), ((ASSET_TYPE,) if self.types else (), (CODE,)),
        )  # fmt: skip
        return tuple(f"{name}.{what}" for names, per in parts for name in names for what in per)

    @property
    def constants(self) -> tuple[Any, ...]:
        """What columns rest on and their names do not tell."""
        return (self.fleet, self.types) if self.fleet or self.types else ()

    def wrong(self, targets: tuple[str, ...], shares: tuple[str, ...]) -> str | None:
        """What contradicts the list that the groups belong to, if anything does."""
        if self.fleet and tuple(one.target for one in self.fleet) != targets:
            return f"its fleet must tell of all that is expected, in that order: {list(targets)}"
        if any(not 0 < one.spread < np.inf or not 0 < one.between < np.inf for one in self.fleet):
            return "spreads of its fleet must be over 0"
        if self.siblings and not self.fleet:
            return "it compares siblings, but tells of no fleet: give the fleet's figures, or leave siblings out"
        if self.product and not any(share.startswith(f"{self.product}=") for share in shares):
            return f"its product '{self.product}' has no words among its shares"
        return None


NO_GROUPS = Groups()
