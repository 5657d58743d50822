"""Feature lists of models that are yet to be trained."""

from __future__ import annotations

import msgspec
import pytest

from models.failure.draft import Draft
from models.inference import ModelError
from models.plant import parse
from pipelines.settings import STARTER
from tests.kit import labelled


def test_a_draft_has_all_features_of_a_type_and_reads_as_it_was_written():
    draft = labelled.draft()
    assert draft.spec.names[:3] == ("heat.mean_1h", "heat.spread_1h", "heat.mean_24h")
    assert Draft.read(draft.content) == draft


def test_a_card_reads_as_the_list_of_its_model():
    card = (STARTER / "pump.json").read_bytes()
    draft = Draft.read(card)
    assert draft.spec.sha256 == msgspec.json.decode(card)["features_sha256"]
    assert (draft.name, draft.asset_type, draft.modes) == ("pump", "pump", {})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mode": {}}, "unknown field `mode`"),
        ({"spec": {"signals": ["heat"], "event": ["trip"]}}, "spec has event: it knows signals"),
        ({"spec": {"signals": ["heat", "heat"]}}, "each once"),
        ({"spec": {}}, "signals"),
    ],
    ids=["field", "part", "twice", "nothing"],
)
def test_a_file_that_contradicts_itself_is_refused_with_what_is_wrong(change, words):
    raw = msgspec.json.decode(labelled.draft().content) | change
    with pytest.raises(ModelError, match=words):
        Draft.read(msgspec.json.encode(raw))


@pytest.mark.parametrize("content", [b"signals = 1", b"[]", b'{"a": 1}'])
def test_what_is_no_list_is_refused(content):
    with pytest.raises(ModelError, match="no spec and no card"):
        Draft.read(content)


def test_a_type_without_a_number_has_nothing_to_look_at():
    plant = parse('plant = "p"\n[types.note.signals.said]\nkind = "text"\n[assets.a]\ntype = "note"\n')
    with pytest.raises(ModelError, match="signals and what else is told must be some"):
        Draft.of("note", "note", plant.types["note"])
