"""The card of a refitted model: the parent's, with what is new of it and what it was refitted from."""

from __future__ import annotations

import hashlib

from msgspec import UNSET, structs

from models.failure.hazard import Card
from models.failure.interval import Levels
from models.passed import Passed, Refit
from onnx_export.asof import told
from onnx_export.parity import Parity


def refit_card(
    parent: Card, onnx: bytes, refit: Refit, parity: Parity, gate: Passed, interval: Levels | None, command: str,
    simulated: str | None, seed: int,
) -> Card:  # fmt: skip
    """Features, modes and past cases are the parent's; so is the limit, unless another was put on its card.

    What is measured is of the refit, or not there.

    Real failures are counted with those of the parent; simulated ones do not count.
    """
    of = simulated or "this plant"
    figures = {
        "failures": float(refit.events),
        "temperature": refit.temperature,
        "offset": refit.offset,
        "average_precision": refit.average_precision_new[1],
        "log_loss_before": refit.log_loss_new[0],
        "log_loss": refit.log_loss_new[1],
    }
    return structs.replace(
        parent,
        sha256=hashlib.sha256(onnx).hexdigest(),
        basis=f"{parent.basis}; refitted on {refit.events} failures of {refit.machines} machines of {of}",
        failures=parent.failures + (0 if simulated else refit.events),
        trained_on=(
            f"the trees of {refit.parent}{_how(refit)} {refit.rows} rows of {refit.machines} machines of {of} "
            f"until {told(refit.until_us)[:10]}, with {refit.events} failures, and held to their parent on "
            f"{refit.old_rows} older rows with {refit.old_events}; figures are out of fold, by machine"
        ),
        command=command,
        seeds={"refit folds": (seed,)},
        parity=parity.figures(),
        scores=figures,
        interval=interval,
        gate=gate,
        served=UNSET,
        refit=refit,
    )


def _how(refit: Refit) -> str:
    return f" and {refit.more_trees} more, learned from" if refit.more_trees else ", leaves refitted on"
