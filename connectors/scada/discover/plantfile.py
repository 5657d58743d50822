"""A draft as the text of a plant file, with comments for what no source knows and a person has to say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from connectors.scada.discover import Survey
from connectors.scada.discover.grouping import DraftAsset, DraftSignal, DraftType, group
from connectors.scada.discover.names import asset_names
from models.plant import SignalKind
from models.records import Sample

MAX_SILENCE = "1h"
"""A guess, and the file says so."""
LONGEST_ADDRESS = 200
"""As `models.records.Name` has it."""
_SHOWN = 60
_SPEAKING = ("speed", "rpm", "run", "state", "status", "mode", "current", "power")
_HINTS = {
    SignalKind.GAUGE: "or counter, if it only rises; setpoint, if somebody sets it",
    SignalKind.TEXT: "or state, if it is one of a few words; event, if it is an alarm",
    SignalKind.STATE: "a code of an enumeration, as a text such as '3'",
}


def write(survey: Survey, plant: str, source: str) -> str:
    """The plant file. `plant` is a name that somebody gave, `source` how it was found."""
    survey = _usable(survey)
    types = group(survey.found)
    (name,) = asset_names([(plant,)]).values()
    lines = [*_head(source, survey), "", f"plant = {_quoted(name)} # part of every record: choose it once"]
    for kind in types:
        lines += _type(kind)
    units = {(kind.name, signal.name): signal.unit for kind in types for signal in kind.signals}
    for kind in types:
        for asset in kind.assets:
            lines += _asset(asset, kind.name, units)
    if survey.listed_as:
        addresses = [address for kind in types for asset in kind.assets for address in asset.addresses.values()]
        lines += ["", "# For the feed's config: take out what you do not want to read.", f"# {survey.listed_as} = ["]
        lines += [*(f"#     {_quoted(address)}," for address in addresses), "# ]"]
    return "\n".join(lines) + "\n"


def _usable(survey: Survey) -> Survey:
    """Without addresses that are longer than a name of a plant file may be."""
    found = [one for one in survey.found if len(one.address) <= LONGEST_ADDRESS]
    left_out = survey.left_out.copy()
    if longer := len(survey.found) - len(found):
        left_out[f"addresses of over {LONGEST_ADDRESS} characters"] = longer
    return survey._replace(found=found, left_out=left_out)


def _head(source: str, survey: Survey) -> Iterator[str]:
    yield f"# A starter, written by {_comment(source)}. A person has to look through it:"
    yield "# - names of assets, types and signals: choose them now, they are hard to change later;"
    yield "# - operating: how to tell that a machine runs, else it counts as running whenever it says a number;"
    yield "# - range: what a sensor can say; a sample outside of it is rejected, so leave it out where you do not know;"
    yield f"# - max_silence: {MAX_SILENCE} is a guess everywhere; sampling: periodic, where they come at a fixed rate;"
    yield "# - model: a type without one is kept and not scored."
    if not survey.is_whole:
        yield "# A limit of the discovery was reached: the source has more than this."
    for why, count in sorted(survey.left_out.items()):
        yield f"# Left out: {count} of {_comment(why)}."


def _type(kind: DraftType) -> Iterator[str]:
    yield ""
    yield f"[types.{kind.name}]"
    yield '# model = "NAME"'
    speaking = [s for s in kind.signals if any(word in s.name for word in _SPEAKING)] or kind.signals
    yield f"# [types.{kind.name}.operating] # after the signals, or before them"
    yield f'# signal = "{speaking[0].name}"'
    if speaking[0].kind.python_type is float:
        yield "# running_above = 0.0"
        yield "# off_below = 0.0"
    else:
        yield "# states = { running = [], off = [] }"
    for signal in kind.signals:
        yield from _signal(kind.name, signal)


def _signal(kind: str, signal: DraftSignal) -> Iterator[str]:
    hint = _HINTS.get(signal.kind)
    yield ""
    yield f"[types.{kind}.signals.{signal.name}]" + (
        f" # last: {_shown(signal.value)}" if signal.value is not None else ""
    )
    yield f'kind = "{signal.kind}"' + (f" # {hint}" if hint else "")
    if signal.unit:
        yield f"unit = {_quoted(signal.unit)}"
    yield 'sampling = "on-change"'
    yield f'max_silence = "{MAX_SILENCE}"'
    if signal.range:
        yield f"range = {list(signal.range)}"
    elif signal.normal:
        yield f"# range = {list(signal.normal)} # where it is in normal operation; its sensor may well say more"
    elif signal.kind.python_type is float:
        yield "# range = [LOW, HIGH]"


def _asset(asset: DraftAsset, kind: str, units: dict[tuple[str, str], str]) -> Iterator[str]:
    yield ""
    yield f"[assets.{asset.name}]"
    yield f'type = "{kind}"'
    yield f"description = {_quoted('/'.join(asset.path))}"
    for signal, address in asset.addresses.items():
        yield ""
        yield "[[tags]]"
        yield f"address = {_quoted(address)}"
        yield f'asset = "{asset.name}"'
        yield f'signal = "{signal}"'
        if unit := units[kind, signal]:
            yield f"unit = {_quoted(unit)}"


def _quoted(text: str) -> str:
    """A basic string of TOML: JSON's, but that TOML wants DEL escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", " ", text)


def _shown(value: Sample) -> str:
    return _quoted(value[:_SHOWN]) if isinstance(value, str) else str(value)[:_SHOWN].lower()
