"""What Forewarn ships to start with: a pump hazard (`pump.onnx`, its card `pump.json`) and the demo's plant file.

Made by `forewarn model train --out models/starter`; see onnx_export.starter.
"""

from __future__ import annotations

from importlib.resources import files

from models.failure.hazard import Hazard


def plant_text() -> str:
    """The demo's plant file, `pumps.toml`."""
    return files(__name__).joinpath("pumps.toml").read_text(encoding="utf-8")


def pump_hazard() -> Hazard:
    """The shipped pump model, loaded; raises ModelError where its files disagree."""
    here = files(__name__)
    return Hazard.load(here.joinpath("pump.onnx").read_bytes(), here.joinpath("pump.json").read_bytes())
