"""A mapper of five tags on the tiny plant."""

from __future__ import annotations

from connectors.scada.mapping import Mapper
from models.plant import Plant, parse
from tests.kit import tiny

TAGS = {
    "p1": ("pump-01", "pressure_bar", 0.001),
    "t1": ("pump-01", "temp_degc", 1),
    "run1": ("pump-01", "is_running", 1),
    "mode1": ("pump-01", "mode", 1),
    "p2": ("pump-02", "pressure_bar", 10),
}


def plant(changed: str = "", meaning: tuple[str, str, float] | None = None) -> Plant:
    """The tiny plant with TAGS, of which one may mean something else."""
    mapped = TAGS | ({changed: meaning} if meaning else {})
    tags = "".join(
        f"[[tags]]\naddress = '{address}'\nasset = '{asset}'\nsignal = '{signal}'\nscale = {scale}\n"
        for address, (asset, signal, scale) in mapped.items()
    )
    return parse(tiny.PLANT_TOML + tags)


def mapper() -> Mapper:
    return Mapper(plant(), "test")
