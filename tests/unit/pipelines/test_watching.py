"""What `forewarn alerts watch` prints."""

from __future__ import annotations

import json

from msgspec.structs import replace
from rich.console import Console

from connectors.kafka.plain import LogRecord
from models.records import Alert, AlertReason, AlertState, CloseReason, Level, Outcome, encode
from pipelines.cli.watching import line, print_alerts
from tests.kit.runs import at, by_rules, mixed, warning


def printed(*values: bytes, as_json: bool = False) -> tuple[str, str]:
    """What is said of records on the topic, and what of errors."""
    console, errors = (Console(record=True, width=300) for _ in range(2))
    records = [LogRecord(0, offset, 0, None, value, ()) for offset, value in enumerate(values)]
    print_alerts(records, console, errors, as_json=as_json)
    return console.export_text(), errors.export_text()


def told(*alerts: Alert) -> str:
    return printed(*map(encode, alerts))[0]


def test_a_warning_by_rules_alone_says_its_level_confidence_and_evidence():
    alert = by_rules("pump-01", 2)[0]
    assert told(alert).splitlines() == [
        "2026-01-01 02:00  opened    pump-01  warning, medium confidence, rules: bearing-hot 84.2 degC over 80 degC "
        "for 2 h",
        "    rules: bearing-hot, warning since 2026-01-01 00:00; 84.2 degC over 80 degC; a manual; medium confidence",
    ]


def test_a_warning_by_a_model_and_a_rule_says_both_and_what_drives_it():
    first, *evidence = told(mixed("pump-01", 2)[0]).splitlines()
    assert first == (
        "2026-01-01 02:00  opened    pump-01  warning, low confidence, hazard: 50 % in 72 h (from simulated pumps), "
        "over its limit within 72 h; also bearing-hot (rules): oil_temp_degc +4.5, +0.5 a day"
    )
    assert [one.split(":")[0].strip() for one in evidence] == ["hazard", "rules"]


def test_a_warning_by_rules_that_ended_says_what_was_told_last():
    assert (
        "cleared   pump-01  warning, medium confidence, rules: bearing-hot 84.2 degC over 80 degC when last told"
        in (told(*by_rules("pump-01", 2, 9)))
    )


def test_an_alarm_is_red_and_what_ended_is_green():
    opened, cleared = by_rules("pump-01", 2, 9, level=Level.ALARM)
    assert "[red]opened" in line(opened) and "[green]cleared" in line(cleared)


def test_what_somebody_did_says_when_by_whom_and_why():
    (opened,) = by_rules("pump-01", 2)
    outcome = Outcome(reason=CloseReason.SENSOR, by="[kim]", time_us=at(30))
    closed = replace(opened, revision=1, state=AlertState.CLOSED, reason=AlertReason.CLOSED, moved_us=at(30),
                     by="[kim]", why="loose wire", outcome=outcome)  # fmt: skip
    first = told(closed).splitlines()[0]
    assert first.startswith("2026-01-02 06:00  closed ") and first.endswith(" (by [kim]: sensor, loose wire)")


def test_names_are_not_taken_for_markup():
    assert "[red]pump" in told(by_rules("[red]pump", 2)[0])


def test_repeats_are_printed_once():
    assert told(*by_rules("pump-01", 2) * 2).count("opened") == 1


def test_for_machines_a_warning_is_its_record_with_all_evidence():
    alerts = [*by_rules("pump-01", 2), *mixed("pump-02", 3)]
    lines = printed(*map(encode, alerts), as_json=True)[0].splitlines()
    assert [[one["rung"] for one in json.loads(each)["evidence"]] for each in lines] == [["rules"], ["rules", "hazard"]]


def test_what_an_older_version_wrote_is_named_and_left_out():
    older = json.loads(encode(warning("pump-01", 2)[0]))
    del older["level"]
    said, errors = printed(json.dumps(older).encode(), *map(encode, by_rules("pump-01", 2)))
    assert said.count("opened") == 1 and "partition 0, offset 0" in errors and "level" in errors
