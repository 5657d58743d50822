"""Who is told what and when, in event time: each test steps a dispatcher minute by minute through its story."""

from __future__ import annotations

import pytest

from models.delivery.dispatch import Answer
from models.delivery.outcomes import Delivered, Failed, Refused
from models.records import Advice, AlertReason, AlertState, DeliveryState, Redelivery
from tests.kit.warned import Timeline, alert, at, hold, moved

ALL = '[subscriptions.all]\nsink = "desk"\n'
EACH = '[subscriptions.all]\nsink = "desk"\ngroup = { by = ["alert"], wait = "0s", interval = "0s", storm = 0 }\n'


def test_warnings_of_one_area_are_told_together_after_the_wait():
    told = Timeline(ALL).run({0.0: [alert("pump-01"), alert("fan-01")], 0.005: alert("pump-02")}, 1)
    assert sorted(told) == ["0.02 desk: fan-01 opened", "0.02 desk: pump-01 opened, pump-02 opened"]


def test_the_next_notification_of_a_group_keeps_its_distance():
    told = Timeline('[subscriptions.all]\nsink = "desk"\ngroup = { interval = "30min" }\n').run(
        {0.0: alert("pump-01"), 0.1: alert("pump-02", 0.1)}, 1
    )
    assert told == ["0.02 desk: pump-01 opened", "0.52 desk: pump-02 opened"]


def test_what_began_and_ended_before_anybody_was_told_is_told_to_nobody():
    opened = alert()
    assert Timeline(ALL).run({0.0: opened, 0.004: moved(opened, AlertReason.CLEARED)}, 1) == []


def test_whoever_was_told_is_told_the_end_even_when_it_matches_no_more():
    severe = ALL + "match = { severity = 700 }\n"
    opened = alert(severity=800)
    lower = moved(opened, AlertReason.LOWERED, severity=100)
    events = {0.0: opened, 1.0: lower, 2.0: moved(lower, AlertReason.CLEARED)}
    assert Timeline(severe).run(events, 3) == ["0.02 desk: pump-01 opened", "2.02 desk: pump-01 cleared"]


def test_a_warning_that_becomes_a_subscriptions_own_begins_for_it_then():
    severe = ALL + "match = { severity = 700 }\n"
    opened = alert(severity=300)
    events = {0.0: opened, 1.0: moved(opened, AlertReason.RATED, severity=900)}
    assert Timeline(severe).run(events, 2) == ["1.02 desk: pump-01 rated"]


def test_reasons_that_are_not_asked_for_are_told_to_nobody():
    opened = alert()
    assert Timeline(EACH).run({0.0: opened, 1.0: moved(opened, AlertReason.COMMENTED)}, 2) == [
        "0.00 desk: pump-01 opened"
    ]


def test_a_double_an_older_revision_and_history_change_nothing():
    opened, line = alert(), Timeline(EACH)
    nearer = moved(opened, AlertReason.NEARER)
    old = alert("pump-02", historical=True)
    assert line.run({0.0: [opened, old], 0.5: nearer, 1.0: [opened, nearer, alert(plant="south")]}, 2) == [
        "0.00 desk: pump-01 opened",
        "0.50 desk: pump-01 nearer",
    ]


def test_a_held_warning_is_told_once_nobody_holds_it_any_more():
    opened = alert(held=(hold(at(2)),))
    back = moved(opened, AlertReason.UNSHELVED, held=())
    assert Timeline(EACH).run({0.0: opened, 1.5: back}, 3) == ["1.50 desk: pump-01 opened"]


def test_a_hold_with_an_end_ends_by_itself():
    assert Timeline(EACH).run({0.0: alert(held=(hold(at(2)),))}, 3) == ["2.00 desk: pump-01 opened"]


def test_a_closed_case_is_told_whatever_holds_it():
    opened = alert()
    shelved = moved(opened, AlertReason.SHELVED, held=(hold(),))
    told = Timeline(EACH).run({0.0: opened, 1.0: shelved, 2.0: moved(shelved, AlertReason.CLOSED)}, 3)
    assert told == ["0.00 desk: pump-01 opened", "2.00 desk: pump-01 closed"]


def test_a_machine_fault_keeps_back_its_parts_and_names_them():
    line = Timeline(ALL)
    assert line.run({0.0: [alert("pump-01", severity=500), alert("valve-01", severity=400)]}, 2) == [
        "0.02 desk: pump-01 opened"
    ]
    (_, told), *_ = line.sent
    assert [one.asset for one in told.inhibited] == ["valve-01"]
    assert "1 warnings of machines below wait meanwhile: valve-01" in told.body
    kept = next(one for one in line.log.values() if getattr(one, "alert", None) and one.alert.asset == "valve-01")
    assert kept.told["all"].inhibited_by == alert("pump-01").id


def test_a_part_is_told_when_the_fault_above_ends_and_it_is_still_open():
    parent = alert("pump-01", severity=500)
    told = Timeline(EACH).run({0.0: [parent, alert("seal-01")], 5.0: moved(parent, AlertReason.REPAIRED)}, 6)
    assert told == ["0.00 desk: pump-01 opened", "5.00 desk: pump-01 repaired", "5.00 desk: seal-01 opened"]


def test_a_part_that_ended_before_the_fault_above_is_told_to_nobody():
    parent, part = alert("pump-01", severity=500), alert("valve-01")
    events = {0.0: [parent, part], 1.0: moved(part, AlertReason.CLEARED), 2.0: moved(parent, AlertReason.CLEARED)}
    assert Timeline(EACH).run(events, 3) == ["0.00 desk: pump-01 opened", "2.00 desk: pump-01 cleared"]


def test_a_worse_fault_of_a_part_is_told_beside_the_one_above():
    told = Timeline(EACH).run({0.0: [alert("pump-01", severity=300), alert("valve-01", severity=400)]}, 1)
    assert sorted(told) == ["0.00 desk: pump-01 opened", "0.00 desk: valve-01 opened"]


def test_a_fault_above_that_the_subscription_is_not_told_of_keeps_nothing_back():
    valves = EACH + 'match = { type = ["valve"] }\n'
    assert Timeline(valves).run({0.0: [alert("pump-01", severity=900), alert("valve-01")]}, 1) == [
        "0.00 desk: valve-01 opened"
    ]


def test_a_fault_above_that_is_shelved_keeps_nothing_back():
    told = Timeline(EACH).run({0.0: [alert("pump-01", severity=900, held=(hold(),)), alert("valve-01")]}, 1)
    assert told == ["0.00 desk: valve-01 opened"]


def test_outside_of_the_schedule_a_warning_waits_for_the_next_shift():
    early = EACH + 'schedule = { shifts = ["early"] }\n'
    assert Timeline(early).run({0.0: alert(), 15.0: alert("pump-02", 15)}, 31) == [
        "6.00 desk: pump-01 opened",
        "30.00 desk: pump-02 opened",
    ]


@pytest.mark.parametrize(
    ("act_now", "told"), [("true", "1.00 desk: pump-01 opened"), ("false", "6.00 desk: pump-01 opened")]
)
def test_act_now_passes_the_schedule_only_where_the_subscription_says_so(act_now, told):
    early = EACH + f'schedule = {{ shifts = ["early"], act_now = {act_now} }}\n'
    assert Timeline(early).run({1.0: alert(advice=Advice.ACT_NOW)}, 7) == [told]


def test_a_weekend_waits_for_monday_where_the_schedule_says_days():
    weekdays = EACH + 'schedule = { days = ["mon", "tue"] }\n'
    assert Timeline(weekdays).run({0.0: alert()}, 97, every_h=0.5) == ["96.00 desk: pump-01 opened"]


def test_nobody_acknowledged_it_so_it_is_repeated_until_somebody_does():
    repeat, opened = EACH + 'repeat = "2h"\n', alert()
    told = Timeline(repeat).run({0.0: opened, 5.0: moved(opened, AlertReason.ACKNOWLEDGED)}, 9)
    assert told == [
        "0.00 desk: pump-01 opened",
        "2.00 desk repeated 1: pump-01 opened",
        "4.00 desk repeated 2: pump-01 opened",
    ]


def test_timers_stand_still_between_shifts():
    repeat = EACH + 'repeat = "2h"\nschedule = { shifts = ["early"] }\n'
    assert Timeline(repeat).run({13.0: alert("pump-01", 13)}, 34) == [
        "13.00 desk: pump-01 opened",
        "31.00 desk repeated 1: pump-01 opened",
        "33.00 desk repeated 2: pump-01 opened",
    ]


def test_the_boss_is_told_once_of_what_nobody_acknowledged():
    escalate = EACH + 'escalate = [{ after = "3h", sink = "boss" }]\n'
    assert Timeline(escalate).run({0.0: alert()}, 9) == [
        "0.00 desk: pump-01 opened",
        "3.00 boss escalated 1: pump-01 opened",
    ]


def test_an_escalation_waits_for_its_own_schedule():
    step = 'escalate = [{ after = "1h", sink = "boss", schedule = { shifts = ["late"] } }]\n'
    assert Timeline(EACH + step).run({0.0: alert()}, 16) == [
        "0.00 desk: pump-01 opened",
        "15.00 boss escalated 1: pump-01 opened",
    ]


def test_repeat_and_escalation_at_one_moment_are_both_told_once():
    both = EACH + 'repeat = "2h"\nescalate = [{ after = "2h", sink = "boss" }]\n'
    assert sorted(Timeline(both).run({0.0: alert()}, 3)) == [
        "0.00 desk: pump-01 opened",
        "2.00 boss escalated 1: pump-01 opened",
        "2.00 desk repeated 1: pump-01 opened",
    ]


def test_nobody_is_reminded_of_what_is_held_or_below_a_fault_as_bad():
    repeat, part, fault = EACH + 'repeat = "2h"\n', alert("valve-01"), alert("pump-01", 1, severity=500)
    held = moved(alert("fan-01"), AlertReason.SHELVED, held=(hold(at(5)),))
    acknowledged = moved(fault, AlertReason.ACKNOWLEDGED)
    events = {
        0.0: [part, alert("fan-01")],
        1.0: [fault, held],
        1.5: acknowledged,
        4.5: moved(acknowledged, AlertReason.CLEARED),
    }
    told = [one for one in Timeline(repeat).run(events, 5.5) if "repeated" in one]
    assert told == ["4.50 desk repeated 1: valve-01 opened", "5.00 desk repeated 1: fan-01 shelved"]


def test_reminders_are_counted_anew_when_a_trouble_comes_back():
    repeat, opened = EACH + 'repeat = "2h"\n', alert()
    cleared = moved(opened, AlertReason.CLEARED)
    events = {0.0: opened, 5.0: cleared, 6.0: moved(cleared, AlertReason.RECURRED)}
    told = [one for one in Timeline(repeat).run(events, 9) if "repeated" in one]
    assert [one.split(":")[0] for one in told] == [
        "2.00 desk repeated 1",
        "4.00 desk repeated 2",
        "8.00 desk repeated 1",
    ]


def flapped(times: int, every_h: float = 1.0, **last) -> dict:
    """A case that comes back, again and again."""
    now, events = alert(), {}
    for number in range(times):
        said = last if number == times - 1 else {}
        now = now if number == 0 else moved(now, AlertReason.RECURRED, **said)
        events[number * every_h] = now
        now = moved(now, AlertReason.CLEARED)
        events[(number + 0.5) * every_h] = now
    return events


def test_a_trouble_that_comes_and_goes_is_told_three_times_a_day():
    told = Timeline(EACH).run(flapped(6), 10)
    assert [one.split()[-1] for one in told] == ["opened", "cleared", "recurred", "cleared", "recurred", "cleared"]


def test_one_that_comes_back_worse_is_told_all_the_same():
    assert Timeline(EACH).run(flapped(5, severity=900), 10)[-2:] == [
        "4.00 desk: pump-01 recurred",
        "4.50 desk: pump-01 cleared",
    ]


def test_a_damped_one_that_stays_is_told_when_a_day_has_passed():
    events = flapped(4)
    del events[3.5]
    assert Timeline(EACH).run(events, 30)[-1] == "24.00 desk: pump-01 recurred"


def test_new_cases_of_the_same_trouble_flap_as_one_that_comes_back():
    events = {}
    for number in range(5):
        opened = alert(opened_h=number)
        events |= {float(number): opened, number + 0.5: moved(opened, AlertReason.CLEARED)}
    assert len(Timeline(EACH).run(events, 6)) == 6


def test_a_storm_of_many_groups_becomes_one_notification():
    each = '[subscriptions.all]\nsink = "desk"\ngroup = { by = ["alert"], storm = 2 }\n'
    line = Timeline(each)
    line.run({0.0: [alert(asset, 0, mode) for asset in ("pump-01", "pump-02") for mode in "abc"]}, 1)
    ((_, told),) = line.sent
    assert (len(told.mentions), told.group) == (6, {})
    assert told.title == "6 warnings of 2 machines"


def test_what_comes_in_the_wake_of_a_storm_is_told_as_one_every_half_minute():
    each = '[subscriptions.all]\nsink = "desk"\ngroup = { by = ["alert"], wait = "0s", storm = 5 }\n'
    line, warnings = Timeline(each), [alert("pump-01", 0, f"m{number}") for number in range(600)]
    line.run({number / 3600: warnings[number] for number in range(600)}, 0.2, every_h=1 / 3600)
    told = [one for _, one in line.sent]
    assert len({each.alert for one in told for each in one.mentions}) == 600
    assert len(told) == 5 + 1 + 600 // 30


def test_a_storm_that_is_to_be_told_one_by_one_is():
    assert len(Timeline(EACH).run({0.0: [alert("pump-01", 0, f"m{number}") for number in range(30)]}, 0.1)) == 30


def test_a_restart_remembers_the_storm():
    each = '[subscriptions.all]\nsink = "desk"\ngroup = { by = ["alert"], wait = "0s", storm = 2 }\n'
    line = Timeline(each)
    line.step(0.0, *[alert("pump-01", 0, mode) for mode in "abc"])
    line.restart(0.001)
    assert line.step(0.001, alert("pump-02")) == []
    assert len(line.step(0.01)) == 1


def test_a_notification_that_failed_is_sent_again_later_with_the_same_id_and_content():
    line = Timeline(EACH, down=["desk"])
    (first,) = line.step(0.0, alert())
    assert line.step(0.001, Answer(first.id, Failed("down"))) == []
    line.down.clear()
    (again,) = line.step(0.01)
    assert again == first
    assert line.step(5.0) == []


def test_a_receiver_that_asks_for_time_is_given_it():
    line = Timeline(EACH, down=["desk"])
    (first,) = line.step(0.0, alert())
    line.step(0.0, Answer(first.id, Failed("busy", retry_after_s=3600)))
    assert line.step(0.99) == []
    assert line.step(1.0) == [first]


def test_a_sink_that_is_down_delays_no_other():
    two = EACH + EACH.replace("all", "more").replace("desk", "boss")
    line = Timeline(two, down=["desk"])
    for number in range(40):
        line.step(number / 10, alert("pump-01", number, f"m{number}"))
    assert sum(one.sink == "boss" for _, one in line.sent) == 40
    assert sum(one.sink == "desk" for _, one in line.sent) == 32


def test_what_was_refused_is_kept_and_sent_again_only_when_somebody_asks():
    line = Timeline(EACH, down=["desk"])
    (first,) = line.step(0.0, alert())
    line.step(0.0, Answer(first.id, Refused("no such place")))
    assert line.step(99.0) == []
    assert line.log[f"delivery/{first.id}"].state is DeliveryState.REFUSED
    line.down.clear()
    assert line.step(99.1, Redelivery(plant="north", id=first.id, by="me", time_us=1)) == [first]


def test_what_was_sent_and_not_logged_goes_again_with_the_same_id_after_a_crash():
    line = Timeline(EACH, down=["desk"])
    (first,) = line.step(0.0, alert())
    line.restart(1.0)
    line.down.clear()
    assert line.step(1.0) == [first]
    line.restart(2.0)
    assert line.step(2.0, alert()) == []


def test_a_new_subscription_is_told_of_what_is_open_and_not_of_what_ended():
    line, ended = Timeline(EACH), alert("pump-02")
    line.step(0.0, alert(), ended)
    line.step(1.0, moved(ended, AlertReason.CLEARED))
    more = Timeline(EACH + EACH.replace("all", "more").replace("desk", "boss"))
    line.dispatcher.replan(more.plan, more.book.sinks, at(2))
    assert [(one.sink, one.mentions[0].asset) for one in line.step(2.0)] == [("boss", "pump-01")]


def test_nothing_is_told_while_older_warnings_are_still_being_read():
    line = Timeline(EACH)
    opened = alert()
    assert line.dispatcher.step([opened], at(0), is_caught_up=False).sends == ()
    assert line.step(0.1, moved(opened, AlertReason.CLEARED)) == []


def test_what_ended_long_ago_is_forgotten_and_what_is_open_is_not():
    line, ended = Timeline(EACH), alert("pump-02")
    line.step(0.0, alert(), ended)
    line.step(1.0, moved(ended, AlertReason.CLEARED))
    line.step(24.0 * 40)
    assert [key for key in line.log if key.startswith("followed/")] == [f"followed/{alert().id}"]
    assert not [key for key in line.log if key.startswith("delivery/")]


def test_a_delivered_notification_keeps_what_it_told_of_without_texts():
    line = Timeline(EACH)
    (sent,) = line.step(0.0, alert())
    kept = line.log[f"delivery/{sent.id}"]
    assert (kept.state, kept.notification.mentions) == (DeliveryState.DELIVERED, sent.mentions)
    assert (kept.notification.body, kept.notification.alerts) == ("", ())


def test_a_message_says_what_is_wrong_and_what_is_asked():
    line = Timeline(EACH)
    (sent,) = line.step(0.0, alert(act_before_us=at(72)))
    assert sent.title == "pump-01: opened, warning, plan a check"
    assert "81 degC over 80 degC" in sent.body and "to be done before 2026-01-04 00:00 UTC" in sent.body


def test_an_acknowledged_warning_that_nobody_was_told_of_is_still_told():
    assert Timeline(EACH).run({0.0: alert(state=AlertState.ACKNOWLEDGED)}, 1) == ["0.00 desk: pump-01 opened"]


def test_a_sink_that_is_gone_keeps_its_notifications_waiting():
    line = Timeline(EACH, down=["desk"])
    line.step(0.0, alert())
    line.dispatcher = type(line.dispatcher)(line.plan, ["boss"], line.log.values(), at(1))
    assert line.step(1.0) == []
    line.restart(2.0)
    line.down.clear()
    assert len(line.step(2.0)) == 1


def test_an_answer_is_taken_once():
    line = Timeline(EACH, down=["desk"])
    (first,) = line.step(0.0, alert())
    line.step(0.0, Answer(first.id, Delivered()), Answer(first.id, Failed("late word")))
    assert line.log[f"delivery/{first.id}"].state is DeliveryState.DELIVERED
    assert line.step(9.0) == []
