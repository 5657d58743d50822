"""What a page is made of where a server, or the machine in the plant file, is away."""

from __future__ import annotations

import polars as pl
import pytest
from msgspec.structs import replace

from models.alerting.track import Track
from models.records import CloseReason, Maintenance, MaintenanceAction
from pipelines.cli.page import gather
from pipelines.cli.page.gather import facts_of
from pipelines.ports import StoreDown
from pipelines.settings import Settings
from tests.kit.closing import close
from tests.kit.paged import FOLDER, case
from tests.kit.runs import at

CASE = case()
LIKE = [
    close(replace(case(), id=f"{number}", **says), outcome, 9)
    for number, (says, outcome) in enumerate([
        ({"asset": "pump-02"}, CloseReason.REPAIRED), ({}, CloseReason.NOTHING_FOUND), ({}, CloseReason.NOT_INSPECTED),
        ({"mode": "OHE"}, CloseReason.REPAIRED), ({"asset": "fan-01"}, CloseReason.REPAIRED),
        ({"historical": True}, CloseReason.REPAIRED),
    ])
]  # fmt: skip


@pytest.fixture
def facts(monkeypatch):
    """Facts of a case, with what the store says in the place of InfluxDB."""

    def made(stored, of=CASE):
        async def answer(*_):
            if isinstance(stored, Exception):
                raise stored
            return stored

        monkeypatch.setattr(gather, "warnings_of", lambda _: {one.id: one for one in (of, *LIKE)})
        monkeypatch.setattr(gather, "_baselines", lambda *_: [])
        monkeypatch.setattr(gather, "_stored", answer)
        return facts_of(Settings(plant=FOLDER), "3fa9", at(3))

    return made


def test_rows_become_trends_and_work_and_settings_what_changed(facts):
    rows = pl.DataFrame(
        {"time_us": [at(-60), at(-1), at(0)], "vibration_mm_s": [3.0, 5.0, 5.5], "medium": ["water", "slurry", None]}
    )
    work = Maintenance(plant="waterworks", asset="pump-01", time_us=at(-30), action=MaintenanceAction.REPAIRED)
    found = facts((rows, [work], at(1)))
    assert [(one.signal, one.points) for one in found.trends] == [
        ("vibration_mm_s", ((at(-60), 3.0), (at(-1), 5.0), (at(0), 5.5))),
    ]  # fmt: skip
    assert [one.what for one in found.changed] == ["medium from water to slurry", "repaired"]
    assert found.trends_to_us == at(1)


def test_where_influxdb_is_away_trends_and_changes_say_so_and_the_rest_stands(facts):
    found = facts(StoreDown("InfluxDB at http://x does not answer a query; see that it runs"))
    assert found.trends == found.changed == "Not told: InfluxDB at http://x does not answer a query; see that it runs."
    assert found.like_it == Track(2, 1)


def test_any_other_fault_is_no_missing_part(facts):
    with pytest.raises(ValueError, match="odd"):
        facts(ValueError("odd"))


def test_a_machine_that_is_in_the_plant_file_no_more_has_no_signals(facts):
    found = facts(ValueError("nothing is asked"), case(asset="gone"))
    assert "in the plant file no more" in str(found.trends)


def test_like_it_are_closed_live_cases_of_the_same_type_and_mode(facts):
    assert facts(StoreDown("away")).like_it == Track(inspected=2, found=1)
