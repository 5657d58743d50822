"""`forewarn audit`: what is printed of entries, and of chains that are whole or broken."""

from __future__ import annotations

import json

from msgspec.structs import replace
from rich.console import Console

from pipelines.cli.auditing import checked, listed
from tests.kit.auditing import chain_name, log

ENTRIES = log([1, 1, 1, 2])


def told(entries, *noted: str, as_json: bool = False) -> tuple[bool, str]:
    console = Console(record=True, width=250)
    return checked(entries, noted, console, as_json=as_json), console.export_text()


def test_a_whole_audit_is_told_with_the_heads_to_note():
    whole, text = told(ENTRIES)
    assert whole
    assert "4 entries: the chains are whole" in text
    assert f"head: chain {chain_name(2)} number 0 hash {ENTRIES[-1].hash}" in text
    assert text.count("head: ") == 1


def test_a_broken_one_is_told_by_sentences():
    whole, text = told([ENTRIES[0], *ENTRIES[2:]])
    assert not whole
    assert f"BROKEN: chain {chain_name(1)}: entry 1 is not there" in text and "3 entries: 1 faults" in text


def test_a_head_that_was_noted_and_is_gone_is_a_fault():
    assert told(ENTRIES, ENTRIES[-1].hash)[0]
    whole, text = told(ENTRIES[:-1], ENTRIES[-1].hash)
    assert not whole and f"no entry has the hash {ENTRIES[-1].hash}" in text


def test_json_has_faults_and_heads():
    whole, text = told([replace(ENTRIES[0], status=500), *ENTRIES[1:]], as_json=True)
    said = json.loads(text)
    assert not whole and said["entries"] == 4
    assert [(one["fault"], one["number"]) for one in said["broken"]] == [("changed", 0)]
    assert said["heads"] == [{"chain": chain_name(2), "number": 0, "hash": ENTRIES[-1].hash}]


def test_the_last_entries_are_listed_and_calls_left_out_are_told():
    console = Console(record=True, width=250)
    listed([*ENTRIES[:3], replace(ENTRIES[3], by="", left_out=7)], 2, console, as_json=False)
    text = console.export_text()
    assert "limit=1" not in text and "limit=2" in text and "limit=3" in text
    assert "not known" in text and "7 calls before it were too many to be written" in text
