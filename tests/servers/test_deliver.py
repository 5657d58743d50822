"""Delivery on a real Kafka, to webhook receivers that are slow, down, answer 500, or see the role killed."""

from __future__ import annotations

import json
import threading

import pytest

from models.records import AlertReason, DeliveryState, Notification, decode
from pipelines.cli import deliveries, subscribing
from tests.kit.delivering import EACH, Delivering
from tests.kit.hooked import OK, Receiver
from tests.kit.warned import alert, moved

pytestmark = pytest.mark.servers

ASSETS = ["pump-01", "pump-02", "fan-01"]


def hook(name: str, url: str) -> str:
    return (
        f'[sinks.{name}]\nkind = "webhook"\nurl = "{url}"\ntimeout_s = 1.0\n'
        f'[subscriptions.{name}]\nsink = "{name}"\n{EACH}'
    )


OWN = f'[sinks.own]\nkind = "topic"\ntopic = "OWN"\n[subscriptions.own]\nsink = "own"\n{EACH}'


def test_a_receiver_that_is_slow_down_or_answers_500_gets_its_warnings_later_and_others_do_not_wait(servers, tmp_path):
    slow_until, bad_until, down = threading.Event(), threading.Event(), Receiver()
    with down:
        port = down.port  # a port that is free in a moment, and answers no more then
    with (
        Receiver() as good,
        Receiver(lambda *_: OK if slow_until.is_set() else None) as slow,
        Receiver(lambda *_: OK if bad_until.is_set() else (500, {})) as bad,
        Delivering(
            tmp_path,
            hook("good", good.url) + hook("slow", slow.url) + hook("bad", bad.url)
            + hook("down", f"http://127.0.0.1:{port}/hook") + OWN,
        ) as rig,
    ):  # fmt: skip
        role = rig.deliver()
        rig.warn([alert(asset) for asset in ASSETS])
        rig.wait(lambda: sorted(good.told()) == sorted(ASSETS) and len(rig.on_own_topic()) == 3)
        rig.wait(lambda: len(slow.requests) > 1 and len(bad.requests) > 3)
        assert {one.notification.sink for one in rig.deliveries(DeliveryState.WAITING)} == {"slow", "bad", "down"}
        shown = rig.said(deliveries.show, every=False, as_json=False)
        assert "it answered 500" in shown and "no answer within 1 s" in shown and "ConnectError" in shown
        slow_until.set()
        bad_until.set()
        with Receiver(port=port) as back:
            rig.wait(lambda: not rig.deliveries(DeliveryState.WAITING), 60)
            assert sorted(back.told()) == sorted(ASSETS)
        rig.stop(role)
        assert sorted(good.told()) == sorted(ASSETS)
        for one in (slow, bad):
            ids = [request.headers["Idempotency-Key"] for request in one.requests]
            assert len(set(ids)) == len(ASSETS) and {request.event["id"] for request in one.requests} == set(ids)
        sent = [decode(value) for value in rig.on_own_topic()]
        assert all(isinstance(one, Notification) for one in sent)


def test_a_role_that_is_killed_between_sending_and_its_log_sends_a_double_with_the_same_id_and_misses_none(
    servers, tmp_path
):
    killed = threading.Event()

    def kill(number: int, _: object):
        if number == 1:
            rig.roles[0].kill()
            killed.set()
        return OK

    with Receiver(kill) as receiver, Delivering(tmp_path, hook("good", receiver.url)) as rig:
        rig.deliver()
        rig.warn([alert(asset) for asset in ASSETS])
        assert killed.wait(30), rig.told()
        rig.roles[0].wait()
        second = rig.deliver()
        rig.wait(lambda: len(rig.deliveries(DeliveryState.DELIVERED)) == 3)
        rig.stop(second)
        bodies: dict[str, set[bytes]] = {}
        for request in receiver.requests:
            bodies.setdefault(request.headers["Idempotency-Key"], set()).add(request.body)
        assert len(bodies) == 3 and set(receiver.told()) == set(ASSETS) and len(receiver.requests) > 3
        assert all(len(copies) == 1 for copies in bodies.values())


def test_a_restart_sends_nothing_again_and_goes_on_where_it_was(servers, tmp_path):
    with Receiver() as receiver, Delivering(tmp_path, hook("good", receiver.url)) as rig:
        first = rig.deliver()
        rig.warn([alert("pump-01")])
        rig.wait(lambda: len(rig.deliveries(DeliveryState.DELIVERED)) == 1)
        rig.stop(first)
        rig.warn([moved(alert("pump-01"), AlertReason.RAISED, severity=900)])
        second = rig.deliver()
        rig.wait(lambda: len(rig.deliveries(DeliveryState.DELIVERED)) == 2)
        rig.stop(second)
        assert [request.event["data"]["mentions"][0]["revision"] for request in receiver.requests] == [0, 1]


def test_a_second_role_takes_over_and_the_first_ends_and_says_why(servers, tmp_path):
    with Receiver() as receiver, Delivering(tmp_path, hook("good", receiver.url)) as rig:
        first = rig.deliver()
        rig.warn([alert("pump-01")])
        rig.wait(lambda: len(rig.deliveries(DeliveryState.DELIVERED)) == 1)
        second = rig.deliver()
        rig.wait(lambda: "delivery-begins" in (rig.folder / "role-1.log").read_text())
        rig.warn([alert("pump-02"), alert("fan-01")])
        rig.wait(lambda: len(rig.deliveries(DeliveryState.DELIVERED)) == 3)
        assert first.wait(30) == 1 and "another `forewarn deliver`" in rig.told()
        rig.stop(second)
        assert {request.headers["Idempotency-Key"] for request in receiver.requests} == {
            one.notification.id for one in rig.deliveries()
        }


def test_subscriptions_come_and_go_and_refused_ones_are_sent_again_while_the_role_runs(servers, tmp_path):
    gone = threading.Event()
    with (
        Receiver(lambda *_: OK if gone.is_set() else (410, {})) as receiver,
        Delivering(tmp_path, hook("strict", receiver.url) + OWN.split("[subscriptions")[0]) as rig,
    ):
        role = rig.deliver()
        mine = tmp_path / "mine.toml"
        mine.write_text(f'[subscriptions.mine]\nsink = "own"\nmatch = {{ asset = ["fan-*"] }}\n{EACH}')
        assert "on the topic: mine" in rig.said(subscribing.add, mine, "A. Person")
        rig.warn([alert(asset) for asset in ASSETS])
        rig.wait(lambda: len(rig.on_own_topic()) == 1 and len(rig.deliveries(DeliveryState.REFUSED)) == 3)
        listed = json.loads(rig.said(subscribing.show, as_json=True))
        assert {one["name"]: one["from"] for one in listed} == {"strict": "file", "mine": "topic, by A. Person"}
        shown = json.loads(rig.said(deliveries.show, every=False, as_json=True))
        assert {one["why"] for one in shown["deliveries"]} == {"it answered 410"}
        gone.set()
        rig.said(lambda settings, console: deliveries.retry(settings, [], "A. Person", console))
        rig.wait(lambda: not rig.deliveries(DeliveryState.REFUSED) and not rig.deliveries(DeliveryState.WAITING))
        assert "off the topic: mine" in rig.said(subscribing.remove, "mine")
        rig.warn([alert("fan-01", mode="other")])
        rig.wait(lambda: len(receiver.requests) == 7)
        assert len(rig.on_own_topic()) == 1
        rig.stop(role)
