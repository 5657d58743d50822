"""Texts of TOML files to one plant, and errors with the file and line. Nothing is opened here.

Files are put together by the names in them: `[types.pump]` stands whole in one file, `[types.fan]` may stand in
another; `[[tags]]` and `[[shifts]]` add up; what stands at the top, such as `plant`, stands in one file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from models.plant.checks import check
from models.plant.errors import PlantError
from models.plant.fitting import fitted
from models.plant.lines import line_of, nearest
from models.plant.plant import Plant

_BY_NAME = ("types", "assets", "thresholds")
_IN_SEQUENCE = ("tags", "shifts")


def parse(text: str) -> Plant:
    """The plant in a TOML text; raises PlantError naming the line, the place and the mend."""
    return parse_files({"": text})


def parse_files(texts: Mapping[str, str]) -> Plant:
    """The plant in TOML texts by the names of their files; raises PlantError naming the file, too."""
    whole = _Whole(texts)
    for file in sorted(texts):
        whole.add(file)
    try:
        plant = fitted(whole.content)
        check(plant)
    except PlantError as wrong:
        raise PlantError(whole.located(str(wrong))) from wrong
    return plant


class _Whole:
    """The content of all files as one, and where each thing came from."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.content: dict[str, Any] = {}
        self._sources: dict[str, tuple[str, str]] = {}  # place in the whole -> file and place in it

    def add(self, file: str) -> None:
        """Put a file's content to that of the others. Raises PlantError where it is no TOML, or says a thing again."""
        try:
            content = tomllib.loads(self._texts[file])
        except tomllib.TOMLDecodeError as wrong:
            raise PlantError(f"{_named(file)}the plant file is not TOML: {wrong}") from wrong
        for key, value in content.items():
            known = self.content.get(key)
            if key in _BY_NAME and isinstance(value, dict) and isinstance(known, dict | None):
                self._sources.setdefault(key, (file, key))
                for name, inner in value.items():
                    self._put(self.content.setdefault(key, {}), name, inner, f"{key}.{name}", file)
                self.content.setdefault(key, {})
            elif key in _IN_SEQUENCE and isinstance(value, list) and isinstance(known, list | None):
                self._extend(key, value, file)
            else:
                self._put(self.content, key, value, key, file)

    def _put(self, into: dict[str, Any], name: str, value: Any, place: str, file: str) -> None:
        if name in into:
            first = self._sources[place][0]
            before, again = (f"{one}, line {line_of(self._texts[one], place)}" for one in (first, file))
            raise PlantError(f"{place} is in {before} and in {again}: leave it in one of them")
        into[name] = value
        self._sources[place] = file, place

    def _extend(self, key: str, value: list[Any], file: str) -> None:
        into = self.content.setdefault(key, [])
        self._sources.setdefault(key, (file, key))
        for number, one in enumerate(value):
            self._sources[f"{key}[{len(into)}]"] = file, f"{key}[{number}]"
            into.append(one)

    def located(self, message: str) -> str:
        """The message with its file and line, where it begins with a place that a file has."""
        place = nearest(self._sources, message)
        if place is None:
            return message
        file, there = self._sources[place]
        there += message[len(place) :]
        return f"{_named(file)}line {line_of(self._texts[file], there)}: {there}"


def _named(file: str) -> str:
    return f"{file}: " if file else ""
