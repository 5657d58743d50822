"""A late span on real servers: a worker marks it, `forewarn rebuild` reads InfluxDB, and nothing shows of it later."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from models.records import Forecast, Maintenance, MaintenanceAction, Notice, NoticeKind, decode
from pipelines.cli import environment
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.installation import ROOT, Installation, Undisturbed
from tests.kit.late import held_back
from tests.kit.streams import MINUTE_US, START_US, time_of

pytestmark = pytest.mark.servers

ASSET = "mixer-01"
AWAY_US, BACK_US = START_US + 60 * MINUTE_US, START_US + 240 * MINUTE_US
SEEN_US = BACK_US + 6 * MINUTE_US
"""By then the late span was told of."""


def role(installation: Installation) -> list[dict]:
    """Run `forewarn rebuild --once`; what it says of each notice."""
    command = [sys.executable, "-m", "pipelines.cli", "rebuild", "--once", "--json"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(installation.settings), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr + installation.told()
    return [json.loads(line) for line in done.stdout.splitlines()]


def said(values: dict[int, list[bytes]] | list[bytes], *, historical: bool) -> dict[int, tuple]:
    """What the last revisions of the asset's forecasts say, by the end of their minutes."""
    every = [v for part in values.values() for v in part] if isinstance(values, dict) else values
    found = [decode(value) for value in every]
    return {
        f.window_end_us: (f.operating, f.running_until_us, f.chances, f.drivers, f.completeness)
        for f in found
        if isinstance(f, Forecast) and f.asset == ASSET and f.historical is historical
    }


@pytest.mark.parametrize("influx", ["18", "27"])
def test_a_late_span_is_rebuilt_from_the_store_and_later_forecasts_are_as_without_it(servers, tmp_path, influx):
    repaired = Maintenance(
        plant="tiny", asset=ASSET, time_us=AWAY_US + 50 * MINUTE_US, action=MaintenanceAction.REPAIRED
    )
    records = sorted([*streams.stream(4, minutes=330, assets=(ASSET, "pump-01")), repaired], key=time_of)
    away = held_back(records, ASSET, AWAY_US, BACK_US, time_of)
    cut = next(at for at, record in enumerate(away) if time_of(record) >= SEEN_US)
    with Installation(tmp_path, influx) as installation:
        worker = installation.worker()
        installation.send(away[:cut])
        installation.finish()
        (told,) = role(installation)
        assert (told["asset"], told["number"]) == (ASSET, 0)
        installation.send(away[cut:])
        installation.finish()
        assert role(installation) == []
        installation.stop(worker)
        found = installation.published(Topic.FORECASTS)
        notices = [decode(v) for part in installation.published(Topic.NOTICES).values() for v in part]
        letters = installation.published(Topic.DEAD_LETTERS)
    assert [
        (n.asset, n.revision, n.reason) for n in notices if isinstance(n, Notice) and n.kind is NoticeKind.LATE_SPAN
    ] == [
        (ASSET, 0, "late-rows"),
        (ASSET, 1, "rebuilt"),
    ]
    assert not [v for part in letters.values() for v in part if b"unfit" in v]
    wanted = said(Undisturbed(records).outputs[Topic.FORECASTS], historical=False)
    past, live = said(found, historical=True), said(found, historical=False)
    assert len(past) == told["forecasts"] > 50
    assert past == {end_us: wanted[end_us] for end_us in past}
    later = [end_us for end_us in wanted if end_us > SEEN_US]
    assert len(later) > 20
    assert {end_us: live[end_us] for end_us in later} == {end_us: wanted[end_us] for end_us in later}
