"""From a model's files to a release on the topic: its manifest made or checked, its files put away, then the offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from msgspec import Raw

from models.records import Release, decode
from models.release import Channel, File, Part, Refusal, Refused, Signature, decoded
from pipelines.releases.check import Wanted, examine, manifest_of
from pipelines.releases.moves import ReleaseError, Who
from pipelines.releases.offices import Offices

Sign = Callable[[bytes], tuple[Signature, ...]]
"""Signatures of a manifest's bytes; none where nobody signs."""


class Keeper(Protocol):
    """Where releases' files are kept."""

    def put(self, content: bytes) -> File:
        """Keep a file; one that is there already stays."""
        ...


def made(plant: str, files: Mapping[Part, bytes], made_us: int, licence: str, sign: Sign) -> Release:
    """The record that offers files. Raises Refused where workers would not take them."""
    manifest = manifest_of(plant, files, made_us, licence)
    content = manifest.encoded()
    return Release(
        plant=plant, name=manifest.name, version=manifest.version, manifest=Raw(content), signatures=sign(content)
    )


def record_of(content: bytes) -> Release:
    """A record that was signed elsewhere, from its bytes. Raises Refused."""
    try:
        found = decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused(Refusal.NO_MANIFEST, f"no signed release: {wrong}: `forewarn model sign` makes one") from wrong
    if not isinstance(found, Release):
        raise Refused(Refusal.NO_MANIFEST, f"a {type(found).__name__}, and no signed release")
    return found


def checked(release: Release, files: Mapping[Part, bytes], plant: str) -> Release:
    """A record that somebody made elsewhere, if it is of these files and this plant. Raises Refused."""
    manifest = decoded(bytes(release.manifest))
    if (manifest.name, manifest.version) != (release.name, release.version) or {plant} != {
        manifest.plant,
        release.plant,
    }:
        raise Refused(
            Refusal.REPLAYED,
            f"it was made for {manifest.version} of plant '{manifest.plant}', and says {release.version} of plant "
            f"'{release.plant}'; here is '{plant}'",
        )
    if files.keys() != manifest.files.keys():
        raise Refused(Refusal.NOT_FETCHED, f"the manifest has {sorted(manifest.files)}, sent were {sorted(files)}")
    examine(manifest, files, Wanted(manifest.kind))
    return release


def published(
    offices: Offices, keeper: Keeper, release: Release, files: Mapping[Part, bytes], channel: Channel, who: Who
) -> list[str]:
    """Put the files away, offer the release and wait for what workers say. Raises ReleaseError, and as `keeper` does.

    Lines for people are given of what came of it.
    """
    offices.check_offer(release)
    manifest = decoded(bytes(release.manifest))
    for part, content in files.items():
        if keeper.put(content) != manifest.files[part]:
            raise ReleaseError(f"the {part} file is not that of the manifest: publish the files that belong together")
    return offices.offer(release, channel, who)
