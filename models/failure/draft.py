"""The feature list of a model that is yet to be trained: written by a command, edited by people, and rows follow it.

A card of a trained model reads as one, so that another can be trained on the same rows.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from models.failure.hazard import check
from models.features import Expected, Spec
from models.inference import ModelError
from models.plant import AssetType


class Draft(Struct, frozen=True, kw_only=True):
    """A feature list with the name of its model. `modes` names what each component owns: signals, events."""

    name: str
    asset_type: str
    signals: tuple[str, ...]
    counters: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    shares: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    rolls_over_at: dict[str, float] = {}
    modes: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, name: str, asset_type: AssetType) -> Draft:
        """All that a type can be seen by; nothing is expected of a signal yet, and no component is named."""
        spec = Spec.of(asset_type)
        return cls(
            name=name, asset_type=name, signals=spec.signals, counters=spec.counters, shares=spec.shares,
            events=spec.events, rolls_over_at=spec.rolls_over_at,
        )  # fmt: skip

    @classmethod
    def read(cls, content: bytes) -> Draft:
        """From a spec's file, or a hazard's card. Raises ModelError for what is neither, or contradicts itself."""
        try:
            raw = msgspec.json.decode(content)
            if isinstance(raw, dict) and "sha256" in raw:
                raw = {key: value for key, value in raw.items() if key in cls.__struct_fields__ and key != "modes"}
            elif isinstance(raw, dict) and (strange := sorted(set(raw) - set(cls.__struct_fields__))):
                raise ModelError(f"the spec has {', '.join(strange)}: it knows {', '.join(cls.__struct_fields__)}")
            out = msgspec.convert(raw, cls)
        except msgspec.MsgspecError as wrong:
            raise ModelError(f"this is no spec and no card: {wrong}") from wrong
        check(out.name, out.spec)
        return out

    @property
    def spec(self) -> Spec:
        """The list itself."""
        return Spec(self.signals, self.counters, self.expected, self.shares, self.events, self.rolls_over_at)

    @property
    def version(self) -> str:
        """Name and the beginning of the list's hash, as a backfill's plan tells it."""
        return f"{self.name}@features-{self.spec.sha256[:12]}"
