"""A burst as feeds find it becomes features at addresses of their own; rubbish a reason; no sample comes through."""

from __future__ import annotations

import base64
import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.waveform import MOST_SAMPLES, Bearing, Waveform, is_burst, read_burst
from models.records import Quality, Reject

RATE = 5000.0
AT_US = 1_769_839_200_000_000  # date -d 2026-01-31T06:00:00Z +%s
NAMES = ("velocity_rms_mm_s", "acceleration_peak_m_s2", "kurtosis")
SINE_G = 0.5 * np.sin(2 * np.pi * 50 * np.arange(5000) / RATE + 0.1)
RMS_MM_S = 1000 * 0.5 * 9.80665 / (2 * np.pi * 50) / np.sqrt(2)
ORDERS = (Waveform(address="a", orders={"bpfo": 3.6}),)


def burst(**more) -> dict:
    return {"rate_hz": RATE, "unit": "g", "speed_rpm": 1500, "samples": SINE_G.tolist()} | more


def of(told=(), quality: Quality = Quality.GOOD, **more) -> Read:
    return read_burst(told, "a", AT_US, burst(**more), quality)


def values(read: Read) -> dict:
    return {one.address: one.value for one in read.readings}


def refused(**more) -> Unread:
    read = of(**more)
    assert not read.readings
    (unread,) = read.unread
    assert unread.address == "a" and not unread.payload
    return unread


def test_each_feature_is_a_reading_at_an_address_and_the_time_of_the_burst():
    read = of()
    assert [one.address for one in read.readings] == [f"a/{name}" for name in NAMES]
    assert {(one.time_us, one.quality) for one in read.readings} == {(AT_US, Quality.GOOD)}
    assert all(type(one.value) is float for one in read.readings)
    assert not read.unread


@pytest.mark.parametrize(("unit", "times"), [("g", 1), ("m/s2", 9.80665), ("m/s²", 9.80665), ("mm/s2", 9806.65)])
def test_units_of_acceleration_are_converted(unit, times):
    read = of(unit=unit, samples=(SINE_G * times).tolist())
    assert values(read)["a/velocity_rms_mm_s"] == pytest.approx(RMS_MM_S, rel=1e-3)


def test_packed_floats_are_what_a_list_of_them_is():
    packed = base64.b64encode(SINE_G.astype("<f4").tobytes()).decode()
    assert values(of(samples=packed)) == pytest.approx(values(of()), rel=1e-6)


def test_packed_counts_are_scaled():
    packed = base64.b64encode(np.round(SINE_G / 1e-4).astype("<i2").tobytes()).decode()
    read = of(samples=packed, format="int16", scale=1e-4)
    assert values(read) == pytest.approx(values(of()), rel=1e-3)


def test_orders_are_read_of_the_addresses_that_the_config_names():
    assert "a/envelope_bpfo_m_s2" in values(of(ORDERS))
    assert "a/envelope_bpfo_m_s2" not in values(of((Waveform(address="b", orders={"bpfo": 3.6}),)))


def test_a_bearing_of_the_config_has_its_four_orders():
    told = Waveform(address="a", bearing=Bearing(elements=9, element_mm=7.94, pitch_mm=39.04), orders={"gear": 23.0})
    assert told.wanted.orders.keys() == {"bpfo", "bpfi", "bsf", "ftf", "gear"}
    assert told.wanted.orders["bpfo"] == pytest.approx(3.5848, abs=1e-3)  # as in test_vibration, in millimetres


def test_a_feature_that_nobody_wants_is_neither_read_nor_missed():
    told = (Waveform(address="a", skip=("kurtosis", "velocity_rms_mm_s")),)
    read = of(told, samples=SINE_G[:100].tolist())
    assert values(read).keys() == {"a/acceleration_peak_m_s2"}
    assert not read.unread


def test_without_a_speed_the_orders_are_missing_in_words_and_the_rest_is_read():
    read = of(ORDERS, speed_rpm=None)
    assert len(read.readings) == 3
    assert [(one.reason, one.address) for one in read.unread] == [(Reject.UNREADABLE, "a")]
    assert "no envelope_bpfo_m_s2: the burst has no shaft speed" in read.unread[0].detail


def test_of_a_shaft_that_stands_there_are_no_orders_and_nothing_to_tell():
    read = of(ORDERS, speed_rpm=0)
    assert len(read.readings) == 3 and not read.unread


def test_a_rate_that_is_too_low_for_the_band_is_told():
    read = of(rate_hz=1600)
    assert values(read).keys() == {"a/acceleration_peak_m_s2", "a/kurtosis"}
    assert "no velocity_rms_mm_s: the rate is not over twice" in read.unread[0].detail


@pytest.mark.parametrize(
    "samples",
    [[*SINE_G[:-1].tolist(), None], [*SINE_G[:-1].tolist(), float("nan")], np.clip(SINE_G, -0.3, 0.3).tolist()],
    ids=["null", "nan", "clipped"],
)
def test_features_of_samples_that_cannot_be_believed_are_bad(samples):
    read = of(samples=samples)
    assert read.readings == [Reading(f"a/{name}", AT_US, None, Quality.BAD) for name in NAMES]
    assert [one.reason for one in read.unread] == [Reject.BAD_QUALITY]


def test_what_the_message_says_of_its_quality_is_that_of_each_feature():
    assert {(one.value, one.quality) for one in of(quality=Quality.BAD).readings} == {(None, Quality.BAD)}
    assert {one.quality for one in of(quality=Quality.UNCERTAIN).readings} == {Quality.UNCERTAIN}


@pytest.mark.parametrize(
    "more",
    [
        {"rate_hz": None},
        {"rate_hz": 0},
        {"rate_hz": float("nan")},
        {"rate_hz": 10**400},
        {"unit": "mm"},
        {"unit": None},
        {"speed_rpm": "fast"},
        {"speed_rpm": float("nan")},
        {"scale": 0},
        {"scale": float("inf")},
        {"samples": []},
        {"samples": ""},
        {"samples": ["1"]},
        {"samples": [True]},
        {"samples": [[1.0]]},
        {"samples": 5},
        {"samples": "!"},
        {"samples": "é"},
        {"samples": "AAAAAAA="},
        {"samples": "AAAA", "format": "int32"},
    ],
)
def test_what_is_no_burst_is_told(more):
    assert refused(**more).reason is Reject.NOT_A_RECORD


@pytest.mark.parametrize(
    "samples", [[0.0] * (MOST_SAMPLES + 1), "A" * 16 * (MOST_SAMPLES // 3 + 1)], ids=["list", "packed"]
)
def test_a_burst_has_a_bounded_size(samples):
    assert refused(samples=samples).reason is Reject.TOO_LARGE


def test_an_object_with_samples_is_a_burst_and_no_other():
    assert is_burst({"samples": None})
    assert not any(is_burst(one) for one in ({"value": 1}, [1.0], "samples", None))


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"address": ""}, "address"),
        ({"address": "a", "orders": {"BPFO": 3.6}}, "match"),
        ({"address": "a", "orders": {"x": 0}}, "> 0"),
        ({"address": "a", "envelope_hz": [900, 500]}, "lower and a higher"),
        ({"address": "a", "skip": ["rms"]}, "rms, but its features are velocity_rms_mm_s"),
        ({"address": "a", "bearing": {"elements": 9, "element_mm": 40, "pitch_mm": 39}}, "under pitch_mm"),
        (
            {"address": "a", "orders": {"bsf": 2}, "bearing": {"elements": 9, "element_mm": 7.9, "pitch_mm": 39}},
            "bsf already",
        ),
    ],
)
def test_a_config_that_cannot_work_says_why(config, says):
    with pytest.raises(msgspec.ValidationError, match=says):
        msgspec.convert(config, Waveform)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(
    said=st.fixed_dictionaries(
        {"samples": JSON | st.lists(st.floats(), max_size=50)},
        optional={
            "rate_hz": st.floats(1, 1e5) | JSON, "unit": st.sampled_from(["g", "m/s2"]) | JSON, "speed_rpm": JSON,
            "format": st.sampled_from(["float32", "int16"]) | JSON, "scale": st.floats() | JSON,
        },
    )
)  # fmt: skip
def test_whatever_comes_is_read_or_has_a_reason(said):
    read = read_burst(ORDERS, "a", 0, json.loads(json.dumps(said)))
    assert read.readings or read.unread
    assert all(one.value is None or abs(one.value) < float("inf") for one in read.readings)
