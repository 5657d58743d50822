"""Records of an asset on a partition that is not its key's: refused, so that two partitions never tell of one asset."""

from __future__ import annotations

import pytest

from models.records import (
    AnyInput,
    DeadLetter,
    Frame,
    Maintenance,
    MaintenanceAction,
    Rebuilt,
    Reject,
    WorkOrder,
    WorkOrderKind,
    decode,
    encode,
)
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.topics import Share, Topic, partition_of
from tests.kit import changes, tiny
from tests.kit.streams import START_US

ASSETS = sorted(tiny.plant().assets)
OWN = partition_of(b"tiny/pump-01", 3)
OTHER = Share((OWN + 1) % 3, 3)


def frame(asset: str) -> Frame:
    signals: dict = {"speed_rpm": [1400.0]} if asset.startswith("fan") else {"pressure_bar": [5.0]}
    return Frame(plant="tiny", asset=asset, source="t", times_us=[START_US], signals=signals)


PUMP: dict = {"plant": "tiny", "asset": "pump-01"}
RECORDS = {
    "frame": frame("pump-01"),
    "maintenance": Maintenance(**PUMP, time_us=START_US, action=MaintenanceAction.REPAIRED),
    "work order": WorkOrder(
        **PUMP, order="1", kind=WorkOrderKind.SERVICE, reported_us=START_US, started_us=START_US, finished_us=START_US
    ),
    "rebuilt": Rebuilt(**PUMP, until_us=START_US, content=b""),
}


def taken(partition: Partition, *records: AnyInput) -> tuple[list[DeadLetter], int]:
    """Dead letters of some records, and how many rows are to be stored."""
    first = partition.next_offset
    effects = partition.receive([RawRecord(first + at, 0, encode(record)) for at, record in enumerate(records)])
    partition.acknowledged()
    letters = [decode(output.value) for output in effects.outputs if output.topic is Topic.DEAD_LETTERS]
    return letters, sum(map(len, effects.rows))


def partition(share: Share | None) -> Partition:
    return Partition(tiny.plant(), tiny.models(), share=share)


def reasons(letters: list[DeadLetter]) -> list[tuple[Reject, str]]:
    return [(letter.reason, letter.asset) for letter in letters]


@pytest.mark.parametrize("kind", RECORDS)
def test_whatever_names_an_asset_of_another_partition_is_refused(kind):
    other = partition(OTHER)
    letters, rows = taken(other, RECORDS[kind])
    assert (reasons(letters), rows) == ([(Reject.WRONG_PARTITION, "pump-01")], 0)
    assert other.state.size.assets == 0
    assert other.ledger.balances


def test_the_letter_says_with_which_key_and_partitioner_to_send():
    ((letter,), _) = taken(partition(OTHER), frame("pump-01"))
    assert f"on partition {OTHER.partition}, but its asset's is {OWN} of 3" in letter.detail
    assert "key tiny/pump-01" in letter.detail and "murmur2" in letter.detail


def test_each_asset_is_taken_in_by_one_partition_however_many_get_its_records():
    frames = [frame(asset) for asset in ASSETS]
    stored = [taken(partition(Share(number, 3)), *frames)[1] for number in range(3)]
    assert sum(stored) == len(ASSETS) and max(stored) < len(ASSETS)


def test_without_a_share_all_assets_are_taken_in():
    assert taken(partition(None), *map(frame, ASSETS)) == ([], len(ASSETS))


def test_an_asset_that_nobody_knows_is_unknown_on_whatever_partition():
    letters = [taken(partition(Share(number, 3)), frame("pump-99"))[0] for number in range(3)]
    assert list(map(reasons, letters)) == [[(Reject.UNKNOWN_ASSET, "pump-99")]] * 3


def test_a_snapshot_that_knows_the_asset_makes_no_difference():
    before = partition(None)
    taken(before, frame("pump-01"))
    restored = Partition.restore(tiny.plant(), tiny.models(), before.snapshot(), share=OTHER)
    assert reasons(taken(restored, frame("pump-01"))[0]) == [(Reject.WRONG_PARTITION, "pump-01")]


def test_a_plant_change_makes_no_difference():
    models = changes.models()
    other = Partition(tiny.plant(), models, share=OTHER)
    letters, _ = taken(other, changes.change(changes.plant("a wider range")), frame("pump-01"))
    assert reasons(letters) == [(Reject.WRONG_PARTITION, "pump-01")]
