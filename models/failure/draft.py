"""The feature list of a model that is yet to be trained: written by a command, edited by people, and rows follow it.

A card of a trained model reads as one, so that another can be trained on the same rows.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from models.failure.hazard import check
from models.features import Spec
from models.inference import ModelError
from models.plant import AssetType


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A feature list with the name of its model. `modes` names what each component owns: signals, events."""

    name: str
    asset_type: str
    spec: Spec
    modes: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, name: str, type_name: str, asset_type: AssetType) -> Draft:
        """All that a type can be seen by; nothing is expected of a signal yet, and no component is named.

        Raises ModelError for a type that has no number to look at.
        """
        out = cls(name=name, asset_type=type_name, spec=Spec.of(asset_type))
        check(out.name, out.spec)
        return out

    @classmethod
    def read(cls, content: bytes) -> Draft:
        """From a spec's file, or a model's card. Raises ModelError for what is neither, or contradicts itself."""
        try:
            raw = msgspec.json.decode(content)
            if isinstance(raw, dict) and "sha256" in raw:
                listed = {key: raw[key] for key in Spec.__struct_fields__ if key in raw}
                raw = {"name": raw.get("name"), "asset_type": raw.get("asset_type"), "spec": listed}
            elif isinstance(raw, dict) and (strange := sorted({*raw.get("spec", ())} - {*Spec.__struct_fields__})):
                raise ModelError(f"spec has {', '.join(strange)}: it knows {', '.join(Spec.__struct_fields__)}")
            out = msgspec.convert(raw, cls)
        except msgspec.MsgspecError as wrong:
            raise ModelError(f"this is no spec and no card: {wrong}") from wrong
        check(out.name, out.spec)
        return out

    @property
    def content(self) -> bytes:
        """As a file for people to edit."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    @property
    def version(self) -> str:
        """Name and the beginning of the list's hash, as a backfill's plan tells it."""
        return f"{self.name}@features-{self.spec.sha256[:12]}"
