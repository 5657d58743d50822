"""A release of a model: what it says of itself, why it may be refused, and which moves it makes.

Pure: who fetches files, tries them and tells workers is elsewhere. A release is known by its version, the name and the
beginning of its ONNX file's hash, as forecasts carry it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, Struct

MOST_MANIFEST_BYTES = 64 * 1024
"""A manifest of ours has under 4 KiB. Our choice."""


class Kind(StrEnum):
    """Which output contract a release meets: see `models.contracts`."""

    FAILURE = "failure"
    HEALTH = "health"
    ANOMALY = "anomaly"
    ENERGY = "energy"
    DEFECT = "defect"


class Channel(StrEnum):
    """What is to come of a release that is published: run beside the champion, or lie ready."""

    CANDIDATE = "candidate"
    SPARE = "spare"


class Part(StrEnum):
    """A file of a release."""

    ONNX = "onnx"
    CARD = "card"
    CASES = "cases"


class File(Struct, frozen=True):
    """A file by its content."""

    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    size_bytes: Annotated[int, Meta(ge=0)]

    @classmethod
    def of(cls, content: bytes) -> File:
        """Of what a file holds."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))


class Signature(Struct, frozen=True):
    """Who signed a manifest, by the name of the key, and the signature in base64."""

    key: str
    value: str


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed: which files a release is, and what they must be. What a card says stands in the card.

    `plant` is where it may be used, `name` that by which asset types name the model; `made_us` is when it was made to
    be published, and orders releases of a name. `licence` is an SPDX expression, empty for none.
    """

    plant: str
    name: str
    version: str
    kind: Kind
    made_us: int
    files: dict[Part, File]
    features_sha256: str
    features: int
    outputs: dict[str, int]
    opsets: dict[str, int]
    licence: str = ""

    def encoded(self) -> bytes:
        """The bytes that are signed."""
        return msgspec.json.encode(self)


class Refusal(StrEnum):
    """Why a release is not taken; the champion serves on."""

    NO_MANIFEST = "no-manifest"
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown-key"
    BAD_SIGNATURE = "bad-signature"
    OLDER_THAN_CHAMPION = "older-than-champion"
    REPLAYED = "replayed"
    NOT_FETCHED = "not-fetched"
    NO_CARD = "no-card"
    TOO_LARGE = "too-large"
    TRUNCATED = "truncated"
    WRONG_HASH = "wrong-hash"
    NOT_ONNX = "not-onnx"
    EXTERNAL_DATA = "external-data"
    CUSTOM_OPERATOR = "custom-operator"
    OPSET_TOO_NEW = "opset-too-new"
    BROKEN_LIMIT = "broken-limit"
    WRONG_INPUTS = "wrong-inputs"
    WRONG_FEATURES = "wrong-features"
    WRONG_CARD = "wrong-card"
    NOT_FINITE = "not-finite"
    VECTORS_FAIL = "vectors-fail"
    TOO_SLOW = "too-slow"
    CRASHED = "crashed"


class Refused(ValueError):
    """A release is not taken; `reason` says why, the message with what was found."""

    def __init__(self, reason: Refusal, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class State(StrEnum):
    """Where a release is."""

    OFFERED = "offered"
    FETCHED = "fetched"
    CHECKED = "checked"
    SHADOW = "shadow"
    CHAMPION = "champion"
    RETIRED = "retired"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Role(StrEnum):
    """What a release does: what is said of machines is the champion's; a shadow says beside it what it would say.

    An asset type with a pin stays with that release, whatever its model's name means.
    """

    CHAMPION = "champion"
    SHADOW = "shadow"
    PIN = "pin"


def office(name: str, role: Role, asset_type: str = "") -> str:
    """What a release of a name is appointed to: a name alone is its champion's; a pin is of an asset type."""
    if role is Role.CHAMPION:
        return name
    return f"{name}/{role}/{asset_type}" if role is Role.PIN else f"{name}/{role}"


class Cause(StrEnum):
    """Why a release moves."""

    FILES_HERE = "files-here"
    PASSED = "passed"
    FAILED = "failed"
    SHADOWS = "shadows"
    PINNED = "pinned"
    UNPINNED = "unpinned"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled-back"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class Move(NamedTuple):
    """One line of the table."""

    begin: State
    cause: Cause
    to: State


MOVES = (
    Move(State.OFFERED, Cause.FILES_HERE, State.FETCHED),
    Move(State.OFFERED, Cause.FAILED, State.REFUSED),
    Move(State.FETCHED, Cause.PASSED, State.CHECKED),
    Move(State.FETCHED, Cause.FAILED, State.REFUSED),
    Move(State.CHECKED, Cause.SHADOWS, State.SHADOW),
    Move(State.CHECKED, Cause.PROMOTED, State.CHAMPION),
    Move(State.SHADOW, Cause.PROMOTED, State.CHAMPION),
    Move(State.SHADOW, Cause.ROLLED_BACK, State.CHAMPION),
    Move(State.SHADOW, Cause.REPLACED, State.CHECKED),
    Move(State.CHAMPION, Cause.REPLACED, State.RETIRED),
    Move(State.CHAMPION, Cause.ROLLED_BACK, State.RETIRED),
    Move(State.RETIRED, Cause.SHADOWS, State.SHADOW),
    Move(State.RETIRED, Cause.PROMOTED, State.CHAMPION),
    Move(State.RETIRED, Cause.ROLLED_BACK, State.CHAMPION),
    Move(State.OFFERED, Cause.WITHDRAWN, State.WITHDRAWN),
    Move(State.CHECKED, Cause.WITHDRAWN, State.WITHDRAWN),
    Move(State.REFUSED, Cause.WITHDRAWN, State.WITHDRAWN),
    Move(State.RETIRED, Cause.WITHDRAWN, State.WITHDRAWN),
)
"""All moves; anything else is a fault of whoever moves it."""

_TO: Mapping[tuple[State, Cause], State] = {(move.begin, move.cause): move.to for move in MOVES}


def moved(state: State, cause: Cause) -> State:
    """Where a release goes. Raises KeyError for a move that is not in the table."""
    return _TO[state, cause]


def decoded(manifest: bytes) -> Manifest:
    """A manifest from its bytes. Raises Refused."""
    if len(manifest) > MOST_MANIFEST_BYTES:
        raise Refused(Refusal.NO_MANIFEST, f"{len(manifest):,} bytes, at most {MOST_MANIFEST_BYTES:,}")
    try:
        found = msgspec.json.decode(manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused(Refusal.NO_MANIFEST, f"the manifest cannot be read: {wrong}") from wrong
    if Part.ONNX not in found.files or Part.CARD not in found.files:
        raise Refused(Refusal.NO_CARD, f"a release is an ONNX file and its card, here are {sorted(found.files)}")
    if found.version != version_of(found.name, found.files[Part.ONNX].sha256):
        raise Refused(Refusal.WRONG_HASH, f"version '{found.version}' is not that of its ONNX file")
    return found


def verified(content: bytes, file: File, where: str) -> bytes:
    """The content, where it is that of the file. Raises Refused, which names `where` it lies."""
    if len(content) > file.size_bytes:
        raise Refused(Refusal.TOO_LARGE, f"{where} holds more than the {file.size_bytes:,} bytes that are stated")
    if len(content) < file.size_bytes:
        raise Refused(Refusal.TRUNCATED, f"{where} ends after {len(content):,} of {file.size_bytes:,} bytes")
    if (found := File.of(content).sha256) != file.sha256:
        raise Refused(Refusal.WRONG_HASH, f"{where} has the sha256 {found}, stated is {file.sha256}")
    return content


def version_of(name: str, sha256: str) -> str:
    """Name and the beginning of a file's hash, as cards have it."""
    return f"{name}@{sha256[:12]}"
