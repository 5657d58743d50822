"""The plant as one struct, and what can be asked of it. How it is read is in files, what is checked in checks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct

from models.plant.assets import Asset, AssetType, Limit
from models.plant.budget import Budget, Thresholds
from models.plant.errors import PlantError
from models.plant.production import Production
from models.plant.shifts import Date, Day, Shift, day_of, next_of, shift_of, weekday_of
from models.plant.tags import Tag
from models.plant.tuning import Tuning
from models.plant.version import version_of
from models.records import Name


class Plant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plant: its name, asset types by name, assets by name, and what addresses of its feeds mean.

    `site` is that of assets that name none, `currency` that of all costs, `timezone` that of shifts, holidays and days
    of planned `stops`. `thresholds` are by asset, for those that have some of their own.
    `production` is what plans of production go by, `tuning` what suggestions of process settings go by.
    """

    plant: Name
    types: dict[Name, AssetType]
    assets: dict[Name, Asset]
    tags: tuple[Tag, ...] = ()
    enterprise: Name | None = None
    site: Name | None = None
    currency: str | None = None
    timezone: str = "UTC"
    shifts: tuple[Shift, ...] = ()
    holidays: tuple[Date, ...] = ()
    stops: tuple[Date, ...] = ()
    budget: Budget = Budget()
    thresholds: dict[Name, Thresholds] = {}
    production: Production | None = None
    tuning: Tuning | None = None

    @property
    def version(self) -> str:
        """A short hash of what the file means; the same however it is spread over files. Takes milliseconds."""
        return version_of(self)

    @property
    def sites(self) -> tuple[str, ...]:
        """Sites at which an asset stands, in order."""
        return tuple(sorted({site for asset in self.assets if (site := self.site_of(asset))}))

    def type_of(self, asset: str) -> str | None:
        """Name of the asset's type, None for an asset that is not of this plant."""
        known = self.assets.get(asset)
        return known.type if known else None

    def site_of(self, asset: str) -> str | None:
        """Where the asset stands, None where the file does not say. Raises KeyError for one that is not there."""
        return self.assets[asset].site or self.site

    def limits_of(self, asset: str) -> dict[str, Limit]:
        """Limits by signal: the asset's own before its type's. Raises KeyError for an asset that is not there."""
        known = self.assets[asset]
        return {limit.signal: limit for limit in (*self.types[known.type].limits, *known.limits)}

    def above(self, asset: str) -> Iterator[str]:
        """The asset's parent, that one's, and so on."""
        known = self.assets.get(asset)
        while known is not None and known.parent is not None:
            yield known.parent
            known = self.assets.get(known.parent)

    def weekday_of(self, time_us: int) -> Day:
        """The day of the week at a time, by the plant's clock."""
        return weekday_of(self.timezone, time_us)

    def shift_of(self, time_us: int) -> str | None:
        """Name of the shift that works at a time, None where none does."""
        return shift_of(self.shifts, self.holidays, self.timezone, time_us)

    def day_of(self, time_us: int) -> Date:
        """The day that its calendar shows at a time."""
        return day_of(self.timezone, time_us)

    def next_stop(self, time_us: int) -> Date | None:
        """Day of the next planned stop, today's or a later one; None where none is planned."""
        return next_of(self.stops, self.timezone, time_us)

    def for_workers(self) -> Plant:
        """What a worker needs: no tags, which are the feeds', nothing that is planned or tuned; names are in order.

        The order of a type's signals stays: arrays follow it.
        """
        by_name = {name: dict(sorted(getattr(self, name).items())) for name in ("types", "assets", "thresholds")}
        return msgspec.structs.replace(self, tags=(), production=None, tuning=None, **by_name)

    def of_site(self, site: str) -> Plant:
        """The plant with the assets, tags and thresholds of one site alone; the rest stays.

        Raises PlantError where no asset is there.
        """
        if site not in self.sites:
            raise PlantError(f"no asset of plant '{self.plant}' is at site '{site}': its sites are {list(self.sites)}")
        here = {name: asset for name, asset in self.assets.items() if self.site_of(name) == site}
        assets = {name: asset if asset.parent in here else _alone(asset) for name, asset in here.items()}
        tags = tuple(tag for tag in self.tags if tag.asset in assets)
        thresholds = {name: own for name, own in self.thresholds.items() if name in assets}
        tuning = None if self.tuning is None else self.tuning.of(assets)
        return msgspec.structs.replace(
            self, assets=assets, tags=tags, thresholds=thresholds, production=None, tuning=tuning
        )


def _alone(asset: Asset) -> Asset:
    """An asset whose parent is of another site, which is not looked at."""
    return asset if asset.parent is None else msgspec.structs.replace(asset, parent=None)
