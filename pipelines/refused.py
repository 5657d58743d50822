"""Records that are refused whole: why, counted in the ledger, with their dead letters.

Which samples of a record are refused is the matter of the stage screen.
"""

from __future__ import annotations

from hashlib import sha256

from models.clocks import FAR_FUTURE_US, OLDEST_US
from models.plant import Plant
from models.records import (
    OF_SENSORS,
    Action,
    AnyInput,
    DeadLetter,
    Frame,
    HealthyBaseline,
    Maintenance,
    Rebuilt,
    Reject,
    WorkOrder,
    key_of,
)
from pipelines.ledger import Ledger
from pipelines.parse import Rejected, parse
from pipelines.ports import RawRecord
from pipelines.state import NEVER, NOWHERE
from pipelines.topics import Share, partition_of

PAYLOAD_KEPT = 2048
"""Bytes of a rejected payload that its dead letter carries."""


def rejected(ledger: Ledger, plant: str, wrong: Rejected, payload: bytes) -> DeadLetter:
    """Count a whole record as rejected; its dead letter."""
    ledger.records_rejected += 1
    ledger.rows_read += wrong.rows
    ledger.rows_rejected += wrong.rows
    ledger.values_read += wrong.values
    ledger.values_rejected += wrong.values
    if wrong.rows or wrong.values:
        source = ledger.of(wrong.source)
        source.rows_read += wrong.rows
        source.values_read += wrong.values
    ledger.reject(wrong.reason, max(1, wrong.values))
    return DeadLetter(
        plant=plant,
        reason=wrong.reason,
        detail=wrong.detail,
        asset=wrong.asset,
        payload=payload[:PAYLOAD_KEPT].decode("utf-8", "replace"),
        payload_sha256=sha256(payload).hexdigest(),
    )


def unread(raw: RawRecord, why: str, plant: str, ledger: Ledger) -> DeadLetter:
    """Count a record as read and rejected that no stage may see again; its dead letter."""
    ledger.records_read += 1
    (record,) = parse([raw])
    if not isinstance(record, Rejected):
        record = Rejected(Reject.STEP_FAILED, why, *size(record), getattr(record, "asset", ""))
    return rejected(ledger, plant, record, raw.value)


def out_of_place(
    record: Frame | Maintenance | WorkOrder | Rebuilt | HealthyBaseline | Action, place: int, share: Share | None
) -> Rejected:
    """The reject of a record whose asset is NOWHERE or ELSEWHERE."""
    if place == NOWHERE or share is None:
        detail = f"asset '{record.asset}' is not in the plant file"
        return Rejected(Reject.UNKNOWN_ASSET, detail, *size(record), record.asset)
    key = key_of(record.plant, record.asset)
    detail = (
        f"it came on partition {share.partition}, but its asset's is {partition_of(key, share.partitions)} of "
        f"{share.partitions}: send it with the key {key.decode()} and the partitioner of Kafka's Java client "
        "(murmur2; in librdkafka partitioner=murmur2_random), then replay this letter"
    )
    return Rejected(Reject.WRONG_PARTITION, detail, *size(record), record.asset)


def unequal(frame: Frame) -> Rejected:
    """The reject of a frame whose columns have not all the length of its times."""
    rows = len(frame.times_us)
    uneven = {name: len(column) for name, column in frame.signals.items() if len(column) != rows}
    uneven |= {f"quality of {name}": len(column) for name, column in frame.quality.items() if len(column) != rows}
    return Rejected(Reject.UNEQUAL_COLUMNS, f"{rows} times, but columns of {uneven}", *size(frame), frame.asset)


TOO_OLD = "before 2000: times are microseconds since 1970 UTC, and are these milliseconds?"
"""What is said of a time that nobody meant."""


def check_old(time_us: int, asset: str) -> None:
    """Raises Rejected for a time before 2000."""
    if time_us < OLDEST_US:
        raise Rejected(Reject.FAR_PAST, f"its time {time_us} lies {TOO_OLD}", asset=asset)


def check_time(time_us: int, present_us: int, asset: str) -> None:
    """Raises Rejected for a time that lies before 2000 or too far beyond the present."""
    check_old(time_us, asset)
    if present_us != NEVER and time_us > present_us + FAR_FUTURE_US:
        raise Rejected(Reject.FAR_FUTURE, f"its time {time_us} us is beyond the present, {present_us} us", asset=asset)


def check_sensor(record: Maintenance, plant: Plant) -> None:
    """Raises Rejected for work on a sensor that the machine has none of."""
    if record.action in OF_SENSORS and record.mode:
        known = plant.types[plant.assets[record.asset].type].signals
        if record.mode not in known:
            detail = f"'{record.mode}' was {record.action}, but signals of '{record.asset}' are {', '.join(known)}"
            raise Rejected(Reject.UNKNOWN_SIGNAL, detail, asset=record.asset)


def size(record: AnyInput) -> tuple[int, int, str]:
    """Rows and values that a record would have brought, and from where."""
    if not isinstance(record, Frame):
        return 0, 0, ""
    return len(record.times_us), sum(map(len, record.signals.values())), record.source


def moved(frame: Frame, shift_us: int) -> list[int]:
    """A frame's times as they are by what was decided of its source. Raises Rejected where one is before 1970."""
    times_us = [time_us + shift_us for time_us in frame.times_us]
    if min(times_us) < 0:
        raise Rejected(
            Reject.NOT_A_RECORD, f"its times, moved by {shift_us} us, lie before 1970", *size(frame), frame.asset
        )
    return times_us
