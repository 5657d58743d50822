"""An asset's stored rows to its bins and states made anew, and to forecasts of the span that came too late. Pure.

Who reads the store and publishes is `cli.rebuild`; what a partition does with the record, `controls.rebuilt`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from models.bins import MINUTE_US
from models.failure.learned import Model
from models.records import AnyInput, AnyRecord, Forecast, Notice, Rebuilt, Rung, Tick, decode, id_of
from pipelines.driver import Driver
from pipelines.partition import Partition
from pipelines.slices import slice_of
from pipelines.topics import Topic


class Life(NamedTuple):
    """What stored rows make of an asset: the record for the log, and final forecasts of the late span, by time."""

    rebuilt: Rebuilt
    forecasts: list[Forecast]


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

    def take(self, records: Iterable[AnyInput]) -> None:
        """Take more records, all from before `until_of` the notice, in order of time."""
        for _, effects in self._driver.feed(records):
            for output in effects.outputs:
                if output.topic is Topic.FORECASTS:
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
        return Life(made, [_historical(self._last[end_us], number) for end_us in sorted(self._last)])

    def _keep(self, forecast: AnyRecord) -> None:
        assert isinstance(forecast, Forecast)
        if _within(self._notice, forecast):
            self._last[forecast.window_end_us] = forecast


def _within(notice: Notice, forecast: Forecast) -> bool:
    """Whether a forecast is of a minute that the notice's span touches."""
    from_us, to_us = notice.from_us or 0, notice.to_us or 0
    return forecast.window_end_us > from_us and forecast.window_end_us - MINUTE_US <= to_us


def _historical(forecast: Forecast, number: int) -> Forecast:
    """The forecast as history; its revisions count the asset's rebuilds."""
    made = id_of("historical", forecast.plant, forecast.asset, Rung.HAZARD, forecast.window_end_us)
    return replace(forecast, id=made, revision=number, historical=True)
