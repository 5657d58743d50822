"""Maximo by its API as far as that is published: ways in, the answer to a new request, merges; on a stub."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from connectors.delivery import SinkError
from models.delivery.outcomes import Delivered
from models.records import Advice, AlertReason, Move
from tests.kit import maximo_stub
from tests.kit.cmms_rigs import MaximoRig, notifications
from tests.kit.maximo_stub import id_of, number_of
from tests.kit.warned import alert, moved

FIRST = alert()
REFERENCE = f"FW{FIRST.id[:18].upper()}"


@pytest.fixture
def rig(tmp_path):
    with MaximoRig(tmp_path) as found:
        yield found


def test_a_request_has_the_attributes_of_the_template_and_asks_for_its_number(rig):
    rig.send(*notifications(FIRST))
    (post,) = rig.stub.writes()
    assert post.path == "/maximo/api/os/mxapisr" and post.query == {"lean": "1"}
    assert post.headers["apikey"] == maximo_stub.KEY and post.headers["properties"] == "*"
    assert post.body == {
        "description": f"pump-01: opened, warning, plan a check {REFERENCE}",
        "description_longdescription": rig.text(),
        "reportedpriority": 3,
        "assetnum": "000000000010000123",
    }


def test_the_reference_stays_whole_where_the_title_has_to_be_cut(rig):
    (told,) = notifications(FIRST)
    rig.send(replace(told, title="a word " * 40))
    description = rig.made()[0]["description"]
    assert len(description) <= 100 and description.endswith(f"… {REFERENCE}")
    assert isinstance(rig.send(told)[0], Delivered) and len(rig.made()) == 1


def test_a_number_that_the_answer_does_not_tell_is_asked_for_where_the_location_says(rig):
    rig.stub.is_quiet = True
    (outcome,) = rig.send(*notifications(FIRST))
    assert outcome.actions[0].order == "1173"
    assert rig.stub.asked[-1].path == "/maximo/api/os/mxapisr/_U1IvMTE3Mw--"


def test_the_stubs_ids_are_those_of_a_real_one():
    # `_U1IvMTE3Mw--` was read in a published example of Maximo's REST API; it is SR/1173.
    assert id_of("1173") == "_U1IvMTE3Mw--" and number_of("_U1IvMTE3Mw--") == "1173"


def test_a_change_is_a_merge_sent_to_our_address_and_to_none_that_an_answer_names(rig):
    rig.send(*notifications(FIRST, moved(FIRST, AlertReason.RAISED, advice=Advice.ACT_NOW)))
    change = rig.stub.writes()[-1]
    assert change.path == "/maximo/api/os/mxapisr/_U1IvMTE3Mw--"
    assert (change.headers["x-method-override"], change.headers["patchtype"]) == ("PATCH", "MERGE")
    assert change.body["reportedpriority"] == 1 and "description" not in change.body
    assert rig.made()[0]["description"].endswith(REFERENCE)


def test_a_user_and_password_go_by_the_older_way(rig):
    older = {"api_key_env": None, "user": maximo_stub.USER[0], "password_env": "PASS"}
    assert isinstance(rig.send(*notifications(FIRST), **older)[0], Delivered)
    (post,) = rig.stub.writes()
    assert post.path == "/maximo/oslc/os/mxapisr" and "apikey" not in post.headers and "maxauth" in post.headers


def test_another_request_of_the_number_that_a_person_gave_is_not_taken_for_ours(rig):
    rig.send(*notifications(FIRST))
    rig.in_process()
    other = replace(alert("pump-02"), order=rig.number())
    assert rig.look(other) == []
    assert rig.look(replace(FIRST, order='1" or "')) == []


def test_work_orders_made_of_it_are_told_with_their_status(rig):
    rig.send(*notifications(FIRST))
    rig.stub.orders_work(rig.number(), "W7")
    (action,) = rig.look(replace(FIRST, order=rig.number()))
    assert action.move is Move.COMMENT and action.why == "maximo 1173 is open; order W7 WAPPR"
    assert rig.look(replace(FIRST, order=rig.number()), workorders="") == []


def test_an_own_field_may_have_the_reference(rig, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        '[reference]\nfield = "owner"\nmatch = "equals"\n[create]\nowner = "{reference}"\ndescription = "{title}"\n'
    )
    (told,) = notifications(FIRST)
    rig.send(told, template=str(own))
    rig.send(told, template=str(own))
    assert [one["owner"] for one in rig.made()] == [REFERENCE]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"api_key_env": None}, "give one of both"),
        ({"user": "me", "password_env": "PASS"}, "give one of both"),
        ({"user": "me"}, "give both or neither"),
        ({"api_key_env": "NOPE"}, "NOPE, which is not in the environment"),
        ({"requests": "a/b"}, "requests"),
    ],
)
def test_who_we_are_is_asked_for_once(rig, config, said):
    with pytest.raises(SinkError, match=said):
        rig.open(**config)
