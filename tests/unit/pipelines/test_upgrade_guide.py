"""The guide of upgrades says what is so: commands, roles, settings, tests and words of the log that there are."""

from __future__ import annotations

import re

from pipelines.roles import FEED, ROLES
from tests.unit.infra.deployed import ROOT, SETTINGS, named_settings

GUIDE = ROOT / "infra" / "UPGRADE.md"
TEXT = GUIDE.read_text()


def test_each_role_has_its_place_in_the_order():
    steps = [line for line in TEXT.splitlines() if re.match(r"\| \d \|", line)]
    told = {word for line in steps for word in re.findall(r"[a-z]+", line.split("|")[2])}
    assert {role.name for role in (*ROLES, FEED)} <= told


def test_who_reads_what_workers_say_goes_over_before_them_and_who_writes_records_later():
    order = re.findall(r"^\| (\d) \| ([^|]*) \|", TEXT, re.MULTILINE)
    step = {name: int(number) for number, roles in order for name in re.findall(r"[a-z]+", roles)}
    by_name = {role.name: role for role in ROLES}
    for name in ("deliver", "plan", "tune", "console"):
        assert by_name[name].reads and step[name] < step["worker"]
    assert step["worker"] < step["rebuild"] and step["worker"] < step["connect"]


def test_settings_tests_and_words_of_the_log_are_there():
    assert named_settings(TEXT) <= SETTINGS
    for path in re.findall(r"`((?:tests|pipelines)/[\w/]+\.py)`", TEXT):
        assert (ROOT / path).is_file(), path
    source = "".join(
        path.read_text() for folder in ("pipelines", "connectors", "models") for path in (ROOT / folder).rglob("*.py")
    )
    joined = re.sub(r'"\s+f?"', "", source)
    told = re.findall(r"^\| `([^`]+)` \| [^|]* \| [^|]*\|$", TEXT[TEXT.index("What a worker says now") :], re.MULTILINE)
    assert len(told) >= 5
    for words in told:
        if not words.startswith("FOREWARN_"):
            assert words in joined, words
    for words in ("warning-unreadable", "unfit-rebuild", "not-a-record", "plant-refused"):
        assert words in TEXT and words in joined
