"""Releases by HTTP: what the commands do, by callers whose keys allow it."""

from __future__ import annotations

import pytest

from connectors.console.keys import Role
from connectors.console.limit import BodyLimit
from connectors.releases import keys
from models.records import ReleaseMove, encode
from models.release import Part
from pipelines.releases.publish import made
from tests.kit import releasing
from tests.unit.connectors.console.conftest import NORTH

A, B = (releasing.release(slope).version for slope in (0.5, 0.8))


def upload(slope: float, **more: bytes) -> dict[str, object]:
    files = releasing.files(slope)
    return {"files": {"onnx": files[Part.ONNX], "card": files[Part.CARD], **more}}


def states(api) -> dict[str, str]:
    return {one["version"]: one["state"] for one in api.get("releases").json()["releases"]}


def test_a_model_is_published_promoted_and_rolled_back_and_the_audit_names_the_key(api):
    assert api.post("releases", **upload(0.5)).status_code == 201
    assert states(api) == {A: "shadow"}
    assert api.post("promote", {"version": A, "why": "better"}).json() == {
        "done": [f"'tiny' means {A} on all 2 partitions", "no release runs beside 'tiny' on all 2 partitions"]
    }
    assert api.post("releases", data={"channel": "spare"}, **upload(0.8)).status_code == 201
    assert states(api) == {A: "champion", B: "checked"}
    api.post("promote", {"version": B})
    assert states(api) == {A: "retired", B: "champion"}
    assert api.post("names/tiny/rollback", {"why": "worse"}).json()["done"] == [f"'tiny' means {A} on all 2 partitions"]
    moves = [(one.version, str(one.to), one.by) for one in api.log.audited if isinstance(one, ReleaseMove)]
    assert moves[-2:] == [(A, "champion", "a engineer"), (B, "retired", "a engineer")]


def test_what_the_name_means_already_as_the_folder_s_file_is_offered_and_runs_beside_nothing(api):
    api.in_folder = A
    assert "means already" in api.post("releases", **upload(0.5)).json()["done"][-1]
    assert states(api) == {A: "checked"}


def test_a_type_is_pinned_frozen_and_let_go(api):
    api.post("releases", **upload(0.5))
    assert api.post("types/pump/pin", {"version": A}).json()["done"] == [
        f"type 'pump' stays with {A} on all 2 partitions"
    ]
    assert api.post("types/pump/unpin", {}).status_code == 200
    assert api.post("types/pump/unpin", {}).status_code == 409
    api.post("promote", {"version": A})
    assert api.post("types/pump/freeze", {"why": "audit"}).status_code == 200
    assert api.get("releases").json()["appointed"]["tiny/pin/pump"]["why"] == "audit"


def test_what_does_nothing_is_withdrawn_and_what_has_an_office_stays(api):
    api.post("releases", **upload(0.5))
    assert "runs beside" in api.post(f"releases/{A}/withdraw", {}).json()["detail"]
    api.post("names/tiny/end-shadow", {})
    api.post("promote", {"version": A})
    api.post("releases", data={"channel": "spare"}, **upload(0.8))
    api.post("promote", {"version": B})
    held = api.post(f"releases/{A}/withdraw", {"why": "wrong data"})
    assert held.status_code == 409 and "way back" in held.json()["detail"]
    api.post("names/tiny/rollback", {})
    api.post("promote", {"version": "tiny"})
    assert api.post(f"releases/{B}/withdraw", {"why": "wrong data"}).status_code == 200
    assert api.get(f"releases/{B}").status_code == 404
    last = api.log.audited[-1]
    assert (last.version, str(last.to), last.why) == (B, "withdrawn", "wrong data")


def test_a_signed_release_is_published_with_its_signature_and_only_with_its_files(api, tmp_path):
    pem, _ = keys.new_key("team")
    private = keys.load_private(pem)
    signed = made("tiny", releasing.files(0.5), 5, "MIT", lambda content: (keys.sign(private, "team", content),))
    assert api.post("releases", **upload(0.8, signed=encode(signed))).json()["reason"] == "wrong-hash"
    assert api.post("releases", **upload(0.5, signed=encode(signed))).status_code == 201
    (told,) = api.get("releases").json()["releases"]
    assert (told["signed_by"], told["licence"], told["made_us"]) == (["team"], "MIT", 5)


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"files": {"onnx": b"\0", "card": b"{}"}}, 422, "reason"),
        ({"files": {"onnx": b""}}, 422, "card"),
        (upload(0.5, signed=b"{"), 422, "forewarn model sign"),
        (upload(0.5, signed=encode(releasing.champion(A, 1))), 422, "an Appointment|a Appointment"),
    ],
)
def test_rubbish_is_refused_with_what_is_wrong(api, more, status, said):
    found = api.post("releases", **more)
    assert found.status_code == status
    assert any(one in found.text for one in said.split("|"))
    assert not api.log.pairs


def test_what_workers_refuse_is_told_and_cannot_be_promoted(api):
    api.workers.refuse = {A: "too-slow: 40 ms"}
    found = api.post("releases", **upload(0.5))
    assert found.status_code == 409 and "too-slow: 40 ms" in found.json()["detail"]
    assert api.post("promote", {"version": A}).status_code == 409
    assert api.get(f"releases/{A}").json()["state"] == "refused"


def test_a_release_that_no_worker_has_loaded_waits_and_cannot_be_promoted(api):
    api.workers.away = True
    assert "no word from the workers of partitions 0, 1" in api.post("releases", **upload(0.5)).json()["done"][0]
    assert "is not loaded" in api.post("promote", {"version": A}).json()["detail"]


READS = [("GET", path) for path in ("releases", f"releases/{A}", "names/tiny/compare")]
MOVES = [
    ("POST", path)
    for path in (
        "releases", f"releases/{A}/withdraw", "promote", "names/tiny/rollback", "names/tiny/end-shadow",
        "types/pump/pin", "types/pump/freeze", "types/pump/unpin",
    )
]  # fmt: skip


def test_every_way_in_is_in_these_tests(api):
    paths = api.app.openapi()["paths"]
    found = {(method, path) for path, of in paths.items() for method in of if path.startswith("/api/v1/models/")}
    assert len(found) == len(READS) + len(MOVES)


@pytest.mark.parametrize(("method", "path"), READS + MOVES)
@pytest.mark.parametrize("role", [None, *Role])
def test_only_whose_role_covers_it_gets_through(api, method, path, role):
    found = api.client.request(method, f"/api/v1/models/{path}", headers=api.headers(role))
    if role is None:
        assert found.status_code == 401 and found.headers["www-authenticate"] == "Bearer"
    elif (method, path) in MOVES and role in (Role.VIEWER, Role.OPERATOR):
        assert found.status_code == 403
    else:
        assert found.status_code not in (401, 403)
    assert not api.log.pairs


@pytest.mark.parametrize(("method", "path"), READS + MOVES)
def test_models_are_of_the_whole_plant_and_so_for_nobody_of_some_sites(api, method, path):
    found = api.client.request(method, f"/api/v1/models/{path}", headers=api.headers(NORTH))
    assert found.status_code == 403
    assert found.json()["detail"] == "'kim' is of some sites (north), this is of the whole plant: ask for a key of all"


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer fw_" + "A" * 43])
def test_a_key_that_is_none_opens_nothing(api, given):
    assert api.client.get("/api/v1/models/releases", headers={"Authorization": given}).status_code == 401


def test_a_fault_of_the_world_is_told_as_one_and_one_of_ours_is_not_shown(api, monkeypatch):
    from connectors.kafka.clients import KafkaUnreachable

    def away():
        raise KafkaUnreachable("no Kafka at 127.0.0.1:1")

    api.log.now = away
    found = api.get("releases")
    assert (found.status_code, found.json()["detail"]) == (503, "no Kafka at 127.0.0.1:1")
    api.log.now = lambda: 1 / 0
    assert api.get("releases").status_code == 500 and "division" not in api.get("releases").text


@pytest.mark.parametrize("stated", [True, False])
def test_a_body_longer_than_allowed_is_not_read(api, stated):
    from fastapi.testclient import TestClient

    def pieces():
        for _ in range(100):
            yield b"x" * 1000

    client = TestClient(BodyLimit(api.app, 5_000))
    content = b"x" * 100_000 if stated else pieces()
    found = client.post("/api/v1/models/promote", headers=api.headers(Role.ENGINEER), content=content)
    assert found.status_code == 413
