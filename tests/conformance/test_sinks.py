"""Every module of connectors.sinks keeps to what a sink is; a new one is tested here by being there."""

from __future__ import annotations

import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from connectors.delivery import SinkError
from connectors.sinks import SINKS, by_case, config_of, module_of
from models.delivery.checks import check
from models.delivery.reading import parse

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.stem for path in (ROOT / "connectors/sinks").iterdir() if path.suffix == ".py" and path.stem != "__init__"
)
sinks = pytest.mark.parametrize("kind", MODULES)


def example(kind: str) -> Path:
    return ROOT / "infra/examples/sinks" / f"{kind}.toml"


def test_the_subscriptions_file_knows_every_sink() -> None:
    assert list(SINKS) == MODULES != []


@sinks
def test_a_sink_says_what_it_is(kind: str) -> None:
    assert len((import_module(f"connectors.sinks.{kind}").__doc__ or "").split()) >= 8


@sinks
def test_a_config_is_frozen_and_forbids_what_it_does_not_know(kind: str) -> None:
    config = import_module(f"connectors.sinks.{kind}").Config.__struct_config__
    assert config.frozen and config.forbid_unknown_fields


@sinks
def test_no_secret_can_stand_in_the_file(kind: str) -> None:
    fields = import_module(f"connectors.sinks.{kind}").Config.__struct_fields__
    words = ("secret", "password", "token", "bearer", "key")
    assert not [one for one in fields if any(word in one for word in words) and not one.endswith(("_env", "_file"))]


@sinks
def test_it_opens_from_a_config_and_a_place_and_says_whether_it_takes_one_case_at_a_time(kind: str) -> None:
    module = import_module(f"connectors.sinks.{kind}")
    assert list(inspect.signature(module.open_sink).parameters) == ["config", "place"]
    assert isinstance(module.BY_CASE, bool)


@sinks
def test_its_example_is_a_whole_subscriptions_file_that_explains_itself(kind: str) -> None:
    text = example(kind).read_text()
    book = parse(text)
    assert {table["kind"] for table in book.sinks.values()} == {kind} and "#" in text
    for name, table in book.sinks.items():
        config_of(name, table)
    check(book.subscriptions, book.sinks, by_case(book.sinks))
    assert book.subscriptions


@sinks
def test_an_unknown_setting_is_an_error_that_names_its_place_and_what_there_is(kind: str) -> None:
    (name, table), *_ = tomllib.loads(example(kind).read_text())["sinks"].items()
    known = import_module(f"connectors.sinks.{kind}").Config.__struct_fields__[0]
    with pytest.raises(SinkError, match=rf"sinks\.{name}\.no_such_setting.*use one of {known}"):
        config_of(name, table | {"no_such_setting": 1})


def test_a_kind_that_is_none_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(SinkError, match=f"sinks.x.kind is 'pigeon': use one of {', '.join(MODULES)}"):
        module_of("x", {"kind": "pigeon"})
