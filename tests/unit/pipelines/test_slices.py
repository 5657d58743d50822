"""Which slices a partition takes; and which notices the role deals with."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
import pytest

from connectors.kafka.plain import LogRecord
from models.bins import MINUTE_US
from models.operating import RUNNING
from models.records import (
    Confidence,
    Forecast,
    Notice,
    NoticeKind,
    NoticeState,
    OperatingState,
    Rebuilt,
    Reject,
    Rung,
    decode,
    encode,
)
from pipelines.cli.observer import Observer
from pipelines.cli.rebuild import newest
from pipelines.controls.rebuilt import _forget
from pipelines.rebuild import Rebuilding, alone
from pipelines.saving import Array
from pipelines.settings import Settings
from pipelines.slices import Slice
from pipelines.small import Entry
from tests.kit.late import World
from tests.kit.streams import START_US, stream


def notice(number: int = 0, state: str = "open", asset: str = "pump-01", **fields) -> Notice:
    return Notice(
        plant="tiny", id=f"{asset}-{number}", revision=int(state == "closed"), asset=asset, kind=NoticeKind.LATE_SPAN,
        state=NoticeState(state), reason="", since_us=0, time_us=START_US + 30 * MINUTE_US, number=number, **fields,
    )  # fmt: skip


def made(world: World) -> Rebuilt:
    work = Rebuilding(alone(world.partition, "pump-01"), notice(), 0)
    work.take(record for record in stream(1, 25, ("pump-01",)))
    return work.finish().rebuilt


def changed(record: Rebuilt, **fields) -> Rebuilt:
    found = msgspec.msgpack.decode(zlib.decompress(record.content), type=Slice)
    content = zlib.compress(msgspec.msgpack.encode(msgspec.structs.replace(found, **fields)))
    return msgspec.structs.replace(record, content=content)


def arrays_of(record: Rebuilt) -> dict[str, Array]:
    return msgspec.msgpack.decode(zlib.decompress(record.content), type=Slice).arrays


def cut_off(record: Rebuilt, name: str) -> dict[str, Array]:
    found = arrays_of(record)
    return found | {name: msgspec.structs.replace(found[name], data=found[name].data[:8])}


def full_of(record: Rebuilt, name: str, code: int) -> dict[str, Array]:
    found = arrays_of(record)
    return found | {name: Array.of(np.full_like(found[name].array(), code))}


def refusal(change) -> str:
    """What the dead letter of a changed rebuild says; the state must stay as it was."""
    world = World().take(stream(1, 60, ("pump-01",)))
    before = world.kept("pump-01")
    world._take([encode(change(made(world)))])
    (letter,) = world.letters
    assert letter.reason is Reject.UNFIT_REBUILD
    assert world.kept("pump-01") == before
    return letter.detail


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda record: changed(record, version=0), "another version"),
        (lambda record: changed(record, columns=("pressure_bar",)), "another asset type"),
        (lambda record: changed(record, type_sha256="0"), "another asset type"),
        (lambda record: changed(record, arrays=cut_off(record, "tiers.day_sum")), "cut off"),
        (lambda record: changed(record, arrays=full_of(record, "machines.fault", 9)), "none"),
        (lambda record: changed(record, features_sha256="0"), "another list of features"),
        (lambda record: changed(record, arrays={}), "other shapes"),
        (lambda record: msgspec.structs.replace(record, content=b"rubbish"), "cannot be read"),
        (lambda record: msgspec.structs.replace(record, content=record.content[:-9]), "cannot be read"),
        (lambda record: msgspec.structs.replace(record, until_us=START_US), "goes on after"),
        (
            lambda record: msgspec.structs.replace(record, until_us=record.until_us + 1),
            "not all up to its end is final",
        ),
        (lambda record: msgspec.structs.replace(record, until_us=START_US + 59 * MINUTE_US), "not all up to its end"),
    ],
)
def test_a_slice_that_does_not_fit_is_a_dead_letter_and_changes_nothing(change, detail):
    assert detail in refusal(change)


def test_a_rebuild_of_an_asset_that_is_not_in_the_plant_file_is_a_dead_letter():
    world = World().take(stream(1, 60, ("pump-01",)))
    world._take([encode(msgspec.structs.replace(made(world), asset="pump-99"))])
    assert [letter.reason for letter in world.letters] == [Reject.UNKNOWN_ASSET]


def test_a_rebuild_may_be_larger_than_a_frame_may_be():
    world = World().take(stream(1, 60, ("pump-01",)))
    world._take([encode(msgspec.structs.replace(made(world), content=bytes(1_500_000)))])
    assert [letter.reason for letter in world.letters] == [Reject.UNFIT_REBUILD]


def records(*notices: Notice) -> list[LogRecord]:
    return [LogRecord(0, at, 0, b"", encode(one), ()) for at, one in enumerate(notices)]


def test_the_role_deals_with_the_last_open_span_of_each_asset():
    log = records(notice(0), notice(1), notice(0, "closed"), notice(0, asset="mixer-01"), notice(0, asset="gear-01"))
    log += records(notice(0, "closed", "gear-01"))
    assert {asset: one.number for asset, (one, _) in newest(log, "tiny").items()} == {"pump-01": 1, "mixer-01": 0}
    assert newest(log, "another") == {}


def test_historical_forecasts_are_not_counted_as_live_ones():
    forecast = Forecast(
        plant="tiny", id="x", revision=0, asset="pump-01", window_end_us=9, operating=OperatingState.OFF,
        running_until_us=None, chances=(), drivers=(), model="m", basis="b",
        rung=Rung.HAZARD, confidence=Confidence.LOW, completeness=1.0,
        historical=True,
    )  # fmt: skip
    observer = Observer(Settings(), 0)
    observer._take_forecast(LogRecord(0, 0, 0, b"", encode(forecast), ()))
    assert (observer.forecasts, observer.latest) == (0, {})
    assert decode(encode(forecast)) == forecast


def test_the_last_forecast_before_a_rebuild_keeps_the_row_that_it_is_of_so_that_a_warning_can_be_made_again():
    world = World().take(stream(1, 60, ("pump-01",)))
    block = world.partition.state.blocks["pump"]
    asset = block.index["pump-01"]
    last = block.small.kept.pop(asset)
    block.small.entries[asset] = {5: Entry(last.since_us, RUNNING, last.features, last.forecast)}
    _forget(block, asset, 5)
    assert last.features and block.small.kept[asset] == last
