"""Parts and quality results from CSV files onto their topic, and their counts as a private release for other plants.

Who worked at a station is told by a pseudonym alone: names do not leave the machine that reads the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from models.plant import Plant, Station
from models.records import Part, QualityResult, key_of
from models.tuning.masking import is_masked, masked
from pipelines.cli.lined import lines, number, say, send, time_of
from pipelines.cli.planning_error import PlanError
from pipelines.plant_file import PlantFile
from pipelines.settings import Settings
from pipelines.topics import Topic

PART_COLUMNS = ("asset", "part", "product", "time")
RESULT_COLUMNS = ("asset", "defects", "found")
NO_KEY = (
    "the file names operators, who are told by pseudonyms: set FOREWARN_MASK_KEY to a secret of 16 characters or more, "
    "the same each time, or leave the column out"
)


def put_parts(settings: Settings, file: Path, console: Console, *, as_json: bool) -> None:
    """Publish the parts of a file. Raises PlanError with the line that is wrong; then none is sent."""
    plant, key = PlantFile(settings.plant, settings.site).plant, settings.mask_key.get_secret_value().encode()
    found = [_part(plant, key, row, f"{file}, line {at}") for at, row in lines(file, PART_COLUMNS)]
    if not found:
        raise PlanError(f"{file} has no parts: write one a line below its first")
    send(settings, Topic.QUALITY, [(key_of(one.plant, one.asset), one) for one in found])
    say(console, as_json, parts=len(found), operators=len({one.operator for one in found if one.operator}))


def put_results(settings: Settings, file: Path, console: Console, *, as_json: bool) -> None:
    """Publish what was found of parts. Raises PlanError with the line that is wrong; then none is sent."""
    plant = PlantFile(settings.plant, settings.site).plant
    found = [_result(plant, row, f"{file}, line {at}") for at, row in lines(file, RESULT_COLUMNS)]
    if not found:
        raise PlanError(f"{file} has no results: write one a line below its first")
    send(settings, Topic.QUALITY, [(key_of(one.plant, one.asset), one) for one in found])
    say(console, as_json, results=len(found), defects=sum(one.defects for one in found))


def _part(plant: Plant, key: bytes, row: dict[str, str], where: str) -> Part:
    station = _station(plant, row["asset"], where)
    values = {
        name: float(number(text, where, name))
        for name, text in row.items()
        if text and name not in (*PART_COLUMNS, "units", "lot", "operator")
    }
    settings = {name: values.pop(f"set_{name}", values.get(name)) for name in station.parameters}
    missing = [name for name, value in settings.items() if value is None]
    if missing:
        raise PlanError(f"{where}: {', '.join(missing)} is missing: the settings that a part was made at")
    said: dict[str, Any] = {
        "plant": plant.plant, "asset": row["asset"], "part": row["part"], "product": row["product"],
        "time_us": time_of(plant, row["time"], where), "settings": settings, "measured": values,
        "units": number(row.get("units") or "1", where, "units"), "lot": row.get("lot") or "",
        "operator": _masked(row.get("operator"), key, where),
    }  # fmt: skip
    return _made({"type": "part", **said}, Part, where)


def _result(plant: Plant, row: dict[str, str], where: str) -> QualityResult:
    _station(plant, row["asset"], where)
    found_us = time_of(plant, row["found"], where)
    made, part = row.get("time"), row.get("part") or None
    if part is None and not made:
        raise PlanError(f"{where}: neither part nor time is there: by one of them a result is joined with its part")
    said: dict[str, Any] = {
        "plant": plant.plant, "asset": row["asset"], "part": part, "found_us": found_us,
        "time_us": time_of(plant, made, where) if made else found_us,
        "defects": number(row["defects"], where, "defects"), "units": number(row.get("units") or "1", where, "units"),
        "kind": row.get("kind") or "",
    }  # fmt: skip
    return _made({"type": "quality-result", **said}, QualityResult, where)


def _station(plant: Plant, asset: str, where: str) -> Station:
    stations = plant.tuning.stations if plant.tuning else {}
    found = stations.get(asset) or next((one for one in stations.values() if one.pair == asset), None)
    if found is None:
        raise PlanError(
            f"{where}: '{asset}' is no station of the plant file, nor beside one: there are "
            f"{', '.join(sorted(stations)) or 'none: add [tuning.stations.NAME]'}"
        )
    return found


def _masked(operator: str | None, key: bytes, where: str) -> str | None:
    if not operator or is_masked(operator):
        return operator or None
    if not key:
        raise PlanError(f"{where}: {NO_KEY}")
    try:
        return masked(operator, key)
    except ValueError as wrong:
        raise PlanError(f"FOREWARN_MASK_KEY: {wrong}") from wrong


def _made(said: dict[str, Any], kind: type[Any], where: str) -> Any:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as wrong:
        what, _, place = str(wrong).partition(" - at `$.")
        raise PlanError(f"{where}: {place.rstrip('`') or 'it'}: {what[:1].lower()}{what[1:]}") from wrong
