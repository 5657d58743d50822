"""Subscriptions as people write them: what is read, what is refused and where, and which warnings they are for."""

from __future__ import annotations

import fnmatch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.delivery.backoff import LONGEST_S, next_try_us
from models.delivery.calendar import Calendar
from models.delivery.checks import check, check_calendar, doubts
from models.delivery.errors import SubscriptionError
from models.delivery.facts import Places
from models.delivery.matching import Index
from models.delivery.reading import decode, encode, located, parse
from models.delivery.subscriptions import Match, Schedule, Subscription
from models.plant import PlantError
from models.records import Advice
from tests.kit import warned
from tests.kit.warned import alert, at, plant

GOOD = """
[sinks.desk]
kind = "webhook"
url = "http://127.0.0.1:1/"

[subscriptions.pumps]
sink = "desk"
match = { type = ["pump*"], severity = 500, tag = ["oil*"] }
schedule = { shifts = ["early", "late"], days = ["mon"], act_now = true }
group = { by = ["asset"], wait = "1min" }
repeat = "4h"
escalate = [{ after = "2h", sink = "desk" }]
flapping = { times = 2, within = "12h" }
"""


def whole(text: str) -> None:
    """Read and check as the commands do."""
    book = parse(text)
    try:
        check(book.subscriptions, book.sinks)
        check_calendar(book.subscriptions, plant())
    except SubscriptionError as wrong:
        raise SubscriptionError(located(text, str(wrong))) from wrong


def test_a_file_is_read_and_its_subscription_travels_whole():
    whole(GOOD)
    one = parse(GOOD).subscriptions["pumps"]
    assert decode(encode(one)) == one
    assert one.sinks == ("desk",) and one.repeat_us == 4 * warned.HOUR_US


@pytest.mark.parametrize(
    ("mend", "said"),
    [
        (
            ('sink = "desk"\nmatch', 'sink = "dek"\nmatch'),
            "line 7: subscriptions.pumps.sink is 'dek', but sinks are desk",
        ),
        (('repeat = "4h"', 'repeat = "4"'), "line 11: subscriptions.pumps.repeat: '4' is no duration"),
        (('repeat = "4h"', 'repeat = "1s"'), "line 11: subscriptions.pumps.repeat is 1s: give at least 60s"),
        (('after = "2h"', 'after = "soon"'), "line 12: subscriptions.pumps.escalate"),
        (
            ('"early", "late"', '"night"'),
            "line 9: subscriptions.pumps.schedule.shifts has 'night', but shifts of the plant",
        ),
        (('"mon"', '"monday"'), "line 9: subscriptions.pumps.schedule.days.*use one of mon, tue"),
        (("type =", "kind ="), "line 8: subscriptions.pumps.match.kind: .*use one of site, area"),
        (("severity = 500", "severity = 5000"), "line 8: subscriptions.pumps.match.severity"),
        (("group = {", "gruop = {"), "line 10: subscriptions.pumps.gruop"),
        (('within = "12h"', 'within = "8d"'), "line 13: subscriptions.pumps.flapping.within is 8d: give at most 7d"),
        (("[sinks.desk]", "[sinks.desk"), "not TOML"),
        (('repeat = "4h"', "on = []"), "line 11: subscriptions.pumps.on is empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_what_to_do(mend, said):
    assert mend[0] in GOOD
    with pytest.raises(SubscriptionError, match=said):
        whole(GOOD.replace(*mend))


def test_a_sink_that_takes_one_case_at_a_time_gets_no_groups():
    book = parse(GOOD)
    with pytest.raises(SubscriptionError, match="takes one warning at a time: write group"):
        check(book.subscriptions, book.sinks, by_case={"desk"})


def test_names_that_the_plant_does_not_have_are_doubts():
    book = parse('[subscriptions.a]\nsink = "x"\nmatch = { area = ["station", "cellar"], asset = ["pump-*"] }\n')
    assert list(doubts(book.subscriptions, plant())) == [
        "subscriptions.a.match.area has 'cellar', and no asset of the plant is of that"
    ]


@pytest.mark.parametrize(
    ("match", "assets"),
    [
        ({}, ["pump-01", "valve-01", "fan-01"]),
        ({"site": ("quay",)}, ["pump-01", "valve-01"]),
        ({"area": ("ro*",)}, ["fan-01"]),
        ({"type": ("pump",), "area": ("station",)}, ["pump-01"]),
        ({"asset": ("pump-01", "valve-??")}, ["pump-01", "valve-01"]),
        ({"mode": ("seal",)}, []),
        ({"severity": 401}, []),
        ({"advice": Advice.PLAN}, ["pump-01", "valve-01", "fan-01"]),
        ({"advice": Advice.ACT_NOW}, []),
        ({"tag": ("oil_temp_degc",)}, ["pump-01", "valve-01", "fan-01"]),
        ({"tag": ("PLC7.TEMP",)}, ["pump-01"]),
        ({"tag": ("vibration*",)}, []),
    ],
)
def test_a_subscription_is_for_what_fits_all_of_its_keys(match, assets):
    tagged = plant('[[tags]]\naddress = "PLC7.TEMP"\nasset = "pump-01"\nsignal = "oil_temp_degc"\n')
    index, places = Index({"one": Subscription(sink="desk", match=Match(**match))}), Places(tagged)
    assert [one for one in ("pump-01", "valve-01", "fan-01") if index.of(places.of(alert(one)))] == assets


NAMES = st.sampled_from(["pump-01", "pump-02", "valve-01", "seal-01", "fan-01", "gone"])
PATTERNS = st.lists(st.one_of(NAMES, st.sampled_from(["pump-*", "*-01", "?an-*", "[ps]*"])), max_size=3)


@given(st.lists(st.tuples(PATTERNS, st.integers(0, 1000)), max_size=40), NAMES, st.integers(1, 1000))
def test_many_subscriptions_match_as_each_does_alone(wanted, asset, severity):
    them = {
        f"s{number}": Subscription(sink="d", match=Match(asset=tuple(patterns), severity=least))
        for number, (patterns, least) in enumerate(wanted)
    }
    facts = Places(plant()).of(alert(asset, severity=severity))
    alone = [
        name
        for name, one in them.items()
        if severity >= one.match.severity
        and (not one.match.asset or any(fnmatch.fnmatchcase(asset, pattern) for pattern in one.match.asset))
    ]
    assert Index(them).of(facts) == alone


def test_a_timer_that_begins_at_the_end_of_a_shift_goes_on_in_the_next():
    calendar, early = Calendar(plant()), Schedule(shifts=("early",))
    assert calendar.after(early, at(13.5), 3600 * 1_000_000) == at(30.5)
    assert calendar.after(Schedule(), at(13.5), 3600 * 1_000_000) == at(14.5)


def test_a_shift_that_the_calendar_does_not_have_silences_nobody():
    assert Calendar(plant()).is_on(Schedule(shifts=("night",)), at(3))


def test_tries_come_later_and_later_and_at_the_same_times_after_a_restart():
    tries = [next_try_us("n", attempts, 0) / 1e6 for attempts in range(1, 40)]
    assert tries == [next_try_us("n", attempts, 0) / 1e6 for attempts in range(1, 40)]
    assert 1 <= tries[0] <= 2 and 2 <= tries[1] <= 4 and max(tries) <= LONGEST_S
    assert next_try_us("n", 1, 0) != next_try_us("m", 1, 0)


def test_retry_after_is_heeded_up_to_a_day():
    assert next_try_us("n", 1, 0, 100.0) == 100_000_000
    assert next_try_us("n", 1, 0, 1e9) == 86_400_000_000
    assert next_try_us("n", 1, 0, -5.0) >= 1_000_000


def test_a_parent_has_to_be_there():
    with pytest.raises(PlantError, match=r"line \d+: assets.x-01.parent is 'y-01', which is no asset of the plant"):
        plant('[assets.x-01]\ntype = "pump"\nparent = "y-01"\n')


def test_parents_make_no_ring():
    ring = "".join(f'[assets.x-0{one}]\ntype = "pump"\nparent = "x-0{one % 3 + 1}"\n' for one in (1, 2, 3))
    with pytest.raises(PlantError, match=r"assets\.x-01\.parent leads back to it by x-02, x-03, x-01"):
        plant(ring)


def test_the_assets_above_one_are_in_order():
    assert list(plant().above("seal-01")) == ["valve-01", "pump-01"]
    assert list(plant().above("nobody")) == []


def test_a_parent_of_another_site_is_nobodys_in_the_plant_of_one_site():
    there = plant('[assets.x-01]\ntype = "pump"\nsite = "mill"\nparent = "pump-01"\n').of_site("mill")
    assert there.assets["x-01"].parent is None


def test_content_that_is_no_subscription_is_told():
    with pytest.raises(SubscriptionError, match="no subscription"):
        decode(msgspec.json.encode({"sink": "a", "matches": {}}))
