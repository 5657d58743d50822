"""Moves that meet others, that are broken off, and what is on the topic whoever put it there."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from connectors.releases import keys
from models.records import Appointment, encode
from models.release import Role
from pipelines.releases.board import key_of
from pipelines.releases.moves import ReleaseError, Who
from pipelines.releases.publish import made
from tests.kit import releasing
from tests.unit.connectors.console.test_models import A, B, states, upload

WHO = Who("A. Person", "a test")


def offer(api, *slopes: float) -> None:
    for slope in slopes:
        assert api.post("releases", data={"channel": "spare"}, **upload(slope)).status_code == 201


def test_a_release_whose_manifest_cannot_be_read_hides_no_other_and_can_be_withdrawn(api):
    offer(api, 0.5)
    api.log.send([replace(releasing.release(0.8), manifest=Raw(b"{}"))])
    assert set(states(api)) == {A, B}
    assert "withdraw it first" in api.post("releases", **upload(0.8)).json()["detail"]
    assert api.post(f"releases/{B}/withdraw", {}).status_code == 200
    offer(api, 0.8)


def test_freeze_leaves_the_release_that_a_type_stays_with(api):
    offer(api, 0.5, 0.8)
    api.post("promote", {"version": A})
    api.post("types/pump/pin", {"version": B})
    assert "nothing was changed" in api.post("types/pump/freeze", {}).json()["detail"]
    assert api.get("releases").json()["appointed"]["tiny/pin/pump"]["version"] == B


def test_freeze_goes_on_where_one_of_a_type_s_models_is_kept_already_and_tells_of_files(api):
    offer(api, 0.5)
    api.post("promote", {"version": A})
    assert "'tiny.health' the folder's files are meant" in api.post("types/lathe/freeze", {}).json()["done"][-1]
    health = replace(releasing.release(0.8), name="tiny.health", version="tiny.health@1")
    api.log.send([health, replace(releasing.champion("tiny.health@1", 1), name="tiny.health")])
    assert api.post("types/lathe/freeze", {}).json()["done"] == [
        "type 'lathe' stays with tiny.health@1 on all 2 partitions"
    ]


def test_why_a_release_was_refused_is_nothing_of_the_one_that_is_offered_in_its_place(api):
    api.workers.refuse = {A: "unsigned: no signature"}
    assert api.post("releases", **upload(0.5)).status_code == 409
    api.workers.refuse = {}
    pem, _ = keys.new_key("team")
    signed = made("tiny", releasing.files(0.5), 5, "", lambda of: (keys.sign(keys.load_private(pem), "team", of),))
    found = api.post("releases", **upload(0.5, signed=encode(signed)))
    assert found.status_code == 201 and states(api) == {A: "shadow"}
    unsigned = api.post("releases", **upload(0.5))
    assert unsigned.status_code == 409 and "signed by team" in unsigned.json()["detail"]


def test_a_signed_record_of_another_plant_is_not_put_on_the_topic(api):
    other = replace(releasing.release(0.5), plant="other")
    found = api.post("releases", **upload(0.5, signed=encode(other)))
    assert (found.status_code, found.json()["reason"]) == (422, "replayed")
    assert not api.log.pairs


def test_what_was_rolled_back_can_be_withdrawn(api):
    offer(api, 0.5, 0.8)
    for version in (A, B):
        api.post("promote", {"version": version})
    api.post("names/tiny/rollback", {})
    assert api.post(f"releases/{B}/withdraw", {"why": "wrong data"}).status_code == 200
    assert states(api) == {A: "champion"}


def test_a_release_that_gets_an_office_while_it_is_withdrawn_stays(api):
    offer(api, 0.5)
    withdraw = api.log.withdraw

    def meanwhile(release):
        api.log.send([releasing.champion(A, 1)])
        withdraw(release)

    api.log.withdraw = meanwhile
    assert api.post(f"releases/{A}/withdraw", {}).status_code == 409
    assert states(api) == {A: "champion"}


@pytest.mark.parametrize("late", [False, True])
def test_a_release_that_is_withdrawn_while_it_is_promoted_is_not_lost(api, late):
    offer(api, 0.5)
    gone = key_of(releasing.release(0.5)), None
    wait, send = api.log.wait, api.log.send

    def waited(done, patience_s):
        out = wait(done, patience_s)
        if not late:
            api.log.pairs.append(gone)
            out = api.log.now()
        return out

    def sent(records):
        if late and isinstance(records[0], Appointment):
            api.log.pairs.append(gone)
        send(records)

    api.log.wait, api.log.send = waited, sent
    assert api.post("promote", {"version": A}).status_code == (200 if late else 409)
    assert states(api) == ({A: "champion"} if late else {})


def test_a_move_that_nobody_waits_for_any_more_is_on_the_audit(api):
    offer(api, 0.5)
    models, wait = api.app.state.models, api.log.wait

    def broken_off(done, patience_s):
        if api.log.now().version_of("tiny", Role.CHAMPION):
            raise KeyboardInterrupt
        return wait(done, patience_s)

    api.log.wait = broken_off
    with pytest.raises(KeyboardInterrupt):
        models.promote(A, WHO)
    assert [one.version for one in api.log.audited if isinstance(one, Appointment)] == [A]


def test_a_promotion_that_came_half_way_is_ended_by_asking_again(api):
    assert api.post("releases", **upload(0.5)).status_code == 201
    answer = api.log._answer
    api.log._answer = lambda board: () if board.version_of("tiny", Role.CHAMPION) else answer(board)
    with pytest.raises(ReleaseError, match="have not met it"):
        api.app.state.models.promote(A, WHO)
    api.log._answer = answer
    assert api.post("promote", {"version": A}).json()["done"] == ["no release runs beside 'tiny' on all 2 partitions"]
    assert api.post("promote", {"version": A}).status_code == 409
