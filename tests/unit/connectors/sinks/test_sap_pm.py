"""SAP PM by its API as published: tokens and sessions, ETags, fields and wire forms. The stub is no SAP system."""

from __future__ import annotations

import pytest

from connectors.delivery import SinkError
from models.delivery.outcomes import Delivered, Failed, Refused
from models.records import Advice, AlertReason, CloseReason, Move
from tests.kit.cmms_rigs import SapRig, items, notifications
from tests.kit.warned import alert, moved

FIRST = alert()
WORSE = moved(FIRST, AlertReason.RAISED, advice=Advice.ACT_NOW)


@pytest.fixture
def rig(tmp_path):
    with SapRig(tmp_path) as found:
        yield found


def test_a_notification_has_the_fields_of_the_template(rig):
    rig.send(*notifications(FIRST))
    (post,) = rig.stub.writes()
    assert post.body == {
        "NotificationType": "M1",
        "NotificationText": "pump-01: opened, warning, plan a check",
        "MaintPriority": "3",
        "TechnicalObject": "000000000010000123",
        "TechObjIsEquipOrFuncnlLoc": "EAMS_EQUI",
        "MaintNotifExtReferenceNumber": f"FW{FIRST.id[:18].upper()}",
        "MaintNotifLongTextForEdit": rig.text(),
    }
    assert len(post.body["MaintNotifExtReferenceNumber"]) == 20


def test_a_machine_may_be_a_functional_location(rig):
    rig.send(*notifications(alert("pump-02")))
    body = rig.stub.writes()[0].body
    assert (body["TechnicalObject"], body["TechObjIsEquipOrFuncnlLoc"]) == ("QUAY-PST-02", "EAMS_FL")


def test_a_plants_own_template_and_fields_of_one_machine_go_over_the_shipped_one(rig, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        '[create]\nNotificationType = "Z1"\nMalfunctionStartDate = "{opened}"\nMalfunctionStartTime = "{opened}"\n'
        'RequiredEndDate = "{act_before}"\nMaintenanceObjectIsDown = false\nMaintPriority = ""\n'
    )
    rig.objects.write_text('[assets.pump-01]\nequipment = "1"\nfields = { MainWorkCenter = "PUMPS" }\n')
    rig.send(*notifications(alert(opened_h=23.5)), template=str(own), zone="Europe/Brussels")
    body = rig.stub.writes()[0].body
    assert (body["NotificationType"], body["MainWorkCenter"], body["MaintenanceObjectIsDown"]) == ("Z1", "PUMPS", False)
    # 2026-01-01 23:30 UTC is 2026-01-02 00:30 in Brussels; midnight of that day, by hand: 1767312000 s
    assert body["MalfunctionStartDate"] == "/Date(1767312000000)/" and body["MalfunctionStartTime"] == "PT00H30M00S"
    assert "RequiredEndDate" not in body and "MaintPriority" not in body


def test_long_texts_are_cut_at_their_ends_and_names_are_not(rig, tmp_path):
    long = alert(basis="x", evidence=tuple(FIRST.evidence) * 40)
    assert isinstance(rig.send(*notifications(long))[0], Delivered)
    text = rig.text()
    assert len(text) <= 1333 and text.endswith(f"…\nForewarn north, warning {long.id}")
    rig.objects.write_text(f'[assets.pump-01]\nequipment = "{"9" * 41}"\n')
    (outcome,) = rig.send(*notifications(alert(mode="other")))
    assert isinstance(outcome, Refused) and "TechnicalObject" in outcome.why and "room for 40" in outcome.why


def test_a_token_comes_with_the_question_and_goes_with_the_answer(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first, second)
    reads = [one for one in rig.stub.asked if one.method == "GET"]
    assert all(one.headers["x-csrf-token"] == "Fetch" for one in reads)
    assert [one.method for one in rig.stub.writes()] == ["POST", "PATCH"]
    assert len(rig.stub.sessions) == 1


def test_a_session_that_ended_meanwhile_is_begun_anew_once(rig):
    answer, ended = rig.stub.answer, []

    def ends_once(asked):
        if asked.method == "POST" and not ended:
            ended.append(asked)
            rig.stub.forget_sessions()
        return answer(asked)

    rig.stub.answer = ends_once
    assert isinstance(rig.send(*notifications(FIRST))[0], Delivered)
    assert [one.method for one in rig.stub.asked] == ["GET", "POST", "GET", "POST"] and len(rig.made()) == 1


def test_a_user_who_may_not_write_is_refused(rig):
    answer = rig.stub.answer

    def never(asked):
        if asked.method == "POST":
            rig.stub.forget_sessions()
        return answer(asked)

    rig.stub.answer = never
    (outcome,) = rig.send(*notifications(FIRST))
    assert outcome == Refused("it answered 403") and rig.made() == []


def test_a_change_goes_over_nothing_that_somebody_changed_meanwhile(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first)
    rig.stub.meddling = 1
    assert isinstance(rig.send(second)[0], Delivered)
    assert [one.method for one in rig.stub.writes()] == ["POST", "PATCH", "PATCH"]
    rig.stub.meddling = 2
    (outcome,) = rig.send(second)
    assert isinstance(outcome, Failed) and "412" in outcome.why


def test_one_that_somebody_completes_while_it_is_to_be_changed_is_left_alone(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first)
    answer = rig.stub.answer

    def completes_before(asked):
        if asked.method == "PATCH":
            rig.stub.moves(rig.number(), "4")
            asked.headers["if-match"] = rig.made()[0]["(etag)"]
        return answer(asked)

    rig.stub.answer = completes_before
    assert isinstance(rig.send(second)[0], Delivered)
    assert rig.made()[0]["MaintPriority"] == "3"


def test_two_of_one_case_are_left_and_the_older_one_is_used(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first)
    (row,) = rig.made()
    double = dict(row) | {"MaintenanceNotification": "10000009"}
    rig.stub.notifications = {"10000009": double} | rig.stub.notifications
    rig.send(second)
    assert rig.stub.writes()[-1].path.endswith("('10000000')") and len(rig.made()) == 2


def test_the_order_that_was_made_of_it_is_told(rig):
    rig.send(*notifications(FIRST))
    rig.stub.moves(rig.number(), "3", MaintenanceOrder="4000012")
    (action,) = rig.look(FIRST)
    assert action.why == "sap-pm 10000000 is in process; order 4000012"
    assert action.time_us == rig.stub.now_ms * 1000


def test_codes_are_looked_for_in_the_notification_then_in_its_items_then_in_their_causes(rig, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[close]\n"GRP-HEAD" = "sensor"\nLEAK = "found-and-repaired"\nWEAR = "found-and-deferred"\n')
    causes = [{"MaintNotifCauseCodeGroup": "C", "MaintNotificationCauseCode": "WEAR", "MaintNotifCauseText": "age"}]
    found = items(["NONE"])
    found[0]["to_ItemCause"] = causes
    rig.send(*notifications(FIRST))
    rig.stub.moves(rig.number(), "4", to_Item=found)
    assert rig.look(FIRST, template=str(own))[0].outcome is CloseReason.DEFERRED
    rig.stub.moves(rig.number(), "4", to_Item=[*found, *items(["LEAK"])])
    assert rig.look(FIRST, template=str(own))[0].outcome is CloseReason.REPAIRED
    rig.stub.moves(rig.number(), "4", MaintNotificationCodeGroup="GRP", MaintNotificationCode="HEAD")
    (action,) = rig.look(FIRST, template=str(own))
    assert (action.move, action.outcome, action.mode) == (Move.CLOSE, CloseReason.SENSOR, "")
    assert action.found == "seal worn; seal worn; age"


def test_an_item_that_was_deleted_says_nothing(rig):
    rig.send(*notifications(FIRST))
    (item,) = items(["NFF"])
    rig.stub.moves(rig.number(), "4", to_Item=[item | {"IsDeleted": True}])
    (action,) = rig.look(FIRST)
    assert action.move is Move.COMMENT and "without a code" in action.why


def test_a_client_goes_with_every_question(rig):
    rig.send(*notifications(FIRST), client="100")
    assert {one.query.get("sap-client") for one in rig.stub.asked} == {"100"}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"user": None}, "give both or neither"),
        ({"password_env": None}, "give both or neither"),
        ({"user": None, "password_env": None}, "user is missing"),
        ({"client_cert": "/no/such.pem"}, "client_cert .*cannot be used"),
        ({"client": "1000"}, "client"),
    ],
)
def test_who_we_are_is_asked_for_as_a_whole(rig, config, said):
    with pytest.raises(SinkError, match=said):
        rig.open(**config)
