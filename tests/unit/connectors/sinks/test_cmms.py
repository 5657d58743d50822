"""What holds of every maintenance system: one notification a case whatever is repeated or lost, and what comes back.

The systems are stubs on the loopback, built from published descriptions: no real one was asked.
"""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from connectors.delivery import Place, SinkError
from connectors.sinks import open_sink
from models.delivery.outcomes import Delivered, Failed, Refused
from models.records import Advice, AlertReason, CloseReason, DeliveryReason, Move, Outcome
from tests.kit.cmms_rigs import RIGS, MaximoRig, notifications
from tests.kit.cmms_stub import Said
from tests.kit.warned import alert, moved

FIRST = alert()
WORSE = moved(FIRST, AlertReason.RAISED, advice=Advice.ACT_NOW)
CLEARED = moved(WORSE, AlertReason.CLEARED)


@pytest.fixture(params=RIGS, ids=lambda rig: rig.kind)
def rig(request, tmp_path):
    with request.param(tmp_path) as found:
        yield found


def ordered(rig, one=FIRST):
    """The warning once the log has its number."""
    return moved(one, AlertReason.ORDERED, order=rig.number(), by=rig.by)


def test_a_case_becomes_one_notification_whose_number_goes_back(rig):
    (told,) = notifications(FIRST)
    (outcome,) = rig.send(told)
    (action,) = outcome.actions
    assert (action.move, action.order, action.by) == (Move.ORDER, rig.number(), rig.by)
    assert (action.plant, action.asset, action.alert) == ("north", "pump-01", FIRST.id)
    assert action.time_us == told.time_us
    assert "81 degC over 80 degC" in rig.text() and FIRST.id in rig.text()


def test_the_same_notification_again_makes_no_second_one_and_the_same_action(rig):
    (told,) = notifications(FIRST)
    assert rig.send(told) == rig.send(told)
    assert rig.send(told, told)[0] == rig.send(told)[0]
    assert len(rig.made()) == 1


def test_an_answer_that_was_lost_after_creating_is_found_again_with_its_number(rig):
    (told,) = notifications(FIRST)
    rig.stub.losing = 1
    (lost,) = rig.send(told)
    assert isinstance(lost, Failed) and len(rig.made()) == 1
    (again,) = rig.send(told)
    assert again.actions[0].order == rig.number()


def test_a_later_revision_changes_what_is_there(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first)
    before = rig.text()
    priority = {"sap_pm": "MaintPriority", "maximo": "reportedpriority"}[rig.kind]
    assert str(rig.made()[0][priority]) == "3"
    assert rig.send(replace(second, alerts=(replace(WORSE, order=rig.number()),))) == [Delivered()]
    assert str(rig.made()[0][priority]) == "1" and rig.text() != before


def test_a_change_whose_answer_was_lost_is_made_again(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first)
    rig.stub.losing = 1
    assert isinstance(rig.send(second)[0], Failed)
    assert isinstance(rig.send(second)[0], Delivered) and len(rig.made()) == 1


def test_two_warnings_are_two_notifications(rig):
    rig.send(*notifications(FIRST, alert("pump-02")))
    assert len(rig.made()) == 2


def test_what_is_over_is_told_and_stays_open_for_people(rig):
    first, second, third = notifications(FIRST, WORSE, CLEARED)
    rig.send(first, second, third)
    assert "when last told" in rig.text()
    status = rig.made()[0].get("ConcatenatedActiveSystStsName") or rig.made()[0]["status"]
    assert status in ("OSNO", "NEW")


def test_what_is_over_and_unknown_makes_none(rig):
    over = notifications(FIRST, CLEARED)[-1]
    assert rig.send(over) == [Delivered()] and rig.made() == []


def test_a_case_for_which_a_person_made_an_order_gets_no_second_one(rig):
    (told,) = notifications(replace(FIRST, order="4711"))
    assert rig.send(told) == [Delivered()] and rig.made() == []


def test_what_is_closed_there_is_not_touched(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(first)
    rig.closes("XYZ")
    before, writes = dict(rig.made()[0]), len(rig.stub.writes())
    assert isinstance(rig.send(second)[0], Delivered)
    assert rig.made()[0] == before and len(rig.stub.writes()) == writes


def test_an_older_notification_that_waited_does_not_undo_a_newer_one(rig):
    first, second = notifications(FIRST, WORSE)
    rig.send(second, first)
    assert "raised" in rig.text() and len(rig.stub.writes()) == 1


def test_a_reminder_changes_nothing(rig):
    (told,) = notifications(FIRST)
    rig.send(told)
    writes = len(rig.stub.writes())
    rig.send(replace(told, reason=DeliveryReason.REPEATED, number=1))
    assert len(rig.stub.writes()) == writes


def test_a_machine_that_the_objects_lacks_is_refused_by_name(rig):
    (outcome,) = rig.send(*notifications(alert("fan-01")))
    assert outcome == Refused("fan-01 is not in the objects file: name its equipment or location there")
    (outcome,) = rig.send(*notifications(alert("fan-01")), unmapped="without")
    assert isinstance(outcome, Delivered) and len(rig.made()) == 1


def test_several_warnings_at_once_are_refused(rig):
    (told,) = notifications(FIRST)
    (outcome,) = rig.send(replace(told, mentions=told.mentions * 2))
    assert isinstance(outcome, Refused) and "one at a time" in outcome.why


def test_what_the_system_refuses_is_refused_in_its_own_words(rig, tmp_path):
    own = tmp_path / "own.toml"
    field = {"sap_pm": "NotificationText", "maximo": "location"}[rig.kind]
    own.write_text(f'[fields]\n{field} = 500\n[create]\n{field} = "{"x" * 80}"\n')
    (outcome,) = rig.send(*notifications(FIRST), template=str(own))
    assert isinstance(outcome, Refused) and outcome.why.startswith("it answered 400") and field in outcome.why


def test_a_password_that_is_wrong_is_refused(rig):
    rig.environ = dict.fromkeys(rig.environ, "wrong")
    (outcome,) = rig.send(*notifications(FIRST))
    assert isinstance(outcome, Refused) and outcome.why.startswith("it answered 401")


@pytest.mark.parametrize(
    ("said", "retry_after_s"),
    [(Said(500), None), (Said(503, None, {"Retry-After": "120"}), 120.0), (Said(429, None, {"Retry-After": "7"}), 7.0)],
)
def test_a_fault_of_the_systems_is_tried_again_when_it_says(rig, said, retry_after_s):
    rig.stub.fails = [said]
    (told,) = notifications(FIRST)
    assert rig.send(told) == [Failed(f"it answered {said.status}", retry_after_s)]
    assert isinstance(rig.send(told)[0], Delivered) and len(rig.made()) == 1


def test_an_error_that_passes_by_itself_is_tried_again_if_it_is_named(rig):
    words = {"error": {"code": "IM/123", "message": {"value": "locked by SMITH"}}}
    rig.stub.fails = [Said(400, words if rig.kind == "sap_pm" else {"Error": {"reasonCode": "IM/123", "message": "x"}})]
    (outcome,) = rig.send(*notifications(FIRST), passing=["IM/123"])
    assert isinstance(outcome, Failed) and "IM/123" in outcome.why


def test_a_page_that_is_no_json_is_a_failure_that_asks_for_the_address(rig):
    rig.stub.fails = [Said(200, None, {"Content-Type": "text/html"})]
    (outcome,) = rig.send(*notifications(FIRST))
    assert isinstance(outcome, Failed) and "text/html that is no JSON" in outcome.why


def test_a_system_that_does_not_answer_is_left_after_the_timeout(rig):
    rig.stub.hangs = 1
    assert rig.send(*notifications(FIRST), timeout_s=0.2) == [Failed("no answer within 0.2 s")]


def test_a_system_that_is_down_is_a_failure(rig):
    config = rig.config()
    rig.stub.__exit__()
    (outcome,) = rig.send(*notifications(FIRST), url=config["url"])
    assert isinstance(outcome, Failed) and "ConnectError" in outcome.why
    rig.stub.__enter__()


def test_a_status_worth_telling_comes_back_as_the_same_comment_each_time(rig):
    rig.send(*notifications(FIRST))
    assert rig.look(ordered(rig)) == []
    rig.in_process()
    first, again = rig.look(ordered(rig)), rig.look(ordered(rig))
    assert first == again
    (action,) = first
    assert (action.move, action.by, action.alert) == (Move.COMMENT, rig.by, FIRST.id)
    words = {"sap_pm": "in process", "maximo": "in progress"}[rig.kind]
    assert action.why == f"{rig.by} {rig.number()} is {words}"


def test_a_code_that_the_template_maps_closes_the_warning_with_its_reason(rig, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('[close]\nWORN = "found-and-repaired"\n[modes]\nWORN = "ELU"\n')
    rig.send(*notifications(FIRST))
    rig.closes("WORN")
    (action,) = rig.look(ordered(rig), template=str(own))
    assert (action.move, action.outcome, action.mode) == (Move.CLOSE, CloseReason.REPAIRED, "ELU")
    assert action.found == "seal worn" and "WORN" in action.why


def test_nothing_found_closes_it_without_a_failure_mode(rig):
    rig.send(*notifications(FIRST))
    rig.closes("NFF")
    (action,) = rig.look(ordered(rig))
    assert (action.move, action.outcome, action.mode) == (Move.CLOSE, CloseReason.NOTHING_FOUND, "")


@pytest.mark.parametrize(("reason", "mode"), [("found-and-deferred", "ELU"), ("process-change", "")])
def test_a_code_of_iso_14224_is_a_failure_mode_where_one_was_found(rig, tmp_path, reason, mode):
    own = tmp_path / "own.toml"
    own.write_text(f'[close]\nELU = "{reason}"\n')
    rig.send(*notifications(FIRST))
    rig.closes("ELU")
    (action,) = rig.look(ordered(rig), template=str(own))
    assert (action.outcome, action.mode) == (CloseReason(reason), mode)


@pytest.mark.parametrize("codes", [(), ("XYZ",)])
def test_closed_without_a_known_code_asks_to_close_by_hand(rig, codes):
    rig.send(*notifications(FIRST))
    rig.closes(*codes)
    (action,) = rig.look(ordered(rig))
    assert action.move is Move.COMMENT and action.outcome is None
    assert action.why.endswith("close the warning by hand") and all(code in action.why for code in codes)


def test_what_was_thrown_away_asks_to_close_by_hand(rig):
    rig.send(*notifications(FIRST))
    rig.deletes()
    (action,) = rig.look(ordered(rig))
    assert action.move is Move.COMMENT and "was deleted or cancelled" in action.why


def test_a_closed_warning_is_not_asked_about(rig):
    rig.send(*notifications(FIRST))
    rig.in_process()
    asked = len(rig.stub.asked)
    closed = replace(ordered(rig), outcome=Outcome(reason=CloseReason.REPAIRED, by="me", time_us=1))
    assert rig.look(closed) == [] and len(rig.stub.asked) == asked


def test_many_cases_are_asked_about_in_a_few_questions(rig):
    cases = [alert("pump-01", mode=f"m{n}") for n in range(120)]
    rig.send(*notifications(*cases))
    assert len(rig.made()) == 120
    numbers = {one["MaintNotifExtReferenceNumber"] if rig.kind == "sap_pm" else one["description"].split()[-1]: one
               for one in rig.made()}  # fmt: skip
    with_orders = []
    for one in cases:
        row = numbers[f"FW{one.id[:18].upper()}"]
        number = str(row.get("MaintenanceNotification") or row["ticketid"])
        rig.stub.moves(number, "3" if rig.kind == "sap_pm" else "INPROG")
        with_orders.append(replace(one, order=number))
    rig.stub.asked.clear()
    actions = rig.look(*with_orders)
    assert sorted(one.alert for one in actions) == sorted(one.id for one in cases)
    assert len(rig.stub.asked) <= 6
    assert all(len(one.path) + sum(map(len, one.query.values())) < 2000 for one in rig.stub.asked)


def test_one_that_hangs_delays_no_other(tmp_path):
    with MaximoRig(tmp_path) as slow, MaximoRig(tmp_path) as quick:
        slow.stub.hangs = 1
        (told,) = notifications(FIRST)

        async def work():
            waits = asyncio.create_task(slow.open().send(told))
            outcome = await quick.open().send(told)
            is_waiting = not waits.done()
            waits.cancel()
            await asyncio.gather(waits, return_exceptions=True)
            return outcome, is_waiting

        outcome, is_waiting = asyncio.run(work())
    assert isinstance(outcome, Delivered) and is_waiting


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"url": "ftp://x/"}, "url is 'ftp://x/': write http:// or https://"),
        ({"url": "http://me:pass@x/"}, "secrets are in the environment or in files"),
        ({"objects": "/no/such"}, "objects /no/such cannot be read"),
        ({"template": "/no/such"}, "template /no/such cannot be read"),
        ({"zone": "Nowhere"}, "zone: zone 'Nowhere' is none"),
        ({"ca_file": "/no/such.pem"}, "ca_file"),
        ({"timeot_s": 1}, "timeot_s: .*use one of url"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_sent(rig, config, said):
    with pytest.raises(SinkError, match=f"^sinks.cmms.*{said}"):
        rig.open(**config)


def test_without_an_objects_it_does_not_open_unless_that_is_meant(rig):
    without = {name: value for name, value in rig.config().items() if name != "objects"}
    with pytest.raises(SinkError, match="objects is missing"):
        open_sink("cmms", {"kind": rig.kind} | without, Place("north", environ=rig.environ))
