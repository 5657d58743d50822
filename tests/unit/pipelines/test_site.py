"""A worker or feed of one site: its own assets alone, and nothing of another site's lost in silence."""

from __future__ import annotations

from pathlib import Path

from connectors.scada.feed import Read, Reading
from connectors.scada.mapping import Mapper
from models.plant import Plant, parse
from models.records import Frame, Reject, decode, encode
from pipelines.cli.doctor import examine
from pipelines.main import read_plant
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.settings import Settings
from pipelines.topics import Topic
from tests.kit import tiny
from tests.kit.streams import START_US

EXAMPLE = Path(__file__).parents[3] / "infra" / "examples" / "plants"


def south() -> Plant:
    text = tiny.PLANT_TOML.replace('[assets.fan-01]\ntype = "fan"', '[assets.fan-01]\ntype = "fan"\nsite = "south"')
    return parse(text).of_site("south")


def frame(asset: str, signal: str) -> bytes:
    return encode(Frame(plant="tiny", asset=asset, source="t", times_us=[START_US], signals={signal: [5.0]}))


def test_a_record_of_another_sites_asset_is_a_dead_letter_and_the_sites_own_is_kept():
    partition = Partition(south(), tiny.models())
    values = (frame("pump-01", "pressure_bar"), frame("fan-01", "speed_rpm"))
    effects = partition.receive([RawRecord(at, 0, value) for at, value in enumerate(values)])
    (letter,) = [decode(o.value) for o in effects.outputs if o.topic is Topic.DEAD_LETTERS]
    assert (letter.reason, letter.asset) == (Reject.UNKNOWN_ASSET, "pump-01")
    assert sum(len(rows) for rows in effects.rows) == 1
    assert partition.ledger.balances


def test_a_feed_of_one_site_reads_no_address_of_another():
    read = Read(tuple(Reading(address, START_US, 1.0) for address in ("ns=2;s=F01.VIB", "ns=2;s=P01.VIB")))
    frames, unread = Mapper(read_plant(EXAMPLE, "south"), "opcua:x").frames(read)
    assert [frame.asset for frame in frames] == ["fan-01"]
    assert [(one.reason, one.address) for one in unread] == [(Reject.UNKNOWN_TAG, "ns=2;s=P01.VIB")]


def test_the_doctor_reads_the_plant_of_its_site():
    settings = Settings(
        kafka="127.0.0.1:1", influx_url="http://127.0.0.1:1", plant=EXAMPLE, site="south", instance="nowhere"
    )
    said = {finding.what: finding for finding in examine(settings)}["plant file"]
    assert (said.good, "1 assets of 2 types" in said.detail) == (True, True)


def test_the_site_is_a_setting(monkeypatch):
    monkeypatch.setenv("FOREWARN_SITE", "north")
    assert Settings(instance="nowhere").site == "north"
