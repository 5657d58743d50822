"""A cell that makes spot welds: what may be set, what changes over a run, what each part draws, what is read of it.

A part is one weld. What a part draws depends on the seed and its number alone, so a run made in pieces is the run made
in one go. What truly happens is `joint`'s; the expected rate of a setting is `rate`'s.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physics.draws import generator, normals
from models.physics.pump import Array
from models.physics.weld import joint as of
from models.physics.weld.joint import FACE_MM, GROWTH_UM, MFDC_PER_AC, SHEET_MM, Joint

DRESS_EVERY = 300
"""Welds from one dressing of the tips to the next; our choice, at the upper end of what is usual on zinc."""
SQUEEZE_S, HOLD_S, MOVE_S = 0.30, 0.20, 1.50
"""Hold is the RWMA row of 1.02 mm; squeeze and move are our choice."""
BLOCK = 1024
"""Parts whose numbers are drawn together."""


class Settings(NamedTuple):
    """What a welding control can be told."""

    current_ka: float
    """Right after dressing."""
    force_kn: float
    weld_ms: float
    boost_ka: float
    """The stepper: added for each 100 welds since dressing."""


class Parameter(NamedTuple):
    """One setting, with the range it is qualified for."""

    name: str
    unit: str
    low: float
    high: float


PARAMETERS = (
    Parameter("current_ka", "kA", round(9.0 * MFDC_PER_AC, 1), round(13.0 * MFDC_PER_AC, 1)),
    Parameter("force_kn", "kN", 2.2, 3.6),
    Parameter("weld_ms", "ms", 180.0, 260.0),
    Parameter("boost_ka", "kA / 100 welds", 0.0, 0.3),
)
"""BS 1140:1993, hot-dip zinc, both bands that meet at 1.0 mm (0.8 to 1.0 and 1.0 to 1.2), its current as DC.

Boost: from none to 2.5 times the Seedorff stepper's 0.12.
"""

START = Settings(current_ka=8.8, force_kn=2.6, weld_ms=240.0, boost_ka=0.0)
"""Where an engineer may leave it.

The current is a little over the 8.5 kA that the RWMA row comes to on zinc with DC, the weld is long to be safe, the
force low to spare the tips, and nobody set the stepper. Low force lets parts with a gap burst; without a stepper the
last welds before a dressing are small. Less time pays for the current that more force asks for: the cure needs no more
energy and no longer cycle.
"""


class Kind(IntEnum):
    """What a weld turned out to be."""

    GOOD = 0
    UNDERSIZE = 1
    EXPULSION = 2


class Lot(NamedTuple):
    """A delivery of sheet. Its name is known in the plant, its numbers are not."""

    name: str
    film: float
    zinc: float
    sheet_mm: float


LOTS = (
    Lot("A", film=1.0, zinc=1.0, sheet_mm=SHEET_MM),
    Lot("B", film=0.9, zinc=1.12, sheet_mm=0.99),
    Lot("C", film=1.15, zinc=0.9, sheet_mm=1.01),
)
"""B is colder: more zinc, a lower contact resistance, a thinner sheet. C, in no scenario, is hotter. Our choice."""


class Scenario(NamedTuple):
    """What changes over a run, unknown to who sets the cell."""

    name: str
    growth: tuple[tuple[float, float], ...] = ((0.0, 1.0),)
    """Part number and factor on the growth of the face; straight lines between."""
    lots: tuple[tuple[int, int], ...] = ((0, 0),)
    """First part number and index in LOTS."""

    def growth_at(self, number: NDArray[np.int64]) -> Array:
        """Factor on the face's growth at these part numbers."""
        at, factor = zip(*self.growth, strict=True)
        return np.interp(number, at, factor)

    def lot_at(self, number: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index in LOTS at these part numbers."""
        first, lot = zip(*self.lots, strict=True)
        return np.asarray(lot, np.int64)[np.searchsorted(first, number, side="right") - 1]


WEAR_DRIFT = ((0.0, 1.0), (4_000.0, 1.0), (16_000.0, 1.8))
"""From part 4,000 to 16,000 the growth per weld rises by 80 %, as with softer caps or warmer water. Our choice."""
NEW_SHEET = ((0, 0), (8_000, 1))
PLAIN = Scenario("plain")
WEARING = Scenario("wearing", growth=WEAR_DRIFT)
NEW_LOT = Scenario("new lot", lots=NEW_SHEET)
WEARING_NEW_LOT = Scenario("wearing and new lot", growth=WEAR_DRIFT, lots=NEW_SHEET)
SCENARIOS = (PLAIN, WEARING, NEW_LOT, WEARING_NEW_LOT)

GROWTH_KN, GROWTH_POWER = 2.6, 2.0
"""A harder press spreads the tip faster, by this power of force; our choice."""


class Luck(NamedTuple):
    """Standard normals of what differs from part to part and moves the nugget."""

    current: Array
    force: Array
    time: Array
    gap: Array
    film: Array
    zinc: Array


CURRENT_SD, FORCE_SD, TIME_SD_MS, FILM_SD, ZINC_SD = 0.012, 0.02, 0.5, 0.10, 0.15
"""Relative, but for the time; our choice, but for zinc: about TWI's 40 to 60 ms."""
GAP_MM = 0.2
"""Gaps are half-normal with this scale; our choice."""
NUGGET_SD_MM = 0.06
"""What the model leaves out; our choice."""
LIMIT_SD_MM = 0.15
"""The same, of the expulsion limit; our choice."""
FRESH, FRESH_WELDS = 1.0, 25.0
"""After dressing the nugget's scatter is larger by this share, which falls e times in so many welds.

The first 25 to 50 welds on zinc are inconsistent (RWMA manual, 4th ed.); the size is our choice.
"""


def joint_of(settings: Settings, scenario: Scenario, number: NDArray[np.int64], since: Array, luck: Luck) -> Joint:
    """What acts on the welds with these numbers, so many welds after a dressing."""
    lot = scenario.lot_at(number)
    film, zinc, sheet = (np.asarray([getattr(x, name) for x in LOTS])[lot] for name in ("film", "zinc", "sheet_mm"))
    current_ka = settings.current_ka + settings.boost_ka * since / 100.0
    growth_mm = 1e-3 * GROWTH_UM * scenario.growth_at(number) * (settings.force_kn / GROWTH_KN) ** GROWTH_POWER
    return Joint(
        current_ka=current_ka * (1.0 + CURRENT_SD * luck.current),
        force_kn=settings.force_kn * (1.0 + FORCE_SD * luck.force),
        weld_ms=settings.weld_ms + TIME_SD_MS * luck.time,
        face_mm=FACE_MM + growth_mm * since,
        gap_mm=GAP_MM * np.abs(luck.gap),
        film=film * np.exp(FILM_SD * luck.film),
        zinc=zinc * np.maximum(1.0 + ZINC_SD * luck.zinc, 0.0),
        sheet_mm=sheet,
    )


def nugget_sd_mm(since: Array) -> Array:
    """Scatter of the nugget that nothing explains, so many welds after a dressing."""
    return NUGGET_SD_MM * (1.0 + FRESH * np.exp(-since / FRESH_WELDS))


READ_SD = {"current": 0.005, "force": 0.01, "weld_ms": 0.5, "resistance": 0.02, "energy": 0.01, "move_s": 0.02}
"""Noise of the readings: relative, but for ms and s; our choice."""
BURST = 0.93
"""An expulsion ends the weld with a drop of resistance; of the mean, this is left. Our choice."""


class Welds(NamedTuple):
    """What is known of parts once made; arrays of one length. Readings carry noise."""

    number: NDArray[np.int64]
    welds_since_dress: NDArray[np.int64]
    current_ka: Array
    force_kn: Array
    weld_ms: Array
    resistance_uohm: Array
    energy_kj: Array
    cycle_s: Array
    lot: NDArray[np.int64]
    kind: NDArray[np.int64]


def drawn(seed: int, first: int, count: int) -> Array:
    """14 standard normals for each part, a row each: six of `Luck`, nugget, limit, and six of the readings."""
    blocks = range(first // BLOCK, (first + count - 1) // BLOCK + 1)
    rows = [normals(generator(seed, block), BLOCK, 14) for block in blocks]
    skip = first % BLOCK
    return np.concatenate(rows)[skip : skip + count].T


def kind_of(joint: Joint, since: Array, nugget: Array, limit: Array) -> NDArray[np.int64]:
    """Kind of each weld; `nugget` and `limit` are standard normals. A burst weld is a burst weld, whatever its size."""
    size = of.nugget_mm(joint)
    burst = size > of.expulsion_mm(joint) + LIMIT_SD_MM * limit
    small = size + nugget_sd_mm(since) * nugget < of.undersize_mm(joint)
    return np.where(burst, Kind.EXPULSION, np.where(small, Kind.UNDERSIZE, Kind.GOOD)).astype(np.int64)


class Cell:
    """One cell in one run, from a dressing on. It counts its parts, from 0."""

    def __init__(self, seed: int, scenario: Scenario = PLAIN) -> None:
        self.seed, self.scenario, self.made = seed, scenario, 0

    def make(self, settings: Settings, count: int) -> Welds:
        """The next `count` welds, at these settings.

        Raises ValueError for a setting outside PARAMETERS or a count below 1.
        """
        checked(settings, count)
        number = np.arange(self.made, self.made + count, dtype=np.int64)
        draws = drawn(self.seed, self.made, count)
        self.made += count
        since = number % DRESS_EVERY
        welds = since.astype(np.float64)
        joint = joint_of(settings, self.scenario, number, welds, Luck(*draws[:6]))
        kind = kind_of(joint, welds, draws[6], draws[7])
        return read(joint, number, since, self.scenario.lot_at(number), kind, draws[8:])


def checked(settings: Settings, count: int) -> None:
    """Raise ValueError where a setting is outside its qualified range, or nothing is to be made."""
    for parameter, value in zip(PARAMETERS, settings, strict=True):
        if not parameter.low <= value <= parameter.high:
            raise ValueError(
                f"weld cell: {parameter.name} is {value}; use {parameter.low} to {parameter.high} {parameter.unit}"
            )
    if count < 1:
        raise ValueError(f"weld cell: count is {count}; make 1 part or more")


def read(
    joint: Joint,
    number: NDArray[np.int64],
    since: NDArray[np.int64],
    lot: NDArray[np.int64],
    kind: NDArray[np.int64],
    noise: Array,
) -> Welds:
    """The readings of welds made; `noise` is six rows of standard normals."""
    left = np.where(kind == Kind.EXPULSION, BURST, 1.0)
    return Welds(
        number=number,
        welds_since_dress=since,
        current_ka=joint.current_ka * (1.0 + READ_SD["current"] * noise[0]),
        force_kn=joint.force_kn * (1.0 + READ_SD["force"] * noise[1]),
        weld_ms=joint.weld_ms + READ_SD["weld_ms"] * noise[2],
        resistance_uohm=left * of.resistance_uohm(joint) * (1.0 + READ_SD["resistance"] * noise[3]),
        energy_kj=left * 1e-3 * of.electric_j(joint) * (1.0 + READ_SD["energy"] * noise[4]),
        cycle_s=SQUEEZE_S + 1e-3 * joint.weld_ms + HOLD_S + MOVE_S + READ_SD["move_s"] * noise[5],
        lot=lot,
        kind=kind,
    )
