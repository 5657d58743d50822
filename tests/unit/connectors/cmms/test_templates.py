"""Templates of notifications: the shipped ones, a plant's own over them, and what is told of one that cannot work."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.cmms.filling import cut, filled, priority_of, reference_of, words_of
from connectors.cmms.objects import Object, objects_of
from connectors.cmms.systems import systems
from connectors.cmms.templates import SHIPPED, misfits, size, template_of
from connectors.delivery import SinkError
from models.records import Advice, CloseReason
from tests.kit.cmms_rigs import notifications
from tests.kit.warned import alert

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))
WITH_TEMPLATES = [name for name, module in systems().items() if module.__name__.rpartition(".")[2] in NAMES]


def own(folder: Path, text: str) -> str:
    path = folder / "own.toml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("system", WITH_TEMPLATES)
def test_a_shipped_template_can_be_used_and_says_how_sure_its_facts_are(system):
    assert list(misfits(template_of(system))) == []


def test_every_shipped_template_is_of_a_system_and_says_that_only_a_stub_took_it():
    assert len(WITH_TEMPLATES) == len(NAMES) >= 2
    for name in NAMES:
        text = (SHIPPED / f"{name}.toml").read_text()
        assert "Tested against a stub only" in text and "R recalled" in text


def test_a_plants_own_template_takes_the_place_key_by_key(tmp_path):
    mine = template_of(
        "sap-pm", own(tmp_path, '[priorities]\nplan = "2"\n[ends]\nclosed = ["OVER"]\n[close]\nX = "sensor"\n')
    )
    shipped = template_of("sap-pm")
    assert mine.priorities == shipped.priorities | {Advice.PLAN: "2"}
    assert mine.ends.closed == ("OVER",) and mine.ends.void == shipped.ends.void
    assert mine.close == shipped.close | {"X": CloseReason.SENSOR}
    assert mine.create == shipped.create


def test_a_priority_is_that_of_the_advice_or_of_the_severity_that_is_reached(tmp_path):
    mine = template_of("sap-pm", own(tmp_path, '[severities]\n"1" = 800\n"2" = 600\n'))
    assert [priority_of(mine, alert(severity=each)) for each in (599, 600, 799, 800)] == ["3", "2", "2", "1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[create]\nNoField = "x"', r"create.NoField is no field of \[fields\]: use one of NotificationText"),
        (
            '[create]\nNotificationText = "{titel}"',
            r"create.NotificationText has {titel}, which there is not: use one of",
        ),
        ('[create]\nNotificationText = "{"', "create.NotificationText is no template"),
        ('[create]\nNotificationText = "{title!r}"', "a word in braces stands alone"),
        ('[update]\nNotificationType = "LONG"', "update.NotificationType has 4 characters, but there is room for 2"),
        (
            '[create]\nMalfunctionStartDate = "today"',
            "create.MalfunctionStartDate is a date: use one of act_before, opened",
        ),
        ('[create]\nMaintenanceObjectIsDown = "x"', "create.MaintenanceObjectIsDown is 'x', but bool"),
        ("[create]\nNotificationText = true", "create.NotificationText is True, but 40"),
        ('[create]\nMaintNotifExtReferenceNumber = ""', "must have {reference} in it"),
        ('[close]\nX = "mended"', "line 2: close.X.*use one of found-and-repaired"),
        ("[create", "is not TOML"),
    ],
)
def test_what_cannot_work_is_told_with_its_place(tmp_path, text, said):
    with pytest.raises(SinkError, match=rf"^template .*own.toml.*{said}"):
        template_of("sap-pm", own(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[assets.pump-01]\n", "assets.pump-01 has neither equipment nor location"),
        ('[assets.pump-01]\nequipment = "1"\nfields = { No = "x" }', "assets.pump-01.fields.No is no field"),
        ('[assets.pump-01]\nequpment = "1"', "line 2: assets.pump-01.equpment.*use one of equipment"),
    ],
)
def test_an_objects_that_cannot_work_is_told_with_its_place(tmp_path, text, said):
    with pytest.raises(SinkError, match=f"^objects .*{said}"):
        objects_of(own(tmp_path, text), template_of("sap-pm"))


def test_a_reference_is_the_beginning_of_the_id_in_capitals():
    assert reference_of("ac6b217d52c827d9f15474774adcf536") == "FWAC6B217D52C827D9F1"


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        ("short", 5, "short"),
        ("one two three four", 15, "one two three…"),
        ("one two three", 11, "one two th…"),
        ("unbroken", 4, "unb…"),
        ("first line\nsecond", 13, "first line…"),
        ("a\nlong second line", 12, "a\nlong seco…"),
        ("any", 0, ""),
    ],
)
def test_a_text_is_cut_at_its_words(text, room, kept):
    assert cut(text, room) == kept and size(cut(text, room)) <= room


def test_of_two_texts_in_a_field_the_body_is_cut_before_the_title(tmp_path):
    (told,) = notifications(alert())
    for room, said in [(45, "pump-01: opened, warning, plan a check|rules…"), (12, "pump-01: o…|")]:
        mine = template_of("sap-pm", own(tmp_path, f"[fields]\nNotificationText = {room}"))
        words = words_of(mine, told, Object(equipment="1"))
        assert filled(mine, {"NotificationText": "{title}|{text}"}, words, ZoneInfo("UTC")) == {
            "NotificationText": said
        }


def test_a_sign_of_two_units_is_not_cut_in_half():
    assert size("🔧") == 2
    assert cut("🔧🔧🔧", 4) == "🔧…"
