"""Tags: which address was which signal at a time, and what a plant file may not say of it."""

from __future__ import annotations

import pytest

from models.plant import PlantError, parse
from models.plant.tags import Tag, TagError, Tags
from tests.kit import tiny


def tag(address: str = "a", signal: str = "temp_degc", **rest) -> Tag:
    return Tag(address=address, asset="pump-01", signal=signal, **rest)


def plant_with(text: str):
    return parse(f"{tiny.PLANT_TOML}\n[[tags]]\naddress = 'a'\nasset = 'pump-01'\n{text}")


def test_an_address_means_what_it_meant_at_the_time_asked_for() -> None:
    tags = Tags([tag(signal="pressure_bar", from_us=10), tag(to_us=10)])
    assert [tags.find("a", time_us, "f:x").signal for time_us in (0, 9, 10, 11)] == ["temp_degc"] * 2 + [
        "pressure_bar"
    ] * 2


def test_an_address_means_nothing_in_a_gap_before_the_first_and_after_the_last() -> None:
    tags = Tags([tag(from_us=5, to_us=10), tag(from_us=20, to_us=30)])
    assert [tags.find("a", time_us, "f:x") is None for time_us in (4, 5, 9, 10, 19, 20, 29, 30)] == [
        True, False, False, True, True, False, False, True,
    ]  # fmt: skip


def test_an_address_that_is_none_is_not_found() -> None:
    assert Tags([tag()]).find("b", 0, "f:x") is None


def test_two_meanings_at_once_are_an_error_that_names_both() -> None:
    with pytest.raises(TagError, match=r"pump-01\.temp_degc and pump-01\.pressure_bar"):
        Tags([tag(to_us=11), tag(signal="pressure_bar", from_us=10)])


def test_equal_addresses_of_two_feeds_are_two_signals() -> None:
    tags = Tags([tag(feed="opcua:a"), tag(feed="opcua:b", signal="pressure_bar")])
    assert [tags.find("a", 0, feed).signal for feed in ("opcua:a", "opcua:b")] == ["temp_degc", "pressure_bar"]
    assert tags.find("a", 0, "opcua:c") is None


def test_a_tag_of_the_feed_goes_before_one_of_all_feeds_while_it_holds() -> None:
    tags = Tags([tag(), tag(feed="opcua:a", signal="pressure_bar", from_us=5, to_us=10)])
    found = [
        tags.find("a", at, feed).signal for at, feed in ((4, "opcua:a"), (5, "opcua:a"), (10, "opcua:a"), (5, "x:y"))
    ]
    assert found == ["temp_degc", "pressure_bar", "temp_degc", "temp_degc"]


def test_two_meanings_at_once_of_one_feed_are_an_error() -> None:
    with pytest.raises(TagError, match="at the same time"):
        Tags([tag(feed="opcua:a"), tag(feed="opcua:a", signal="pressure_bar", from_us=5)])


@pytest.mark.parametrize("feed", ["opcua", "opcua:", ":a", ":"])
def test_a_feed_without_its_config_file_is_an_error_in_the_plant_file(feed: str) -> None:
    with pytest.raises(PlantError, match="no feed and config file"):
        plant_with(f"signal = 'temp_degc'\nfeed = '{feed}'")


@pytest.mark.parametrize("wrong", [{"scale": float("nan")}, {"scale": 0.0}, {"offset": float("inf")}])
def test_a_scale_that_makes_no_value_is_an_error(wrong) -> None:
    with pytest.raises(TagError, match="finite"):
        Tags([tag(**wrong)])


def test_a_tag_that_ends_before_it_begins_is_an_error() -> None:
    with pytest.raises(TagError, match="valid_to"):
        Tags([tag(from_us=5, to_us=5)])


def test_times_of_a_plant_file_are_microseconds_of_their_zone() -> None:
    plant = plant_with("signal = 'temp_degc'\nvalid_from = 2026-01-31T06:00:00.000001+02:00")
    assert plant.tags[0].from_us == 1_769_832_000_000_001  # date -d 2026-01-31T04:00:00Z +%s


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("signal = 'temp_degc'\nvalid_from = 2026-01-31T06:00:00", "with its zone"),
        ("signal = 'temp_degc'\nvalid_to = 2026-01-31", "with its zone"),
        ("signal = 'temp_degc'\nvalid_from = 'now'", "with its zone"),
        ("signal = 'speed'", "no signal of type 'pump'"),
        ("signal = 'mode'\nscale = 2", "no number"),
        ("signal = 'temp_degc'\nscal = 2", "scal"),
        ("signal = 'temp_degc'\nvalid_from = 1960-01-31T06:00:00Z", "Expected `int` >= 0"),
    ],
)
def test_a_plant_file_with_a_wrong_tag_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(PlantError, match=says):
        plant_with(text)


def test_a_tag_of_an_asset_that_is_not_there_is_an_error() -> None:
    with pytest.raises(PlantError, match="asset 'pump-99' is not in the plant"):
        parse(f"{tiny.PLANT_TOML}\n[[tags]]\naddress = 'a'\nasset = 'pump-99'\nsignal = 'temp_degc'")
