"""Every module of connectors.scada.feeds keeps to what a feed is; a new one is tested here by being there."""

from __future__ import annotations

import inspect
import tomllib
from importlib import import_module
from pathlib import Path

import msgspec
import pytest

from connectors.scada.feed import FeedError
from pipelines.cli.connect import FEEDS, read_feed

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path.stem
    for path in (ROOT / "connectors/scada/feeds").iterdir()
    if not path.name.startswith(("_", ".")) and (path.suffix == ".py" or (path / "__init__.py").is_file())
)

feeds = pytest.mark.parametrize("name", MODULES)


def example(name: str) -> Path:
    return ROOT / "infra/examples/feeds" / f"{name}.toml"


def test_the_command_line_knows_every_feed() -> None:
    assert list(FEEDS) == MODULES != []


@feeds
def test_a_feed_says_what_it_reads(name: str) -> None:
    assert len((import_module(f"connectors.scada.feeds.{name}").__doc__ or "").split()) >= 8


@feeds
def test_a_config_is_frozen_and_forbids_what_it_does_not_know(name: str) -> None:
    config = import_module(f"connectors.scada.feeds.{name}").Config.__struct_config__
    assert config.frozen and config.forbid_unknown_fields


@feeds
def test_its_example_fits_its_config(name: str) -> None:
    module = import_module(f"connectors.scada.feeds.{name}")
    msgspec.convert(tomllib.loads(example(name).read_text()), module.Config)


@feeds
def test_its_example_explains_itself(name: str) -> None:
    assert "#" in example(name).read_text()


@feeds
def test_a_feed_opens_with_a_config_alone_and_runs_with_a_take(name: str) -> None:
    module = import_module(f"connectors.scada.feeds.{name}")
    first, *others = inspect.signature(module.open_feed).parameters.values()
    assert first.name == "config"
    assert all(other.default is not inspect.Parameter.empty for other in others)


@feeds
def test_an_unknown_setting_is_an_error_that_names_the_file(name: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("no_such_setting = 1\n" + example(name).read_text())
    with pytest.raises(FeedError, match=r"wrong\.toml"):
        read_feed(name, wrong)


@feeds
def test_a_wrong_config_is_told_with_its_line_what_there_is_to_choose_from_and_an_example(
    name: str, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("# a comment\nno_such_setting = 1\n" + example(name).read_text())
    known = import_module(f"connectors.scada.feeds.{name}").Config.__struct_fields__[0]
    said = rf"wrong\.toml, line 2: no_such_setting.*use one of {known}, .*examples/feeds/{name}\.toml"
    with pytest.raises(FeedError, match=said):
        read_feed(name, wrong)


def test_a_feed_that_is_none_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=", ".join(MODULES)):
        read_feed("no-such", tmp_path / "x.toml")


@pytest.mark.parametrize("content", [b"\xff", b"= =", None])
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "odd.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FeedError, match=r"odd\.toml"):
        read_feed(MODULES[0], file)
