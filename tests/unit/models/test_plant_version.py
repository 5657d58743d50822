"""The version of a plant: what changes it and what does not."""

from __future__ import annotations

import re

import pytest

from models.plant import parse
from tests.kit import tiny

MORE = """
[[shifts]]
name = "early"
days = ["mon"]
from = "06:00"
to = "14:00"
[[shifts]]
name = "late"
days = ["mon"]
from = "14:00"
to = "22:00"
[[tags]]
address = "a"
asset = "pump-01"
signal = "temp_degc"
[[tags]]
address = "b"
asset = "pump-01"
signal = "temp_degc"
valid_to = 2026-01-31T06:00:00Z
"""
TEXT = f"holidays = [2026-12-25, 2027-01-01]\n{tiny.PLANT_TOML}{MORE}"


def version(text: str) -> str:
    return parse(text).version


def test_a_version_is_short_and_the_same_in_every_process():
    assert re.fullmatch("[0-9a-f]{12}", version(TEXT))
    assert (
        version('plant = "x"\n[types]\n[assets]\n') == "3b65dc2aa242"
    )  # sha256 of {"assets":{},"plant":"x","types":{}}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('kind = "gauge"', 'kind = "gauge" # a comment'),
        ('kind = "gauge"', 'kind = "gauge"\nsampling = "periodic"'),
        ('sampling = "on-change"', 'sampling = "on-change"\nstepped = true'),
        ("[2026-12-25, 2027-01-01]", "[2027-01-01, 2026-12-25]"),
        ("2026-01-31T06:00:00Z", "2026-01-31T07:00:00+01:00"),
        ("range = [0, 25]", "range = [0.0, 25.0]"),
        ('[assets.pump-01]\ntype = "pump"\n[assets.pump-02]', '[assets.pump-02]\ntype = "pump"\n[assets.pump-01]'),
    ],
)
def test_what_means_the_same_has_the_same_version(old, new):
    changed = TEXT.replace(old, new, 1)
    assert changed != TEXT
    assert version(changed) == version(TEXT)


def test_the_order_of_tags_and_shifts_is_no_meaning():
    head, *parts = re.split(r"(?=^\[\[)", TEXT, flags=re.MULTILINE)
    assert version(head + "".join(reversed(parts))) == version(TEXT)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('unit = "bar"', 'unit = "kPa"'),
        ("2026-01-31T06:00:00Z", "2026-01-31T06:00:01Z"),
        ('address = "a"', 'address = "c"'),
        ("2027-01-01", "2027-01-02"),
        ('to = "22:00"', 'to = "21:00"'),
        ('type = "fan"', 'type = "fan"\ncriticality = "B"'),
        ("[assets.pump-03]", "[assets.pump-04]"),
        (
            '[types.pump.signals.is_running]\nkind = "boolean"\n[types.pump.signals.mode]\nkind = "text"',
            '[types.pump.signals.mode]\nkind = "text"\n[types.pump.signals.is_running]\nkind = "boolean"',
        ),
    ],
)
def test_what_means_something_else_has_another_version(old, new):
    changed = TEXT.replace(old, new, 1)
    assert changed != TEXT
    assert version(changed) != version(TEXT)
