"""Thresholds that follow from a budget: of those that keep it on a history, the one that would have cost least.

What a missed failure costs is the plant's to say, in unfounded warnings. Where it does not say so, or no failure is
known that could be missed, it is the one that would have caught most failures.

Assets choose alone where their own history is long enough for it, else together with their like. Whether a history is
long enough is settled once, by the plant's own budget, so that a tighter budget only leaves fewer thresholds to choose
from, and never has more unfounded warnings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from models.alerting.hindsight import HORIZON_US, HOUR_US, Worth, total
from models.alerting.life import CLEAR_AFTER, CLEAR_SHARE, OPEN_AFTER, Threshold
from models.plant import Criticality, Plant

ENOUGH = 5.0
"""Unfounded warnings that the budget grants a history from which thresholds are chosen by it alone: a count of 5 is
known to some 45 % (Poisson)."""
LEAST = 1.0
"""Under so many, history cannot tell what keeps the budget: thresholds stay, or get stricter."""
PRIOR_WEEKS = 26.0
"""How much the like of an asset weigh in what is expected of it: as half a year of its own. Our choice."""
LIMITS = (0.05, 0.07, *(round(0.05 * step, 2) for step in range(2, 20)))
"""Chances that are tried. Under 0.05 of calibrated chances 19 in 20 warnings would be unfounded."""
PERSISTENCES = tuple(
    (open_after, *clear) for clear in ((CLEAR_AFTER, CLEAR_SHARE), (240, 0.4)) for open_after in (OPEN_AFTER, 15, 60)
)
"""Scored minutes until a warning opens and clears, and the share of the limit under which it clears, that are tried:
what holds everywhere, and what is slower by steps of about four."""
_ROUNDING = 1e-9


def candidates(limits: Iterable[float] = ()) -> tuple[Threshold, ...]:
    """All that is tried, the most sensitive first: LIMITS and those given, with PERSISTENCES."""
    tried = sorted({*LIMITS, *limits})
    found = [Threshold(limit, *rest) for limit in tried for rest in PERSISTENCES]
    return tuple(sorted(found, key=lambda one: (one.limit, PERSISTENCES.index(one[1:]))))


class Group(NamedTuple):
    """Assets that share a threshold, since history tells too little of each alone. `why` says it in words.

    `is_short` where it tells too little even of all of them.
    """

    assets: tuple[str, ...]
    why: str
    is_short: bool


def groups(plant: Plant, weeks: Mapping[str, float], shares: Mapping[str, float]) -> tuple[Group, ...]:
    """Who chooses with whom, of the assets that have a history of so many weeks and such shares a week."""
    granted = {asset: weeks[asset] * shares[asset] for asset in sorted(weeks)}
    found = [Group((asset,), "its own history", False) for asset, of in granted.items() if of >= ENOUGH]
    alike: dict[tuple[str, Criticality], list[str]] = defaultdict(list)
    by_type: dict[str, list[str]] = defaultdict(list)
    for asset, of in granted.items():
        if of < ENOUGH:
            known = plant.assets[asset]
            alike[known.type, known.criticality or Criticality.B].append(asset)
    for (of_type, criticality), assets in sorted(alike.items()):
        if sum(granted[asset] for asset in assets) >= ENOUGH:
            said = f"criticality {criticality}" + (" or none" if criticality is Criticality.B else "")
            found.append(Group(tuple(assets), f"{len(assets)} of type {of_type}, {said}", False))
        else:
            by_type[of_type] += assets
    for of_type, assets in by_type.items():
        is_short = sum(granted[asset] for asset in assets) < LEAST
        why = f"{len(assets)} of type {of_type}" + ("; too little history to loosen" if is_short else "")
        found.append(Group(tuple(sorted(assets)), why, is_short))
    return tuple(found)


class History(NamedTuple):
    """What thresholds were worth on the history of each asset: those `tried`, by their place, and today's.

    `others` are unfounded warnings that no threshold of ours opened, such as those of rules: the budget is for all.
    """

    weeks: dict[str, float]
    tried: tuple[Threshold, ...]
    worths: dict[str, Sequence[Worth]]
    today: dict[str, Threshold]
    worth_today: dict[str, Worth]
    others: dict[str, int]


class Pool(NamedTuple):
    """A group, and what the thresholds that it may choose from are worth on its history together, by their place."""

    group: Group
    worths: dict[int, Worth]


def pools(history: History, among: Iterable[Group]) -> tuple[Pool, ...]:
    """The groups with what there is to choose from. One whose history is too short looks at no limit under today's."""
    found = []
    for group in among:
        strictest = max(history.today[asset].limit for asset in group.assets) if group.is_short else 0.0
        places = [place for place, one in enumerate(history.tried) if one.limit >= strictest]
        worths = {place: total(history.worths[asset][place] for asset in group.assets) for place in places}
        found.append(Pool(group, worths))
    return tuple(found)


class Choice(NamedTuple):
    """A group's threshold, what it is worth on their history together, and what the budget grants it beside `others`.

    `place` is that among the tried. Where nothing that was tried keeps the budget, it is the one with the fewest
    unfounded warnings.
    """

    group: Group
    threshold: Threshold
    place: int
    worth: Worth
    granted: float

    @property
    def is_kept(self) -> bool:
        """Whether the budget would have been kept."""
        return self.worth.unfounded <= self.granted + _ROUNDING


def chosen(
    history: History, among: Sequence[Pool], shares: Mapping[str, float], missed_to_unfounded: float | None = None
) -> tuple[Choice, ...]:
    """The threshold of each group for such shares of unfounded warnings a week, and such a cost of a missed failure."""
    return tuple(_of_pool(history, pool, shares, missed_to_unfounded) for pool in among)


def _of_pool(history: History, pool: Pool, shares: Mapping[str, float], ratio: float | None) -> Choice:
    group, worths = pool
    granted = sum(history.weeks[asset] * shares[asset] - history.others[asset] for asset in group.assets)
    within = [place for place, worth in worths.items() if worth.unfounded <= granted + _ROUNDING]
    if within:
        place = max(within, key=lambda at: (_merit(worths[at], ratio), _lead_h(worths[at]), -at))
    else:
        place = min(worths, key=lambda at: (worths[at].unfounded, at))
    return Choice(group, history.tried[place], place, worths[place], granted)


def _merit(worth: Worth, ratio: float | None) -> float:
    """What to have most of: the least cost, or the most failures caught."""
    return worth.caught if ratio is None or not worth.failures else -worth.cost(ratio)


def held_out(
    plant: Plant,
    shares: Mapping[str, float],
    first: History,
    second: History,
    missed_to_unfounded: float | None = None,
) -> Worth:
    """What thresholds chosen on one history are worth on another that came after it, of assets that are in both."""
    choices = chosen(first, pools(first, groups(plant, first.weeks, shares)), shares, missed_to_unfounded)
    return total(
        second.worths[asset][choice.place]
        for choice in choices
        for asset in choice.group.assets
        if asset in second.worths
    )


def _lead_h(worth: Worth) -> float:
    """The median lead as far as it counts: nobody acts sooner on what lies beyond the longest horizon."""
    return min(worth.median_lead_h or 0.0, HORIZON_US / HOUR_US)


def expected(history: History, choice: Choice) -> dict[str, float]:
    """Unfounded warnings a week to be expected of each asset of a group: its own count, drawn to that of its like.

    That is the mean of a gamma distribution of the group's rate that weighs PRIOR_WEEKS, once the asset's own weeks are
    known. Source: A. Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6 (Poisson model, conjugate gamma).
    """
    weeks = sum(history.weeks[asset] for asset in choice.group.assets)
    usual = choice.worth.unfounded / weeks if weeks else 0.0
    return {
        asset: (history.worths[asset][choice.place].unfounded + PRIOR_WEEKS * usual)
        / (history.weeks[asset] + PRIOR_WEEKS)
        for asset in choice.group.assets
    }
