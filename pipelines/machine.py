"""A machine at the end of a final minute: what holds of it becomes evidence, and evidence moves its cases.

Which minutes are final, and in which order what they bring is taken, is the matter of the stage warn.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from models.alerting.belonging import RUNGS, Said, worst
from models.alerting.cases import Cases, expired, moved, repaired, stood
from models.alerting.life import Watch, step
from models.alerting.thresholds import threshold_of
from models.failure.hazard import WARNING, Hazard
from models.failure.learned import Learned
from models.failure.rules import Fired
from models.plant import ANY_MODE, Plant
from models.records import Alert, AlertReason, Evidence, Forecast, Health, Level, Rung
from pipelines.hours import Hour, evidence_of, health_of
from pipelines.small import Kept
from pipelines.state import Block

HEALTH, TREND, HAZARD = (str(rung) for rung in (Rung.HEALTH, Rung.TREND, Rung.HAZARD))
"""What says so, among an asset's evidence: one of these, or the column of a rule."""
LEARNT = (Rung.RULES, Rung.HAZARD)
"""What opens cases of a type that has learnt from failures. One learned rung keeps the budget, the highest; health and
trend say more of its cases."""


class Machine:
    """A machine at the end of a final minute, of which something became known."""

    def __init__(self, block: Block, learned: Learned, asset: int, end_us: int, plant: Plant) -> None:
        self._block, self._small, self._learned, self._asset = block, block.small, learned, asset
        opening = LEARNT if learned.hazard else RUNGS
        name = block.names[asset]
        self._said = Said(
            plant=plant.plant, asset=name, window_end_us=end_us, open=opening,
            since_us=self._small.warned_life_us.get(asset, 0), stands=self._small.stands.get(asset, ""),
            plant_version=block.plant_version,
            criticality=known.criticality if (known := plant.assets.get(name)) else None,
        )  # fmt: skip
        self._plant = plant
        self._is_new = False

    def repair(self, since_us: int) -> Iterable[Alert]:
        """Begin another life: what held of the old one holds no more."""
        for known in (self._small.watches, self._small.evidence, self._small.remaining):
            known.pop(self._asset, None)
        self._small.warned_life_us[self._asset] = since_us
        self._said = replace(self._said, since_us=since_us)
        return self._kept(repaired(self._cases, self._said.window_end_us))

    def stand(self, why: str) -> Iterable[Alert]:
        """It stands, and why, or runs again, for an empty one."""
        _keep(self._small.stands, self._asset, why)
        self._said = replace(self._said, stands=why)
        return self._kept(stood(self._cases, why, self._said.window_end_us))

    def expire(self) -> Iterable[Alert]:
        """What was shelved until now is so no more."""
        left = [us for us in self._small.shelved_us.get(self._asset, []) if us >= self._said.window_end_us]
        _keep(self._small.shelved_us, self._asset, left)
        return self._kept(expired(self._cases, self._said.window_end_us))

    def fire(self, fired: Fired) -> None:
        """A level of a rule begins to hold or ceases to."""
        rules = self._block.rules
        assert rules is not None
        name = rules.keys.columns[fired.column]
        self._hold(name, rules.evidence(self._said.asset, fired) if fired.holds else None)

    def health(self, hour: Hour) -> Health:
        """What an hour says of its health; holds it unhealthy, or near a limit, as the hour says."""
        model = self._learned.health
        assert model is not None
        _keep(self._small.remaining, self._asset, hour.remaining)
        held = self._small.evidence.get(self._asset, {})
        near = hour.is_near and (TREND in held or bool(hour.limiting))  # of what, is not known of another model's trend
        for name, holds in ((HEALTH, hour.is_unhealthy), (TREND, near)):
            if holds != (name in held):
                self._hold(name, evidence_of(Rung(name), model, hour, self._said.window_end_us) if holds else None)
        return health_of(model, hour, self._said)

    def forecast(self, since_us: int, forecast: Forecast, features: bytes) -> None:
        """Take the final forecast of a minute of running, and what it was made of."""
        hazard = self._learned.hazard
        assert hazard is not None
        small, asset, card = self._small, self._asset, hazard.card
        small.kept[asset] = Kept(since_us, forecast, features)
        threshold = threshold_of(self._plant, self._said.asset, card.warning_limit)
        watch, reason = step(small.watches.get(asset, Watch()), forecast.chances, threshold)
        small.watches[asset] = watch
        if reason is AlertReason.CLEARED:
            self._hold(HAZARD, None)
        elif reason is not None:
            similar = hazard.similar(features) if reason is AlertReason.OPENED else ()
            self._said = replace(self._said, reason=reason, similar=similar)
            known = small.evidence.get(asset, {}).get(HAZARD)
            self._hold(
                HAZARD,
                _of_hazard(hazard, threshold.limit, forecast, known.since_us if known else forecast.window_end_us),
            )

    def forget(self, names: Iterable[str]) -> None:
        """Hold no more what these said."""
        for name in names:
            self._hold(name, None)

    def cases(self) -> Iterable[Alert]:
        """Revisions of its cases, if anything changed that they rest on."""
        if not self._is_new:
            return ()
        evidence = worst(self._small.evidence.get(self._asset, {}).values())
        return self._kept(moved(self._cases, evidence, self._with_hazard()))

    @property
    def _cases(self) -> Cases:
        return self._small.cases.get(self._asset, ())

    def _kept(self, found: tuple[Cases, Cases]) -> Cases:
        """What is to be told of it, once what stands is kept."""
        _keep(self._small.cases, self._asset, found[0])
        return found[1]

    def _with_hazard(self) -> Said:
        """With what a hazard that holds said last, whatever brings the news."""
        said = replace(self._said, remaining=self._small.remaining.get(self._asset))
        kept, watch = self._small.kept.get(self._asset), self._small.watches.get(self._asset)
        if kept is None or watch is None or not watch.holds:
            return said
        return replace(said, forecast=kept.forecast, features=kept.features, lead_h=watch.told_h)

    def _hold(self, name: str, evidence: Evidence | None) -> None:
        held = dict(self._small.evidence.get(self._asset, {}))
        if evidence is None:
            held.pop(name, None)
        else:
            held[name] = evidence
        _keep(self._small.evidence, self._asset, held)
        self._is_new = True


def _keep(known: dict[int, Any], asset: int, value: Any) -> None:
    """Keep what is something."""
    if value:
        known[asset] = value
    else:
        known.pop(asset, None)


def _of_hazard(hazard: Hazard, limit: float, forecast: Forecast, since_us: int) -> Evidence:
    card = hazard.card
    return Evidence(
        rung=Rung.HAZARD,
        name=card.name,
        level=Level.WARNING,
        since_us=since_us,
        mode=ANY_MODE,
        signals=tuple(driver.signal for driver in forecast.drivers),
        value=forecast.chances[WARNING],
        limit=limit,
        unit="chance in 72 h",
        basis=card.basis,
        confidence=forecast.confidence,
    )
