"""What is known of all stations: records folded to one state a station and product, and stepped together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from models.plant import Plant, Station
from models.records import (
    Part,
    QualityResult,
    Record,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    TrialRequest,
    TuningSwitch,
    decode_of,
)
from models.tuning.joining import Joiner
from models.tuning.tuner import Beside, Out, Served, Tuner, joiner_of
from pipelines.console.ports import Came
from pipelines.replayed import plant_time_us

AHEAD_US = 3600 * 1_000_000
"""What is said to be so much later than it came has a wrong clock. Our choice."""


class Board:
    """Of one plant."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.tuners: dict[tuple[str, str], Tuner] = {}
        self.odd = 0
        self.elsewhere = 0
        """Parts and results of assets that are no station."""
        self.faults: list[tuple[str, str, Exception]] = []
        """What went wrong at which station, of which product, until somebody tells of it and takes it away."""
        self._joiners: dict[str, Joiner] = {}
        self._switches: dict[str, TuningSwitch] = {}
        self._of: dict[str, Tuner] = {}
        self._as_of_us: int | None = None

    @property
    def stations(self) -> dict[str, Station]:
        """By asset."""
        return {} if self.plant.tuning is None else self.plant.tuning.stations

    def take(self, records: Iterable[Came]) -> int:
        """Fold records; how many were of stations."""
        return sum(self.take_record(record) for one in records if (record := self._read(one)) is not None)

    def change_plant(self, plant: Plant) -> None:
        """Go over to an edited plant file: limits hold at once. A station that is gone suggests nothing any more."""
        self.plant = plant
        for (asset, _), tuner in self.tuners.items():
            if (station := self.stations.get(asset)) is not None:
                tuner.change_station(station)

    def now_us(self, clock_us: int) -> int:
        """The time by the plant's clock: a plant that is replayed, such as a simulated one, lives in its past."""
        return plant_time_us(clock_us, self._as_of_us)

    def is_stopped(self, asset: str) -> bool:
        """Whether the kill switch is on: the plant file's, that of all stations, or the asset's."""
        tuning = self.plant.tuning
        said = [one.is_stopped for name in ("", asset) if (one := self._switches.get(name)) is not None]
        return tuning is None or tuning.stopped or any(said)

    def step(self, now_us: int, served: Callable[[str], Served | None]) -> list[Out]:
        """What is to be said now of all stations."""
        out: list[Out] = []
        for (asset, product), tuner in self.tuners.items():
            station = self.stations.get(asset)
            if station is None:
                continue
            name = station.models.get(product)
            pair = None if station.pair is None else self.tuners.get((station.pair, product))
            busy = any(one is not tuner and one.asset == asset and one.open for one in self.tuners.values())
            beside = Beside(
                model=served(name) if name else None, pair=pair.journal.rows if pair else None,
                is_stopped=self.is_stopped(asset), is_busy=busy,
            )  # fmt: skip
            try:
                for one in tuner.saying(now_us, beside):
                    out.append(one)
                    if isinstance(one, Suggestion):
                        self._of[one.id] = tuner
            except Exception as fault:  # ours, by one odd record: other stations go on, and what was said is said
                self.faults.append((asset, product, fault))
        return out

    def take_record(self, record: Record) -> bool:
        """Fold one record; whether it is of a station."""
        match record:
            case Part():
                self._lived(record.time_us)
                return self._fold(record.asset, record.product, record)
            case QualityResult():
                self._lived(record.found_us)
                return self._result(record)
            case SuggestionAnswer():
                tuner = self._of.get(record.suggestion)
                if tuner is not None:
                    tuner.take(record)
                return tuner is not None
            case TuningSwitch():
                known = self._switches.get(record.asset)
                if known is None or record.time_us >= known.time_us:
                    self._switches[record.asset] = record
                return True
            case Suggestion() if record.product:
                found = self._fold(record.asset, record.product, record)
                if found:
                    self._of[record.id] = self.tuners[record.asset, record.product]
                return found
            case SuggestionEffect() | SuggestionRefused() | TrialRequest():
                return self._fold(record.asset, record.product, record)
        return False

    def _fold(self, asset: str, product: str, record: Record) -> bool:
        station = self.stations.get(asset) or self._paired(asset)
        if station is None:
            self.elsewhere += 1
            return False
        tuner = self.tuners.get((asset, product))
        if tuner is None:
            tuner = Tuner(self.plant.plant, asset, product, station, self._joiner(asset, station))
            self.tuners[asset, product] = tuner
        tuner.take(record)
        return True

    def _paired(self, asset: str) -> Station | None:
        """The station whose machine beside it this is: its parts are counted, though nothing is suggested there."""
        return next((one for one in self.stations.values() if one.pair == asset), None)

    def _result(self, result: QualityResult) -> bool:
        station = self.stations.get(result.asset) or self._paired(result.asset)
        if station is None:
            self.elsewhere += 1
            return False
        self._joiner(result.asset, station).take_result(result)
        return True

    def _joiner(self, asset: str, station: Station) -> Joiner:
        if asset not in self._joiners:
            self._joiners[asset] = joiner_of(station)
        return self._joiners[asset]

    def _lived(self, time_us: int) -> None:
        self._as_of_us = time_us if self._as_of_us is None else max(self._as_of_us, time_us)

    def _read(self, came: Came) -> Record | None:
        """The record; None for one of another plant, a tombstone, and what cannot be or cannot have been.

        Those are counted: a part that is made tomorrow would be the last for a long time.
        """
        try:
            record = decode_of(self.plant.plant, came.value)
        except msgspec.DecodeError:
            self.odd += 1
            return None
        if came.arrived_ms and isinstance(record, Part | QualityResult):
            said_us = record.time_us if isinstance(record, Part) else record.found_us
            if said_us > came.arrived_ms * 1000 + AHEAD_US:
                self.odd += 1
                return None
        return record
