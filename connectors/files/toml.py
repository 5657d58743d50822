"""A TOML file as a struct; what is wrong with it is one line that names file, line and choices."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from models.misfits import Misfit, fit
from models.plant.lines import line_of

T = TypeVar("T")


class TomlError(ValueError):
    """The file cannot be read or does not fit; the message begins with its name."""


def read(path: Path, kind: type[T]) -> T:
    """What the file says. Raises TomlError."""
    try:
        text = path.read_text("utf-8-sig")  # some editors begin a file with a mark, which TOML knows nothing of
        return fit(tomllib.loads(text), kind)
    except OSError as wrong:
        raise TomlError(f"{path} cannot be read ({wrong.strerror})") from wrong
    except UnicodeDecodeError as wrong:
        raise TomlError(f"{path} is not UTF-8 ({wrong.reason} at byte {wrong.start}): save it as that") from wrong
    except tomllib.TOMLDecodeError as wrong:
        raise TomlError(f"{path} is not TOML: {wrong}") from wrong
    except Misfit as wrong:
        line = line_of(text, wrong.place)
        raise TomlError(f"{path}{f', line {line}' if line else ''}: {wrong}") from wrong
