"""Releases judged by their bytes: whether files, card and manifest agree, and break no limit. Nothing is loaded here.

Pure: bytes in, a Refused or nothing out. What a runtime makes of the file is for `trial` to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from models import onnx_file, onnx_limits
from models.contracts import AnyCard, check_outputs, kind_of, outputs_of
from models.failure import hazard
from models.failure.learned import card_of
from models.features import Spec
from models.figures import card as figures
from models.inference import INPUT, ModelError
from models.onnx_file import FLOAT, Contents, End
from models.onnx_limits import MOST_BYTES, OPSETS, Broken, Limit
from models.records import HORIZONS_H
from models.release import File, Kind, Manifest, Part, Refusal, Refused, verified, version_of

REASONS = {
    Limit.EXTERNAL_DATA: Refusal.EXTERNAL_DATA,
    Limit.OPERATOR: Refusal.CUSTOM_OPERATOR,
    Limit.OPSET: Refusal.OPSET_TOO_NEW,
    Limit.SIZE: Refusal.TOO_LARGE,
    Limit.NODES: Refusal.TOO_LARGE,
}
"""Of broken limits; where several are, the first of these is the reason. All others are BROKEN_LIMIT."""
DO = "publish the release anew, of the files that were exported together"


class Features(NamedTuple):
    """What a card's model looks at: the hash of the list, and how many."""

    sha256: str
    width: int


class Wanted(NamedTuple):
    """What a release must be to take the champion's place: its kind and, where it is fed by a stage, its features."""

    kind: Kind
    features_sha256: str | None = None


def examine(
    manifest: Manifest, files: Mapping[Part, bytes], wanted: Wanted, champion_made_us: int | None = None
) -> None:
    """Raise Refused with the first thing that is wrong."""
    _age(manifest, champion_made_us)
    if manifest.kind is not wanted.kind:
        _refuse(Refusal.WRONG_INPUTS, f"it is a {manifest.kind} model, asked for is one of {wanted.kind}")
    _files(manifest, files)
    found = _contents(files[Part.ONNX])
    _limits(found)
    if found.opsets != manifest.opsets:
        _refuse(
            Refusal.BROKEN_LIMIT, f"the file is of opsets {found.opsets}, the manifest says {manifest.opsets}: {DO}"
        )
    card = _card(files[Part.CARD])
    features = _features(card)
    _same_card(card, features, manifest)
    if wanted.features_sha256 not in (None, manifest.features_sha256):
        _refuse(
            Refusal.WRONG_FEATURES,
            f"it looks at features {manifest.features_sha256[:12]}, the champion at {wanted.features_sha256[:12]}: "
            "train it with the champion's signals and groups, or change both with a restart of workers",
        )
    _ends(found, manifest, features.width, outputs_of(card))


def manifest_of(plant: str, files: Mapping[Part, bytes], made_us: int, licence: str = "") -> Manifest:
    """The manifest of a model's files for a plant. Raises Refused where workers would not take them."""
    onnx, told = files[Part.ONNX], _card(files[Part.CARD])
    made = Manifest(
        plant=plant,
        name=told.name,
        version=version_of(told.name, File.of(onnx).sha256),
        kind=kind_of(told),
        made_us=made_us,
        files={part: File.of(content) for part, content in files.items()},
        features_sha256=told.features_sha256,
        features=_features(told).width,
        outputs=outputs_of(told),
        opsets=_contents(onnx).opsets,
        licence=licence,
    )
    examine(made, files, Wanted(made.kind))
    return made


def _age(manifest: Manifest, champion_made_us: int | None) -> None:
    if champion_made_us is not None and manifest.made_us < champion_made_us:
        _refuse(
            Refusal.OLDER_THAN_CHAMPION,
            f"it was made {(champion_made_us - manifest.made_us) / 1e6:,.0f} s before the champion: roll back to it, "
            "or publish it anew",
        )


def _files(manifest: Manifest, files: Mapping[Part, bytes]) -> None:
    """Each file of the manifest is here and as it says."""
    if not {Part.ONNX, Part.CARD} <= manifest.files.keys():
        _refuse(Refusal.NO_CARD, f"a release is an ONNX file and its card, here are {sorted(manifest.files)}: {DO}")
    for part, file in manifest.files.items():
        if file.size_bytes > MOST_BYTES:
            _refuse(Refusal.TOO_LARGE, f"its {part} file is to have {file.size_bytes:,} bytes, at most {MOST_BYTES:,}")
        if part not in files:
            _refuse(Refusal.NOT_FETCHED, f"its {part} file is not here")
        verified(files[part], file, f"its {part} file")


def _contents(onnx: bytes) -> Contents:
    try:
        return onnx_file.read(onnx)
    except ModelError as wrong:
        raise Refused(Refusal.NOT_ONNX, f"{wrong}: {DO}") from wrong


def _limits(found: Contents) -> None:
    if broken := onnx_limits.broken(found):
        reason = next((why for limit, why in REASONS.items() if limit in {one.reason for one in broken}), None)
        if reason is Refusal.OPSET_TOO_NEW and not _too_new(found):
            reason = None
        _refuse(reason or Refusal.BROKEN_LIMIT, _told(broken))


def _told(broken: tuple[Broken, ...]) -> str:
    return f"{'; '.join(f'{one.reason}: {one.detail}' for one in broken)}: export the model anew within these limits"


def _too_new(found: Contents) -> bool:
    return any(found.opsets.get(domain, 0) >= allowed.stop for domain, allowed in OPSETS.items())


def _card(card: bytes) -> AnyCard:
    try:
        return card_of(card)
    except ModelError as wrong:
        raise Refused(Refusal.NO_CARD, f"{wrong}: {DO}") from wrong


def _features(card: AnyCard) -> Features:
    """What a card that does not contradict itself looks at."""
    try:
        if isinstance(card, figures.FigureCard):
            figures.check(card)
            check_outputs(card)
            return Features(figures.sha256_of(card.inputs), len(card.inputs))
        spec = Spec.of_card(card)
        hazard.check(card.name, spec)
    except ModelError as wrong:
        raise Refused(Refusal.WRONG_CARD, f"{wrong}: {DO}") from wrong
    return Features(spec.sha256, len(spec.names))


def _same_card(card: AnyCard, features: Features, manifest: Manifest) -> None:
    """The card is of this file, and says what the manifest says."""
    cases = manifest.files.get(Part.CASES)
    asked = {
        "kind": (kind_of(card), manifest.kind),
        "name": (card.name, manifest.name),
        "version": (card.version, manifest.version),
        "file's sha256": (card.sha256, manifest.files[Part.ONNX].sha256),
        "past cases' sha256": (getattr(card, "cases_sha256", ""), cases.sha256 if cases else ""),
        "features' sha256": (card.features_sha256, manifest.features_sha256),
        "features' sha256 here": (card.features_sha256, features.sha256),
        "horizons": (getattr(card, "horizons_h", HORIZONS_H), HORIZONS_H),
    }
    for what, (said, is_) in asked.items():
        if said != is_:
            _refuse(Refusal.WRONG_CARD, f"the {what} is {is_ or 'none'}, but the card says {said or 'none'}: {DO}")


def _ends(found: Contents, manifest: Manifest, features: int, outputs: Mapping[str, int]) -> None:
    """What the graph takes and gives is what the manifest and the card say."""
    wanted = [(INPUT, manifest.features)], list(manifest.outputs.items())
    if wanted != ([(INPUT, features)], list(outputs.items())):
        _refuse(
            Refusal.WRONG_INPUTS,
            f"the manifest has {_listed(wanted)}, the card {features} features to {dict(outputs)}: {DO}",
        )
    graph = [_width(end) for end in found.inputs], [_width(end) for end in found.outputs]
    if graph != wanted:
        _refuse(
            Refusal.WRONG_INPUTS,
            f"the graph goes from {_shapes(found.inputs)} to {_shapes(found.outputs)}, the manifest has "
            f"{_listed(wanted)} of float32 [any number of rows, these]: export the model anew",
        )


def _width(end: End) -> tuple[str, int | None]:
    """Name and width of float32 [any number of rows, a fixed number], None for what is another."""
    fits = end.kind == FLOAT and len(end.shape) == 2 and end.shape[0] is None
    return end.name, end.shape[1] if fits else None


def _listed(ends: tuple[list[tuple[str, int]], list[tuple[str, int]]]) -> str:
    return " to ".join(", ".join(f"'{name}' {width}" for name, width in side) for side in ends)


def _shapes(ends: list[End]) -> str:
    return ", ".join(f"'{end.name}' {['any' if size is None else size for size in end.shape]}" for end in ends)


def _refuse(reason: Refusal, detail: str) -> NoReturn:
    raise Refused(reason, detail)
