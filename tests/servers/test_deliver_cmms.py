"""`forewarn deliver` as a process on a real Kafka, with a stub of SAP PM, killed as it creates, then asked."""

from __future__ import annotations

import threading

import pytest

from connectors.kafka.plain import read
from models.records import Action, AlertReason, DeliveryState, Move, decode
from pipelines.topics import Topic, named
from tests.kit import sap_stub
from tests.kit.cmms_rigs import OBJECTS
from tests.kit.delivering import EACH, Delivering
from tests.kit.sap_stub import SapStub
from tests.kit.warned import alert, moved

pytestmark = pytest.mark.servers


def actions(rig: Delivering) -> list[Action]:
    found = [decode(one.value) for one in read(rig.settings.kafka, named(rig.settings.topic_prefix, Topic.RECORDS))]
    return [one for one in found if isinstance(one, Action)]


def test_a_role_killed_as_it_creates_makes_one_notification_and_its_number_and_status_are_on_the_log(servers, tmp_path):
    (tmp_path / "password").write_text(sap_stub.USER[1])
    (tmp_path / "objects.toml").write_text(OBJECTS)
    killed = threading.Event()
    with SapStub() as stub:
        book = (
            f'[sinks.sap]\nkind = "sap_pm"\nurl = "{stub.url}"\nuser = "{sap_stub.USER[0]}"\n'
            f'password_file = "{tmp_path / "password"}"\nobjects = "{tmp_path / "objects.toml"}"\n'
            f'[subscriptions.sap]\nsink = "sap"\n{EACH}'
        )
        answer = stub.answer

        def kills_once(asked):
            said = answer(asked)
            if asked.method == "POST" and not killed.is_set():
                rig.roles[0].kill()
                rig.roles[0].wait()
                killed.set()
            return said

        stub.answer = kills_once
        with Delivering(tmp_path, book) as rig:
            rig.deliver()
            rig.warn([alert("pump-01")])
            assert killed.wait(60), rig.told()
            assert len(stub.notifications) == 1 and actions(rig) == []
            second = rig.deliver()
            rig.wait(lambda: len(rig.deliveries(DeliveryState.DELIVERED)) == 1, 60)
            (ordered,) = actions(rig)
            (number,) = stub.notifications
            assert (ordered.move, ordered.order, ordered.alert) == (Move.ORDER, number, alert("pump-01").id)
            rig.stop(second)
            rig.warn([moved(alert("pump-01"), AlertReason.ORDERED, order=number)])
            stub.moves(number, "3")
            third = rig.deliver()
            rig.wait(lambda: len(actions(rig)) == 2, 60)
            assert actions(rig)[1].why == f"sap-pm {number} is in process"
            rig.stop(third)
