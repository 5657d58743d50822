"""What is said of files of orders and tariffs that do not fit, and how times by the plant's clock are read."""

from __future__ import annotations

import asyncio

import pytest
from typer.testing import CliRunner

from pipelines.cli import app, ordering, planned, planned_chart, planning
from pipelines.cli.planning_error import PlanError
from pipelines.settings import Settings
from tests.kit.production import FOLDER


@pytest.fixture
def sent(monkeypatch):
    found = []
    monkeypatch.setattr(ordering, "send", lambda _settings, _topic, records: found.extend(one for _, one in records))
    monkeypatch.setattr(ordering, "say", lambda *_, **__: None)
    return found


def put(tmp_path, text, tariffs=False):
    file = tmp_path / "some.csv"
    file.write_text(text)
    settings = Settings(plant=FOLDER / "plant.toml")
    if tariffs:
        ordering.put_tariffs(settings, file, "test", None, as_json=True)
    else:
        ordering.put_orders(settings, file, None, as_json=True)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "has no orders"),
        ("A,cover,0,2026-11-28T12:00", "line 2: units is 0: expected `int` >= 1"),
        ("A,cover,1.5,2026-11-28T12:00", "line 2: units is 1.5: expected `int`"),
        (",cover,1,2026-11-28T12:00", "line 2: order is empty"),
        ("A,cover,1,2026-11-28T12:00\nA,cover,2,2026-11-28T12:00", "order A is there 2 times"),
        ("A,cover,1,2026-11-28T12:00,and,more", "is no CSV file with commas"),
    ],
)
def test_an_order_that_does_not_fit_is_told_in_one_line_and_none_is_sent(tmp_path, sent, lines, says):
    with pytest.raises(PlanError) as told:
        put(tmp_path, f"order,product,units,due\n{lines}\n")
    assert says in str(told.value) and "\n" not in str(told.value)
    assert sent == []


@pytest.mark.parametrize("price", ["1e400", "1e308", "NaN", "1" + "0" * 400])
def test_a_price_that_no_sum_can_hold_is_refused_with_its_line(tmp_path, sent, price):
    with pytest.raises(PlanError, match="line 3: price is"):
        put(tmp_path, f"time,price\n2026-11-28T00:00,0.1\n2026-11-28T01:00,{price}\n", tariffs=True)
    assert sent == []


def test_the_hour_that_clocks_show_twice_is_two_hours(tmp_path, sent):
    hours = ("00", "01", "02", "02", "03")
    put(tmp_path, "time,price\n" + "".join(f"2026-10-25T{hour}:00,0.1\n" for hour in hours), tariffs=True)
    assert [len(one.price_per_kwh) for one in sent] == [5]


def test_an_hour_that_clocks_leave_out_is_told_of_with_what_to_write(tmp_path, sent):
    rows = "".join(f"2026-03-29T{hour}:00,0.1\n" for hour in ("00", "01", "02", "03"))
    with pytest.raises(PlanError, match="write their zone"):
        put(tmp_path, f"time,price\n{rows}", tariffs=True)


@pytest.mark.parametrize("option", [("--dry",), ("--json",), ("--at", "2026-03-02T06:00Z")])
def test_options_of_one_plan_are_refused_by_the_role(option):
    said = CliRunner().invoke(app, ["plan", *option], env={"COLUMNS": "200"})
    assert said.exit_code == 2 and "go with --once" in said.output


def test_a_picture_of_another_kind_is_refused(tmp_path):
    with pytest.raises(PlanError, match=r"ends in \.svg or \.png"):
        planned_chart.draw(None, "UTC", tmp_path / "plan.txt")


def test_what_cannot_be_read_is_no_plan():
    assert planned.readable(b"{") is None and planned.readable(None) is None


def test_a_stop_does_not_wait_for_a_kafka_that_is_away(monkeypatch):
    asked = {}

    class Stopped(Exception):
        """Ends the role where it would begin."""

    def publisher(*_, forgets=False):
        asked["forgets"] = forgets
        raise Stopped

    monkeypatch.setattr(planning, "KafkaPublisher", publisher)
    monkeypatch.setattr(planning, "to_stderr", lambda *_: None)
    with pytest.raises(Stopped):
        asyncio.run(planning.run(Settings(plant=FOLDER / "plant.toml"), 1.0))
    assert asked == {"forgets": True}  # aiokafka's own stop sends what waits first
