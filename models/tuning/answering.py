"""What answers make of an open suggestion: accepted, rejected, changed to other values, or still open. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from models.records import Setting, Suggestion, SuggestionAnswer, SuggestionRefused, SuggestionState, Verdict
from models.tuning.rails import OnTrialTogether, PassedTogether, Rail, Refused
from models.tuning.wording import value

Judge = Callable[[Mapping[str, float]], PassedTogether | OnTrialTogether | Refused]
"""Takes values that somebody wishes instead past the rails."""
Heard = frozenset[tuple[str, int]]
"""Wishes that were refused: by whom and when."""


def answered(
    one: Suggestion, answers: Iterable[SuggestionAnswer], judge: Judge, refused: Heard, now_us: int
) -> list[Suggestion | SuggestionRefused]:
    """The next revision where answers move it, and refusals of wishes; answers are in order of their coming.

    The first to accept or reject counts; where two must approve, the first of each of them. Who changes it approves of
    the change, and who approved before does not.
    """
    now, approved, out = one, set[str](), list[Suggestion | SuggestionRefused]()
    for answer in _since_its_values(one, answers, refused):
        if answer.time_us >= one.valid_until_us or answer.time_us < one.made_us:
            continue
        if answer.answer is Verdict.REJECTED:
            return [*out, revised(one, SuggestionState.REJECTED, now_us, answer.why)]
        if answer.answer is Verdict.MODIFIED and not _same(now, answer.values):
            if (answer.by, answer.time_us) in refused:
                continue
            found = _changed(now, answer, judge)
            if isinstance(found, SuggestionRefused):
                out.append(found)
                continue
            now, approved = found, set()
        approved.add(answer.by)
        if len(approved) >= now.approvals:
            return [*out, revised(now, SuggestionState.ACCEPTED, now_us, revision=one.revision)]
    if now is not one:
        out.append(replace(now, revision=one.revision + 1, moved_us=now_us))
    return out


def revised(
    one: Suggestion, state: SuggestionState, now_us: int, ended: str = "", *, failed: bool = False, revision: int = -1
) -> Suggestion:
    """The next revision, in a state; behind `revision` where it is told."""
    return replace(
        one, revision=(one.revision if revision < 0 else revision) + 1, state=state, moved_us=now_us, ended=ended,
        failed=failed,
    )  # fmt: skip


def _since_its_values(one: Suggestion, answers: Iterable[SuggestionAnswer], refused: Heard) -> list[SuggestionAnswer]:
    """Answers from the one on that made its values what they are: what was approved before was something else.

    Whoever wished the same after that approves of it, as who made it does.
    """
    found, made, is_it = list(answers), 0, one.revision == 0
    for at, answer in enumerate(found):
        if one.revision > 0 and answer.answer is Verdict.MODIFIED and (answer.by, answer.time_us) not in refused:
            was_it, is_it = is_it, _same(one, answer.values)
            made = at if is_it and not was_it else made
    return found[made:]


def _same(one: Suggestion, values: Mapping[str, float]) -> bool:
    """Whether values that are wished are what it says; parameters that are not named stay as they are."""
    known = {each.parameter: each.proposed for each in one.settings}
    return alike(known | dict(values), known)


def alike(values: Mapping[str, float], others: Mapping[str, float]) -> bool:
    """The same but for how decimal fractions are rounded: people write 9.3 for what is a bit below."""
    return values.keys() == others.keys() and all(
        math.isclose(value, others[name], rel_tol=1e-9, abs_tol=1e-12) for name, value in values.items()
    )


def _changed(one: Suggestion, answer: SuggestionAnswer, judge: Judge) -> Suggestion | SuggestionRefused:
    """With other values for its parameters; those that are not named stay as proposed."""
    known = {each.parameter: each for each in one.settings}
    wished = {name: each.proposed for name, each in known.items()} | dict(answer.values)
    unknown = sorted(wished.keys() - known.keys())
    found = Refused(Rail.ONE_MOVE, f"{', '.join(unknown)}: none of this suggestion") if unknown else judge(wished)
    if isinstance(found, PassedTogether) and alike(found.values, wished):
        settings = [
            Setting(parameter=name, unit=of.unit, now=of.now, proposed=found.values[name]) for name, of in known.items()
        ]
        first, *rest = settings
        return replace(
            one, proposed=first.proposed, also=tuple(rest), approvals=found.approvals,
            rails=tuple(f"{name}: {rail}" for name, rail in found.binding),
            assumed=(*one.assumed, f"changed by {answer.by}: what is expected was told for other values"),
        )  # fmt: skip
    rail, detail = _why_not(found, wished)
    return SuggestionRefused(
        plant=one.plant, asset=one.asset, product=one.product, time_us=answer.time_us, rail=rail, detail=detail,
        settings=tuple(
            Setting(parameter=name, unit=of.unit, now=of.now, proposed=wished[name]) for name, of in known.items()
        ),
        model=one.model, suggestion=one.id, by=answer.by,
    )  # fmt: skip


def _why_not(found: PassedTogether | OnTrialTogether | Refused, wished: Mapping[str, float]) -> tuple[str, str]:
    """The rail and its words; a wish that would be clipped is not changed silently."""
    if isinstance(found, Refused):
        return str(found.rail), found.detail
    if isinstance(found, OnTrialTogether):
        return str(Rail.TRIAL), found.why
    cut = [
        f"{name} {value(wished[name])} would be cut to {value(found.values.get(name, wished[name]))} by {rail}"
        for name, rail in found.binding
    ] or [f"{name} would not change" for name in wished if name not in found.values]
    return str(found.binding[0][1] if found.binding else Rail.NO_CHANGE), "; ".join(cut)
