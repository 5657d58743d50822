"""By whichever feed a burst comes, its features end in frames by their tags, and its samples in none."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from connectors.scada.feed import Read
from connectors.scada.feeds.files import Config as Files
from connectors.scada.feeds.files.opened import reads, stamp_of
from connectors.scada.feeds.kafka import Config as Topics
from connectors.scada.feeds.kafka.messages import Message, decode
from connectors.scada.feeds.mqtt import Config as Mqtt
from connectors.scada.feeds.mqtt.decoder import Decoder
from connectors.scada.mapping import Mapper
from models.plant import parse
from models.records import Quality, encode

AT_US = 1_769_839_200_000_000  # date -d 2026-01-31T06:00:00Z +%s
RATE = 12_800
SIGNALS = ("velocity_rms_mm_s", "acceleration_peak_m_s2", "kurtosis", "envelope_bpfo_m_s2")
PLANT = 'plant = "tiny"\n' + "".join(
    f'[types.motor.signals.{name}]\nkind = "gauge"\n' for name in SIGNALS
) + '[assets]\nm-1 = { type = "motor" }\n' + "".join(
    f'[[tags]]\naddress = "vib/1/{name}"\nasset = "m-1"\nsignal = "{name}"\n' for name in SIGNALS
)  # fmt: skip
WAVEFORMS = [{"address": "vib/1", "orders": {"bpfo": 3.6}}]


def burst(samples: np.ndarray) -> dict:
    return {"rate_hz": RATE, "unit": "m/s2", "speed_rpm": 1500, "samples": np.round(samples, 6).tolist()}


def swing() -> np.ndarray:
    """7.071 mm/s at 50 Hz, and a carrier that swells by 1.5 m/s2 at an order of 3.6 of 25 Hz."""
    t = np.arange(RATE) / RATE
    slow = 1e-2 * 2 * np.pi * 50 * np.sin(2 * np.pi * 50 * t)
    return slow + (3 + 1.5 * np.cos(2 * np.pi * 90 * t)) * np.sin(2 * np.pi * 3000 * t)


def by_mqtt(body: dict, tmp_path: Path, said: str = "good") -> Read:
    plain = {"payload": "plain", "topic": "vib/+", "value": "b", "time": "ts", "time_unit": "us", "quality": "q"}
    config = {"host": "h", "client_id": "c", "subscriptions": [plain | {"waveforms": WAVEFORMS}]}
    payload = json.dumps({"ts": AT_US, "q": said, "b": body}).encode()
    return Decoder(msgspec.convert(config, Mqtt)).read("vib/1", payload, 0).read


def by_mqtt_as_the_whole_message(body: dict, tmp_path: Path, said: str = "good") -> Read:
    plain = {"payload": "plain", "topic": "vib/+", "fields": True, "time": "ts", "time_unit": "us", "quality": "q"}
    config = {"host": "h", "client_id": "c", "subscriptions": [plain | {"waveforms": WAVEFORMS}]}
    payload = json.dumps({"ts": AT_US, "q": said} | body).encode()
    return Decoder(msgspec.convert(config, Mqtt)).read("vib/1", payload, 0).read


def by_a_topic(body: dict, tmp_path: Path, said: str = "good") -> Read:
    layout = {"format": "reading", "topic": "vib", "value": "b", "time": "ts", "time_unit": "us", "quality": "q"}
    config = msgspec.convert({"bootstrap": "h", "topics": [layout | {"waveforms": WAVEFORMS}]}, Topics)
    payload = json.dumps({"tag": "vib/1", "ts": AT_US, "q": said, "b": body}).encode()
    return decode(config.topics[0], Message("vib", None, payload, 0))


def by_a_topic_of_fields(body: dict, tmp_path: Path, said: str = "good") -> Read:
    layout = {"format": "fields", "topic": "vib", "time": "ts", "time_unit": "us", "quality": "q"}
    config = msgspec.convert({"bootstrap": "h", "topics": [layout | {"waveforms": WAVEFORMS}]}, Topics)
    return decode(config.topics[0], Message("vib", b"vib", json.dumps({"ts": AT_US, "q": said, "1": body}).encode(), 0))


def by_a_file(body: dict, tmp_path: Path, said: str = "good") -> Read:
    config = {"folder": str(tmp_path), "format": "jsonl", "time_format": "us", "columns": {"quality": "q"}}
    file = tmp_path / "vib.jsonl"
    file.write_text(json.dumps({"tag": "vib/1", "time": AT_US, "q": said, "value": body}) + "\n")
    (read,) = reads(msgspec.convert(config | {"waveforms": WAVEFORMS}, Files), file, stamp_of(file))
    return read


WAYS = (by_mqtt, by_mqtt_as_the_whole_message, by_a_topic, by_a_topic_of_fields, by_a_file)
ways = pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
Way = Callable[..., Read]


@ways
def test_a_burst_ends_as_one_row_of_its_features(way: Way, tmp_path: Path):
    frames, unread = Mapper(parse(PLANT), "test").frames(way(burst(swing()), tmp_path))
    assert not unread
    (frame,) = frames
    assert (frame.asset, frame.times_us, set(frame.signals)) == ("m-1", [AT_US], set(SIGNALS))
    assert frame.signals["velocity_rms_mm_s"] == [pytest.approx(10 / np.sqrt(2), rel=1e-3)]
    assert frame.signals["envelope_bpfo_m_s2"] == [pytest.approx(1.5, rel=0.012)]


@ways
def test_what_goes_to_the_log_holds_no_samples(way: Way, tmp_path: Path):
    body = burst(swing())
    read = way(body, tmp_path)
    records = b"".join(map(encode, Mapper(parse(PLANT), "test").frames(read)[0]))
    assert len(records) < 1000 < len(body["samples"])
    assert b"samples" not in records and str(body["samples"][1]).encode() not in records
    assert len(read.readings) == len(SIGNALS) and all(isinstance(one.value, float) for one in read.readings)


@ways
def test_of_a_clipped_burst_every_signal_is_bad_and_it_is_told(way: Way, tmp_path: Path):
    frames, unread = Mapper(parse(PLANT), "test").frames(way(burst(np.clip(swing(), -3, 3)), tmp_path))
    (frame,) = frames
    assert set(frame.quality) == set(SIGNALS)
    assert {quality for column in frame.quality.values() for quality in column} == {int(Quality.BAD)}
    assert len(unread) == 1 and "its tops are cut off" in unread[0].detail


@ways
def test_the_quality_of_the_message_is_that_of_every_signal(way: Way, tmp_path: Path):
    (frame,) = Mapper(parse(PLANT), "test").frames(way(burst(swing()), tmp_path, "uncertain"))[0]
    assert frame.quality == {name: [int(Quality.UNCERTAIN)] for name in SIGNALS}


@ways
def test_of_a_burst_at_a_low_rate_the_rest_is_read_and_the_reason_told(way: Way, tmp_path: Path):
    frames, unread = Mapper(parse(PLANT), "test").frames(way(burst(swing()) | {"rate_hz": 1600}, tmp_path))
    (frame,) = frames
    assert "kurtosis" in frame.signals and "velocity_rms_mm_s" not in frame.signals
    assert len(unread) == 1 and "no velocity_rms_mm_s, envelope_bpfo_m_s2: the rate" in unread[0].detail


def test_the_example_of_mqtt_reads_the_burst_that_it_tells_of():
    text = (Path(__file__).parents[2] / "infra" / "examples" / "feeds" / "mqtt.toml").read_text()
    payload = json.dumps({"ts": "2026-01-31T06:00:00Z", "burst": burst(swing())}).encode()
    read = Decoder(msgspec.convert(tomllib.loads(text), Mqtt)).read("vibration/pump-01", payload, 0).read
    assert {one.address.rpartition("/")[0] for one in read.readings} == {"vibration/pump-01"}
    assert len(read.readings) == 7 and not read.unread
