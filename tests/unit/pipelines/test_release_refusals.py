"""Each release that must not be taken is refused for its reason, by the steps that a worker takes with one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from connectors.releases import keys
from connectors.releases.registry import Registry
from models.release import Part, Refusal, Refused, decoded
from pipelines.releases.check import examine
from pipelines.releases.measure import Tried
from pipelines.releases.trial import lay, tried
from tests.kit.bad_releases import (
    CHAMPION_MADE_US,
    DEEP,
    TRUSTED,
    WANTED,
    Offer,
    bad_releases,
    deep_tree,
    good,
    offer_of,
    serve,
)

SAID = {
    Refusal.NO_MANIFEST: "the manifest cannot be read: .*plant",
    Refusal.UNSIGNED: "publish the release with a key that workers trust",
    Refusal.UNKNOWN_KEY: "signed by 'stranger', while this worker trusts 'plant'",
    Refusal.BAD_SIGNATURE: "not what the key 'plant' signed",
    Refusal.OLDER_THAN_CHAMPION: "roll back to it",
    Refusal.NOT_FETCHED: "cannot be fetched: FileNotFoundError",
    Refusal.NO_CARD: "an ONNX file and its card",
    Refusal.TOO_LARGE: "33,554,433 bytes, at most 33,554,432",
    Refusal.TRUNCATED: "ends after",
    Refusal.WRONG_HASH: "has the sha256",
    Refusal.NOT_ONNX: "the bytes are no ONNX file",
    Refusal.EXTERNAL_DATA: "external data: 1 tensors in other files",
    Refusal.CUSTOM_OPERATOR: "com.example.Div: not among those allowed",
    Refusal.OPSET_TOO_NEW: "ai.onnx 22, not 13 to 21",
    Refusal.BROKEN_LIMIT: "function: 1 functions of its own",
    Refusal.WRONG_INPUTS: "the graph goes from 'rows'",
    Refusal.WRONG_FEATURES: "train it with the champion's signals",
    Refusal.WRONG_CARD: "but the card says tiny@0000",
    Refusal.NOT_FINITE: "finite chances in 0 to 1 that never fall; the first has chances .nan",
    Refusal.VECTORS_FAIL: "come out 0.01 off here",
    Refusal.TOO_SLOW: "of processor time at the 99th percentile, 20 ms is allowed",
    Refusal.CRASHED: "ended by SIGSEGV",
}
OF_THE_WORKER = {Refusal.REPLAYED}
"""Told by the record that offers it."""


async def taken(offer: Offer, folder: Path) -> Tried:
    """As a worker does: who signed it, what it says, its files, their bytes, then a process of its own."""
    serve(offer, folder / "registry")
    assert keys.check(offer.manifest, offer.signatures, keys.public_keys(TRUSTED)) == "plant"
    manifest, registry = decoded(offer.manifest), Registry(str(folder / "registry"))
    files = {part: registry.get(file) for part, file in manifest.files.items()}
    examine(manifest, files, WANTED, CHAMPION_MADE_US)
    (folder / "trial").mkdir()
    lay(folder / "trial", files)
    return await tried(folder / "trial")


def test_a_good_release_is_taken(tmp_path) -> None:
    found = asyncio.run(taken(good(), tmp_path))
    assert found.rows > 256 and found.batch_mean_ms < 20.0 and 2**24 < found.memory_bytes < 2**30


def test_there_is_a_bad_release_for_each_reason() -> None:
    assert set(bad_releases()) == set(SAID) == set(Refusal) - OF_THE_WORKER


@pytest.mark.parametrize("reason", SAID, ids=lambda reason: reason.value)
def test_a_bad_release_is_refused_for_its_reason(reason: Refusal, tmp_path) -> None:
    with pytest.raises(Refused, match=SAID[reason]) as found:
        asyncio.run(taken(bad_releases()[reason](), tmp_path))
    assert found.value.reason is reason


def test_the_tree_that_crashes_is_fine_but_for_its_depth(tmp_path) -> None:
    """Nothing but the stack of a real process ends the trial: a shallow tree of the same making runs."""
    offer = bad_releases()[Refusal.CRASHED]()
    assert decoded(offer.manifest).files[Part.ONNX].size_bytes == len(deep_tree(DEEP)) < 2**22
    assert asyncio.run(taken(offer_of(deep_tree(50)), tmp_path)).rows > 256
