"""What people do with warnings, taken at its place in the log: the case as it is from then on, or why it cannot be."""

from __future__ import annotations

from models.alerting.cases import acted
from models.alerting.lifecycle import Impossible, Lack
from models.records import Action, Alert, Move, Reject
from pipelines.controls.rebuilt import Where
from pipelines.parse import Rejected
from pipelines.refused import check_time


def take(action: Action, where: Where, present_us: int) -> tuple[Alert, ...]:
    """The case's next revision, none where the action says what is so. Raises Rejected for what cannot be."""
    check_time(action.time_us, present_us, action.asset)
    small, asset = where.block.small, where.asset
    try:
        if action.move is Move.SHELVE and (action.until_us or 0) <= where.watermark_us:
            raise Impossible(f"{action.move}: {Lack.NO_END}")
        left, told = acted(small.cases.get(asset, ()), action)
    except Impossible as wrong:
        raise Rejected(Reject.UNFIT_ACTION, f"of '{action.asset}': {wrong}", asset=action.asset) from wrong
    where.block.stir(asset)
    small.cases[asset] = left
    if not left:
        del small.cases[asset]
    if told and action.move is Move.SHELVE and action.until_us is not None:
        small.shelved_us.setdefault(asset, []).append(action.until_us)
    return told
