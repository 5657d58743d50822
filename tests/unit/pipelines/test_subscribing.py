"""`forewarn subscriptions` without servers: a file is checked, a warning is tried out, and what is wrong is told."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from models.delivery.errors import SubscriptionError
from models.delivery.plan import Plan
from models.delivery.reading import parse
from models.delivery.trying import tried
from models.records import Advice, AlertReason, encode
from pipelines.cli import subscribing
from pipelines.cli.book import read_book
from pipelines.cli.delivery_desk import Told
from pipelines.settings import Settings
from tests.kit.warned import PLANT, alert, at, moved, plant

BOOK = """
[sinks.hook]
kind = "webhook"
url = "http://127.0.0.1:1/"
[sinks.own]
kind = "topic"
topic = "mine"
[subscriptions.pumps]
sink = "hook"
match = { type = ["pump"], severity = 300 }
schedule = { shifts = ["early"] }
escalate = [{ after = "2h", sink = "own" }]
[subscriptions.cellar]
sink = "own"
match = { area = ["cellar"], severity = 900 }
"""
MADE_UP = Told("pump-01", "any", 500, Advice.PLAN)


@pytest.fixture
def settings(tmp_path) -> Settings:
    (tmp_path / "plant.toml").write_text(PLANT)
    (tmp_path / "subscriptions.toml").write_text(BOOK)
    return Settings(kafka="127.0.0.1:1", plant=tmp_path / "plant.toml", subscriptions=tmp_path / "subscriptions.toml")


def said(call, *arguments, **options) -> str:
    console = Console(file=io.StringIO(), width=200)
    call(*arguments, console, **options)
    return console.file.getvalue()


def test_a_trial_says_who_gets_a_warning_when_and_who_not_and_why():
    pumps, cellar = tried(Plan(plant(), parse(BOOK).subscriptions), alert(), at(1))
    assert (pumps.sink, pumps.at_us, pumps.group) == ("hook", at(6), (("site", "quay"), ("area", "station")))
    assert pumps.escalates == (("own", at(8)),)
    assert (cellar.at_us, cellar.unlike) == (None, ("area", "severity"))


def test_a_reason_that_is_not_asked_for_is_why_not():
    (pumps, _) = tried(Plan(plant(), parse(BOOK).subscriptions), moved(alert(), AlertReason.COMMENTED), at(7))
    assert pumps.unlike == ("on",)


def test_within_a_shift_it_is_told_after_the_wait_of_its_group():
    (pumps, _) = tried(Plan(plant(), parse(BOOK).subscriptions), alert(), at(7))
    assert pumps.at_us == at(7) + 30_000_000


def test_a_warning_is_made_up_or_read_from_a_file(settings, tmp_path):
    shown = said(subscribing.try_out, settings, None, MADE_UP, at(1), as_json=False)
    assert "2026-01-01 06:00" in shown and "other area, severity" in shown and "2026-01-01 08:00 own" in shown
    (tmp_path / "warning.json").write_bytes(encode(alert("fan-01")))
    told = json.loads(said(subscribing.try_out, settings, tmp_path / "warning.json", MADE_UP, at(1), as_json=True))
    assert told[0]["group"] == {"site": "mill", "area": "roof"}


@pytest.mark.parametrize(
    ("text", "why"), [("{", "is no warning"), ('{"type":"tick","plant":"p","time_us":1}', "is a Tick")]
)
def test_a_file_that_is_no_warning_is_told(settings, tmp_path, text, why):
    (tmp_path / "warning.json").write_text(text)
    with pytest.raises(SubscriptionError, match=why):
        said(subscribing.try_out, settings, tmp_path / "warning.json", MADE_UP, at(1), as_json=False)


def test_an_asset_that_is_none_is_told(settings):
    with pytest.raises(SubscriptionError, match="no asset 'x'"):
        said(subscribing.try_out, settings, None, MADE_UP._replace(asset="x"), at(1), as_json=False)


def test_a_check_says_what_the_file_holds_and_names_doubts(settings):
    shown = said(subscribing.check, settings, None)
    assert "2 subscriptions to 2 sinks fit plant 'north'" in shown
    assert "doubt: subscriptions.cellar.match.area has 'cellar'" in shown


@pytest.mark.parametrize(
    ("mend", "why"),
    [
        (("url =", "uri ="), r"subscriptions\.toml: line 4: sinks\.hook\.uri: .*use one of url"),
        (('kind = "topic"', 'kind = "pigeon"'), r"line 6: sinks\.own\.kind is 'pigeon': use one of apprise"),
        (('"early"', '"night"'), r"line 11: subscriptions\.pumps\.schedule\.shifts has 'night'"),
        (('sink = "hook"', 'sink = "hock"'), r"line 9: subscriptions\.pumps\.sink is 'hock', but sinks are hook, own"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name_and_line(settings, mend, why):
    settings.subscriptions.write_text(BOOK.replace(*mend))
    with pytest.raises(SubscriptionError, match=why):
        read_book(settings.subscriptions, plant())


def test_without_a_file_it_is_told_where_to_name_one():
    with pytest.raises(SubscriptionError, match="FOREWARN_SUBSCRIPTIONS"):
        read_book(None, plant())


def test_subscriptions_that_are_added_bring_no_sinks(settings, tmp_path):
    (tmp_path / "mine.toml").write_text(BOOK)
    with pytest.raises(SubscriptionError, match="take them out here"):
        said(subscribing.add, settings, tmp_path / "mine.toml", "me")
