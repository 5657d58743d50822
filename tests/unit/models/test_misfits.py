"""What does not fit is told with its place by names and with what there is to choose from."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from msgspec import Struct

from models.misfits import Misfit, fit


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Round(Struct, tag_field="shape", tag="round", forbid_unknown_fields=True):
    radius: float


class Flat(Struct, tag_field="shape", tag="flat", forbid_unknown_fields=True):
    colour: Colour
    side: Literal["a", "b"] | None = None


class Box(Struct, forbid_unknown_fields=True):
    things: dict[str, tuple[Round | Flat, ...]] = {}
    by_colour: dict[Colour, int] = {}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"thing": 1}, "thing: Object contains unknown field `thing`: use one of things, by_colour"),
        (
            {"things": {"x": [{"shape": "flat"}]}},
            "things.x[0]: Object missing required field `colour`: use one of red, blue",
        ),
        ({"things": {"x": [{"shape": "round"}]}}, "things.x[0]: Object missing required field `radius`"),
        ({"things": {"x": [{}]}}, "things.x[0]: Object missing required field `shape`: use one of round, flat"),
        ({"things": {"x": [{"shape": "flt"}]}}, "things.x[0].shape: Invalid value 'flt': use one of round, flat"),
        (
            {"things": {"x": [], "y": [{"shape": "flat", "colour": "green"}]}},
            "things.y[0].colour: Invalid enum value 'green': use one of red, blue",
        ),
        (
            {"things": {"x": [{"shape": "flat", "colour": "red", "side": "c"}]}},
            "things.x[0].side: Invalid enum value 'c': use one of a, b",
        ),
        ({"by_colour": {"green": 1}}, "by_colour: Invalid enum value 'green': use one of red, blue"),
        ({"by_colour": {"red": "x"}}, "by_colour.red: Expected `int`, got `str`"),
        ([], "Expected `object`, got `array`"),
    ],
)  # fmt: skip
def test_a_misfit_names_its_place_and_the_choices(content: object, said: str) -> None:
    with pytest.raises(Misfit) as told:
        fit(content, Box)
    assert str(told.value) == said
