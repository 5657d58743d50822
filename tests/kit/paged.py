"""Facts of a warning's page, made by hand: a pump of the example plant, its trends, work and like cases."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from models.alerting.lately import Changed
from models.alerting.page import Facts
from models.alerting.track import Track
from models.alerting.trends import Line, Trend
from models.plant import parse_files
from models.records import Advice, Alert, Confidence, Evidence, Level, Rung
from tests.kit.runs import at, warning

FOLDER = Path(__file__).parents[2] / "infra" / "examples" / "plants"
PLANT = parse_files({file.name: file.read_text() for file in FOLDER.glob("*.toml")})


def shaking() -> Evidence:
    """The limit of the example's vibration is passed."""
    return Evidence(
        rung=Rung.RULES, name="limit of vibration_mm_s", level=Level.WARNING, since_us=at(0), mode="VIB",
        signals=("vibration_mm_s",), value=5.6, limit=5.1, unit="mm/s", basis="ISO 10816-7:2009",
        confidence=Confidence.MEDIUM,
    )  # fmt: skip


def case(**changes) -> Alert:
    """A hazard that speaks beside the rule, to be planned for within two days."""
    (one,) = warning("pump-01", 1)
    says = {
        "id": "3fa9c1d2e4b5a697", "plant": "waterworks", "mode": "VIB", "evidence": (shaking(), *one.evidence),
        "advice": Advice.PLAN, "act_before_us": at(49), "severity": 600, "moved_us": at(1), "drivers": (),
    }  # fmt: skip
    return replace(one, **says | changes)


def trend(points: int = 14 * 24) -> Trend:
    """A vibration that rises by 2 mm/s in two weeks."""
    rises = tuple((at(hour - points), 3.6 + 2 * hour / points) for hour in range(points))
    return Trend(
        signal="vibration_mm_s", unit="mm/s", points=rises, limit=Line(level=5.1, says="warning of rule limit"),
        usual=Line(level=3.5, says="healthy mean (first-day-after-repair)"),
    )  # fmt: skip


def facts(of: Alert | None = None, **changes) -> Facts:
    """Two hours into the warning."""
    made = Facts(
        case=of or case(), plant=PLANT, now_us=at(3), trends=(trend(),), trends_to_us=at(3),
        changed=(Changed(at(-30), "corrective order 4711 finished: seal"),), like_it=Track(12, 9),
    )  # fmt: skip
    return replace(made, **changes)
