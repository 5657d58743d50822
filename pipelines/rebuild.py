"""An asset's stored rows to its bins and states made anew, and to forecasts of the span that came too late. Pure.

Who reads the store and publishes is `cli.rebuild`; what a partition does with the record, `controls.rebuilt`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from models.alerting.raised import Raised, raised
from models.alerting.wording import clock
from models.bins import MINUTE_US
from models.failure.learned import Model
from models.plant import ANY_MODE
from models.records import (
    Action,
    Alert,
    AlertState,
    AnyInput,
    AnyRecord,
    Forecast,
    Move,
    Notice,
    Rebuilt,
    Rung,
    Tick,
    decode,
    id_of,
)
from pipelines.driver import Driver
from pipelines.partition import Partition
from pipelines.slices import slice_of
from pipelines.topics import Topic

BY = "rebuild"
"""Who withdraws warnings that late rows deny."""


class Life(NamedTuple):
    """What stored rows make of an asset: the record for the log, and final forecasts of the late span, by time.

    And all revisions of warnings that they would have brought.
    """

    rebuilt: Rebuilt
    forecasts: list[Forecast]
    alerts: list[Alert]


def until_of(notice: Notice) -> int:
    """Up to where an asset is rebuilt: the whole minutes that were final when the notice was given."""
    return notice.time_us // MINUTE_US * MINUTE_US


def alone(of: Partition, asset: str) -> Partition:
    """A partition that has seen nothing, of one asset of another's plant, with the same models and lateness."""
    own = {name: one for name, one in of.plant.thresholds.items() if name == asset}
    plant = replace(of.plant, assets={asset: of.plant.assets[asset]}, thresholds=own, tags=())
    models: dict[str, Model] = {}
    for name, kind in of.plant.types.items():
        learned = of.learned[name]
        named = ((kind.model, learned.hazard), (kind.health, learned.health))
        models |= {name: model for name, model in named if name and model}
    return Partition(plant, models, of.lateness_us // 1_000_000)


class Rebuilding:
    """An asset's life as its stored rows tell it, taken part by part, for a notice of a late span."""

    def __init__(self, fresh: Partition, notice: Notice, read_from_us: int) -> None:
        """`fresh` is the asset's partition (see `alone`); rows begin at `read_from_us`."""
        self._partition, self._notice, self._read_from_us = fresh, notice, read_from_us
        self._driver = Driver([fresh])
        self._last: dict[int, Forecast] = {}
        self._alerts: list[Alert] = []

    def take(self, records: Iterable[AnyInput]) -> None:
        """Take more records, all from before `until_of` the notice, in order of time."""
        for _, effects in self._driver.feed(records):
            for output in effects.outputs:
                if output.topic in (Topic.FORECASTS, Topic.ALERTS):
                    self._keep(decode(output.value))

    def finish(self) -> Life:
        """What became of them."""
        notice, until_us, lateness_us = self._notice, until_of(self._notice), self._partition.lateness_us
        # A tick closes minutes a lateness behind it, and they are final another one later.
        self.take([Tick(plant=notice.plant, time_us=until_us + 2 * lateness_us)])
        block = self._partition.state.blocks[self._partition.plant.assets[notice.asset].type]
        at = block.index_of(notice.asset)
        block.make_room()
        content = slice_of(block, at, self._read_from_us)
        number = notice.number
        made = Rebuilt(plant=notice.plant, asset=notice.asset, until_us=until_us, number=number, content=content)
        forecasts = [_historical(self._last[end_us], number) for end_us in sorted(self._last)]
        return Life(made, forecasts, self._alerts)

    def _keep(self, record: AnyRecord) -> None:
        if isinstance(record, Alert):
            self._alerts.append(record)
        elif isinstance(record, Forecast) and _within(self._notice, record):
            self._last[record.window_end_us] = record


def denied(cases: Iterable[Alert], life: Life, notice: Notice) -> list[Action]:
    """What is to be done about an asset's warnings of the late span that nothing founds now that all rows are there.

    One that nobody took note of is withdrawn; of one that somebody did, a comment says so, and people decide. Of
    warnings that opened before the span, or were closed, nothing is said.
    """
    until_us = life.rebuilt.until_us
    stretches = raised(life.alerts)
    out = []
    for case in cases:
        is_of_span = (notice.from_us or 0) < case.opened_us <= until_us and case.asset == notice.asset
        if is_of_span and case.state is not AlertState.CLOSED and not any(_founds(one, case) for one in stretches):
            is_noted = case.state in (AlertState.ACKNOWLEDGED, AlertState.NORMAL) or bool(case.assigned)
            why = f"rows that came late deny it: with all of them up to {clock(until_us)} nothing held when it opened"
            move = Move.COMMENT if is_noted else Move.WITHDRAW
            out.append(
                Action(plant=case.plant, asset=case.asset, alert=case.id, move=move, time_us=until_us, by=BY, why=why)
            )
    return out


def _founds(one: Raised, case: Alert) -> bool:
    """Whether a warning that all rows bring is of the same trouble, and held at or after the opening of the case."""
    is_alike = one.first.mode == case.mode or ANY_MODE in (one.first.mode, case.mode)
    return is_alike and (one.ended_us is None or one.ended_us >= case.opened_us)


def _within(notice: Notice, forecast: Forecast) -> bool:
    """Whether a forecast is of a minute that the notice's span touches."""
    from_us, to_us = notice.from_us or 0, notice.to_us or 0
    return forecast.window_end_us > from_us and forecast.window_end_us - MINUTE_US <= to_us


def _historical(forecast: Forecast, number: int) -> Forecast:
    """The forecast as history; its revisions count the asset's rebuilds."""
    made = id_of("historical", forecast.plant, forecast.asset, Rung.HAZARD, forecast.window_end_us)
    return replace(forecast, id=made, revision=number, historical=True)
