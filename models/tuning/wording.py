"""What is said of a change to people: why, how it is reverted, what came of it. Texts alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from models.records import Expected, Setting
from models.tuning.search import Aim, Rate

AIMED = {
    Aim.BETTER: "and is {sure:.0f} % sure that it is better",
    Aim.LEARN: "and is {sure:.0f} % sure that it is better: a small move, to learn which way is",
    Aim.LESS: "good enough both",
}


def percent(share: float) -> str:
    """A rate of defects in percent, two digits that count."""
    return f"{100.0 * share:.2g} %"


def value(number: float) -> str:
    """A setting, without digits of binary fractions."""
    return f"{number:.10g}"


def changes(settings: Sequence[Setting]) -> str:
    """Such as `current_ka 9.3 kA (now 9)`."""
    return ", ".join(f"{one.parameter} {value(one.proposed)} {one.unit} (now {value(one.now)})" for one in settings)


def revert(settings: Sequence[Setting], valid_for: str) -> str:
    """How to go back."""
    said = ", ".join(f"{one.parameter} to {value(one.now)} {one.unit}" for one in settings)
    return (
        f"Set {said}. Not taken within {valid_for} it lapses by itself; parts made meanwhile are inspected as ever and "
        "count for what each was made at."
    )


def why(
    settings: Sequence[Setting],
    found: tuple[int, int, str],
    rates: tuple[Rate, Rate],
    sure: float,
    aim: Aim,
    more: Iterable[str],
) -> str:
    """`found` are parts, defects and their kinds at the setting of now."""
    before, after = rates
    parts, defects, kinds = found
    seen = f"{defects} of {parts} parts inspected at this setting are defective" + (f" ({kinds})" if kinds else "")
    model = (
        f"with {changes(settings)} the model expects {percent(after.rate)} ({percent(after.low)} to "
        f"{percent(after.high)}) instead of {percent(before.rate)}, "
    ) + (AIMED[aim].format(sure=100 * sure))
    return "; ".join([seen, model, *(one for one in more if one)])


def takes(figures: Sequence[Expected]) -> str:
    """What a part takes after it, beside before."""
    return ", ".join(
        f"{one.figure} {100.0 * (one.after / one.before - 1.0):+.1f} %" for one in figures if one.before > 0
    )
