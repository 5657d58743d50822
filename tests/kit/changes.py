"""Changes of the tiny plant while it runs: texts of other plant files, and the records that say so."""

from __future__ import annotations

import msgspec
import numpy as np

from models.failure.hazard import Hazard
from models.plant import Plant, content, parse
from models.records import PlantChange, encode
from tests.kit import tiny

NEW_SIGNAL = '[types.pump.signals.flow_m3_h]\nkind = "gauge"\nrange = [0, 90]\n[types.pump.signals.is_running]'
"""In between two others, so that columns move."""

RUNS_ON, FAST = tiny.rule("runs on"), tiny.rule("fast")

EDITS: dict[str, tuple[tuple[str, str], ...]] = {
    "nothing": (),
    "a signal more": (("[types.pump.signals.is_running]", NEW_SIGNAL),),
    "a signal less": (('[types.pump.signals.is_running]\nkind = "boolean"\n', ""), (RUNS_ON, "")),
    "other levels": (("warning_high = 6.5", "warning_high = 5.5"), ("warning_high = 68", "warning_high = 72")),
    "rules less": ((RUNS_ON, ""), (FAST, ""), ("alarm_high = 7.5\n", "")),
    "another wait": (('hysteresis = 0.2\nfor = "3min"', 'hysteresis = 0.2\nfor = "9min"'),),
    "a wider range": (("range = [0, 25]", "range = [-10, 130]"),),
    "another threshold": (("running_above = 4.2", "running_above = 5.1"), ("off_below = 1", "off_below = 2")),
    "held": (('[types.mixer.signals.temp_degc]\nkind = "gauge"\nmax_step = 20\nstuck_after = "8min"',
              '[types.mixer.signals.temp_degc]\nkind = "gauge"\nsampling = "on-change"\nmax_silence = "1h"'),),
    "not held": (('sampling = "on-change"\nmax_silence = "45min"', 'max_silence = "45min"'),),
    "other words": (('idle = ["wait"], maintenance = ["service"]', 'idle = ["service"]'),),
    "a rule": (("[types.pump.signals.pressure_bar]",
                '[types.pump.operating]\nsignal = "mode"\nstates = { running = ["auto"] }\n'
                "[types.pump.signals.pressure_bar]"),),
    "an asset less": (('[assets.pump-02]\ntype = "pump"\n', ""),),
    "a pump is a gear": (('[assets.pump-02]\ntype = "pump"', '[assets.pump-02]\ntype = "gear"'),),
    "a mixer is a lathe": (('[assets.mixer-01]\ntype = "mixer"', '[assets.mixer-01]\ntype = "lathe"'),),
    "without a model": (('[types.pump]\nmodel = "tiny"', "[types.pump]"),),
    "another model": (('[types.mixer]\nmodel = "tiny"', '[types.mixer]\nmodel = "half"'),),
    "a type less": ((FAST, ""), ('[types.fan.signals.speed_rpm]\nkind = "gauge"\nunit = "rpm"\n', ""),
                    ('[assets.fan-01]\ntype = "fan"\n', "")),
}  # fmt: skip

REFUSED = (
    (('model = "tiny"', 'model = "unknown"'),),
    (('[types.gear.signals.pressure_bar]\nkind = "gauge"\nmax_silence = "40min"', ""),),
    (('plant = "tiny"', 'plant = "other"'),),
)
"""No worker takes these: a model that is not there, a signal that the model needs, another plant."""


def plant(*names: str) -> Plant:
    """The tiny plant with these edits."""
    return edited(*(edit for name in names for edit in EDITS[name]))


def edited(*edits: tuple[str, str]) -> Plant:
    """The tiny plant with other words in its file; those that are not there (any more) change nothing."""
    text = tiny.PLANT_TOML
    for old, new in edits:
        text = text.replace(old, new)
    return parse(text)


def change(new: Plant, plant_name: str = "tiny") -> PlantChange:
    """The record of a plant."""
    said = content.encode(new)
    return PlantChange(plant=plant_name, version=new.for_workers().version, content=msgspec.Raw(said))


def models() -> dict[str, Hazard]:
    """The models that these plants name."""
    return tiny.models() | {"half": tiny.hazard(signals=("pressure_bar",))}


def wild(random: np.random.Generator) -> bytes:
    """Some change or other, one in ten of them rubbish."""
    odds = random.random()
    if odds < 0.05:
        return encode(change(edited(*REFUSED[int(random.integers(len(REFUSED)))])))
    made = change(plant(*random.choice(list(EDITS), int(random.integers(1, 4)), replace=False).tolist()))
    if odds < 0.07:
        made = msgspec.structs.replace(made, version="0" * 12)
    elif odds < 0.1:
        made = msgspec.structs.replace(made, content=msgspec.Raw(b'{"plant":"tiny","types":7}'))
    return encode(made)
