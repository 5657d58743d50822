"""Features of a burst are those of closed forms, or of scipy where there is none; what is missing has its reason."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.vibration import (
    CYCLES,
    KURTOSIS,
    PEAK,
    VELOCITY,
    Fault,
    Found,
    Missing,
    Wanted,
    describe,
    envelope_name,
    orders_of,
)  # fmt: skip

RATE = 25_600.0
PLAIN = Wanted()


def times(seconds: float, rate: float = RATE) -> np.ndarray:
    return np.arange(math.ceil(seconds * rate)) / rate


def tone(hz: float, seconds: float = 1.0, rate: float = RATE, phase: float = 0.0) -> np.ndarray:
    """Acceleration in m/s2 of a tone whose velocity has an RMS of 1 mm/s: v = A/(2 pi f), RMS = v/sqrt 2."""
    return 1e-3 * math.sqrt(2) * 2 * math.pi * hz * np.sin(2 * math.pi * hz * times(seconds, rate) + phase)


def velocity(samples: np.ndarray, rate: float = RATE, wanted: Wanted = PLAIN) -> float:
    found = describe(samples, rate, None, wanted).features[VELOCITY]
    assert found is not None
    return found


def modulated(hz: float, depth: float = 0.5, carrier_hz: float = 4000.0, seconds: float = 1.0) -> np.ndarray:
    """2 (1 + depth cos) on a carrier: its envelope has a line of 2 depth at `hz`, and no other."""
    t = times(seconds)
    return 2.0 * (1 + depth * np.cos(2 * np.pi * hz * t)) * np.sin(2 * np.pi * carrier_hz * t)


def envelopes(samples: np.ndarray, rpm: float | None, rate: float = RATE, **orders: float) -> dict[str, float]:
    features = describe(samples, rate, rpm, Wanted(orders=orders)).features
    return {name: features[envelope_name(name)] for name in orders if envelope_name(name) in features}  # type: ignore[misc]


def only(found: Found) -> Missing:
    (why,) = found.missing.values()
    return why


def test_the_velocity_of_a_tone_is_that_of_its_closed_form():
    assert velocity(tone(50)) == pytest.approx(1.0, rel=3e-4)
    assert velocity(3.5 * tone(160)) == pytest.approx(3.5, rel=3e-5)


@pytest.mark.parametrize(("seconds", "at_10_hz", "from_20_hz"), [(0.5, 0.025, 0.006), (1.0, 0.006, 0.002)])
def test_the_velocity_of_any_tone_of_the_band_is_within_the_stated_error(seconds, at_10_hz, from_20_hz):
    for turn, hz in enumerate((10, 10.37, 11.8, 15.13, 20, 33.3, 98.7, 517.2, 998.9, 1000)):
        for extra in (0.0, 0.0758, 0.083, 0.171):  # lengths of the burst in which the band's edges lie between bins
            found = velocity(tone(hz, seconds + extra, 5000.0, phase=turn), 5000.0)
            assert found == pytest.approx(1.0, rel=at_10_hz if hz < 20 else from_20_hz), (hz, extra)


def test_a_number_of_samples_that_an_fft_is_slow_for_changes_nothing_to_speak_of():
    samples = tone(50, 1.1) + modulated(120, seconds=1.1)
    slow = samples[:28_789]  # a prime; 28,125 are used
    assert velocity(slow) == pytest.approx(velocity(samples), rel=1e-3)
    assert envelopes(slow, 1200, bpfo=6.0) == pytest.approx(envelopes(samples, 1200, bpfo=6.0), rel=0.011)


def test_tones_of_the_band_add_up_by_their_squares():
    assert velocity(3 * tone(49.3) + 4 * tone(612.7, phase=1)) == pytest.approx(5.0, rel=1e-3)


@pytest.mark.parametrize(("hz", "at_most"), [(0.0, 1e-9), (2.0, 1e-9), (4.3, 0.01), (1010.0, 1e-9), (1040.3, 1e-3)])
def test_a_tone_out_of_the_band_is_rejected(hz, at_most):
    samples = tone(hz) if hz else np.full(25_600, 9.81)
    assert velocity(samples + tone(100)) ** 2 - velocity(tone(100)) ** 2 == pytest.approx(0.0, abs=at_most**2 + 1e-12)


def test_the_band_of_slow_machines_begins_at_2_hz():
    slow = tone(3, 4.0, 2560.0)
    assert velocity(slow, 2560.0) < 1e-9
    assert velocity(slow, 2560.0, Wanted(velocity_from_hz=2.0)) == pytest.approx(1.0, rel=0.01)


def test_scipy_finds_the_same_velocity_of_noise_and_tones_in_the_time_domain():
    signal = pytest.importorskip("scipy.signal", reason="scipy comes with the extra train")
    integrate = pytest.importorskip("scipy.integrate", reason="scipy comes with the extra train")
    noise = np.random.default_rng(3).normal(0, 0.5, 8 * 25_600)
    samples = noise + 4 * tone(24.7, 8.0) + 2 * tone(311, 8.0) + 5 * tone(3, 8.0) + 3 * tone(2500, 8.0)
    sections = signal.butter(8, [10, 1000], "bandpass", fs=RATE, output="sos")
    band = signal.sosfiltfilt(sections, samples)
    speed = signal.detrend(integrate.cumulative_trapezoid(band, dx=1 / RATE))[25_600:-25_600]
    assert velocity(samples) == pytest.approx(1000 * float(np.sqrt(np.mean(speed**2))), rel=0.01)


def test_the_peak_is_the_largest_swing_to_either_side_of_the_mean():
    samples = np.tile([0.0, 1.0, -1.0, 0.0], 1000) + 9.81
    samples[76] -= 6.0
    assert describe(samples, RATE, None, PLAIN).features[PEAK] == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize(
    ("samples", "moments"),
    [
        (np.random.default_rng(1).normal(3, 2, 200_000), 3.0),
        (np.random.default_rng(1).uniform(-1, 1, 200_000), 1.8),
        (np.random.default_rng(1).laplace(0, 1, 200_000), 6.0),
        (tone(50), 1.5),
        (1e-200 * tone(50), 1.5),
    ],
    ids=["gaussian", "uniform", "laplace", "sine", "smallest"],
)
def test_kurtosis_is_that_of_the_distribution(samples, moments):
    # Of n Gaussian samples it has a standard error of sqrt(24/n), here 0.011; of Laplace's some ten times that.
    assert describe(samples, RATE, None, PLAIN).features[KURTOSIS] == pytest.approx(moments, rel=0.02)


def test_orders_are_those_that_the_bearings_makers_publish():
    """SKF 6205-2RS of the Case Western Reserve bearing data centre: 9 balls of 0.3126 in on 1.537 in.

    It gives lines as multiples of the speed: outer 3.5848, inner 5.4152, cage 0.39828, rolling element 4.7135 (twice
    the spin).
    """
    orders = orders_of(9, 0.3126, 1.537)
    assert orders["bpfo"] == pytest.approx(3.5848, abs=2e-4)
    assert orders["bpfi"] == pytest.approx(5.4152, abs=2e-4)
    assert orders["ftf"] == pytest.approx(0.39828, abs=5e-5)
    assert 2 * orders["bsf"] == pytest.approx(4.7135, abs=2e-4)


def test_a_contact_angle_brings_both_races_nearer():
    """Rexnord ZA-2115 of the IMS rig at 2000 r/min: 16 rollers of 0.331 in on 2.815 in at 15.17 degrees, outer race
    236.4 Hz (readme of the NASA/IMS set and works on it).
    """
    assert orders_of(16, 0.331, 2.815, 15.17)["bpfo"] * 2000 / 60 == pytest.approx(236.4, abs=0.1)


def test_a_modulated_carrier_shows_at_its_order_alone():
    found = envelopes(modulated(3.5848 * 25), 1500, bpfo=3.5848, bpfi=5.4152, bsf=2.3567, ftf=0.39828)
    assert found["bpfo"] == pytest.approx(1.0, rel=0.011)
    assert max(found["bpfi"], found["bsf"], found["ftf"]) < 0.01


@pytest.mark.parametrize("share", [-0.013, -0.004, 0.0, 0.008, 0.014])
def test_a_line_within_the_slip_is_found_with_its_amplitude(share):
    assert envelopes(modulated(120 * (1 + share)), 1200, bpfo=6.0)["bpfo"] == pytest.approx(1.0, rel=0.012)


@pytest.mark.parametrize("share", [-0.06, 0.06])
def test_a_line_beyond_the_slip_is_none_of_the_order(share):
    assert envelopes(modulated(120 * (1 + share)), 1200, bpfo=6.0)["bpfo"] < 0.01


def test_three_harmonics_count_by_their_squares():
    t = times(1.0)
    swell = 1 + sum(share * np.cos(2 * np.pi * 90 * k * t) for k, share in ((1, 0.2), (2, 0.1), (3, 0.2), (4, 0.3)))
    assert envelopes(swell * np.sin(2 * np.pi * 4000 * t), 900, bpfo=6.0)["bpfo"] == pytest.approx(0.3, rel=0.02)


def test_the_way_the_shaft_turns_does_not_matter():
    assert envelopes(modulated(120), -1200, bpfo=6.0) == envelopes(modulated(120), 1200, bpfo=6.0)


def test_a_modulation_out_of_the_envelopes_band_does_not_show():
    assert envelopes(modulated(120, carrier_hz=200.0), 1200, bpfo=6.0)["bpfo"] < 0.01


def test_scipy_finds_the_same_envelope_of_impacts_in_noise():
    """Impacts as of a spall, 108 a second, each ringing at 3.2 kHz, in noise."""
    signal = pytest.importorskip("scipy.signal", reason="scipy comes with the extra train")
    t, rate_of_impacts = times(2.0), 108.0
    ringing = np.exp(-900 * (t % (1 / rate_of_impacts))) * np.sin(2 * np.pi * 3200 * (t % (1 / rate_of_impacts)))
    samples = 8 * ringing + np.random.default_rng(5).normal(0, 0.3, len(t))
    sections = signal.butter(6, [500, 10_000], "bandpass", fs=RATE, output="sos")
    envelope = np.abs(signal.hilbert(signal.sosfiltfilt(sections, samples)))
    bins, power = signal.periodogram(envelope, RATE, "flattop", scaling="spectrum")
    near = [float(power[np.abs(bins - k * rate_of_impacts) < 1.6].max()) for k in (1, 2, 3)]
    found = envelopes(samples, 1800, bpfo=3.6)["bpfo"]
    assert found == pytest.approx(math.sqrt(2 * sum(near)), rel=0.02)
    assert envelopes(samples, 1800, bpfi=5.1)["bpfi"] < 0.05 * found


def test_a_rate_that_is_not_over_twice_the_band_gives_no_velocity_and_all_else():
    found = describe(tone(50, 1.0, 2000.0), 2000.0, None, PLAIN)
    assert found.missing == {VELOCITY: Missing.RATE_TOO_LOW}
    assert found.features.keys() == {PEAK, KURTOSIS}
    assert not describe(tone(50, 1.0, 2001.0), 2001.0, None, PLAIN).missing


def test_a_burst_that_holds_too_few_cycles_gives_no_velocity():
    least = round(CYCLES * RATE / 10)
    assert only(describe(tone(50)[: least - 1], RATE, None, PLAIN)) is Missing.TOO_SHORT
    assert not describe(tone(50)[:least], RATE, None, PLAIN).missing


@pytest.mark.parametrize(
    ("rpm", "order", "why"),
    [
        (None, 3.6, Missing.NO_SPEED),
        (0.0, 3.6, Missing.STANDS),
        (1500.0, 0.1, Missing.TOO_SHORT),
        (60_000.0, 5.0, Missing.RATE_TOO_LOW),
    ],
)
def test_an_order_that_cannot_be_told_has_its_reason_and_the_rest_is_told(rpm, order, why):
    found = describe(tone(50), RATE, rpm, Wanted(orders={"x": order}))
    assert found.missing == {"envelope_x_m_s2": why}
    assert found.features.keys() == {VELOCITY, PEAK, KURTOSIS}


def test_without_a_band_for_the_envelope_there_are_no_orders():
    found = describe(tone(50, 1.0, 1200.0), 1200.0, 1500.0, Wanted(orders={"x": 3.6}))
    assert found.missing["envelope_x_m_s2"] is Missing.RATE_TOO_LOW


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e300])
def test_a_sample_that_is_no_number_or_has_no_square_spoils_the_burst(odd):
    samples = tone(50)
    samples[9] = odd
    found = describe(samples, RATE, None, PLAIN)
    assert found.fault is Fault.NOT_A_NUMBER
    assert found.features == {VELOCITY: None, PEAK: None, KURTOSIS: None}


def test_a_line_without_swing_is_a_dead_sensor():
    assert describe(np.full(25_600, 0.3), RATE, None, PLAIN).fault is Fault.FLAT


@pytest.mark.parametrize("digits", [2, 12])
def test_flat_tops_are_clipped(digits):
    noise = np.random.default_rng(7).normal(0, 1, 25_600)
    slow = np.convolve(noise, np.ones(6) / 6, "same")  # neighbours are alike, as after an anti-alias filter
    limit = 2.5 * slow.std()
    assert describe(np.round(np.clip(slow, -limit, limit), digits), RATE, None, PLAIN).fault is Fault.CLIPPED
    assert describe(np.round(slow, digits), RATE, None, PLAIN).fault is None


def test_a_quiet_machine_of_few_counts_is_not_clipped():
    counts = np.round(np.random.default_rng(7).normal(0, 1.2, 25_600))
    assert describe(counts, RATE, None, PLAIN).fault is None


@given(
    samples=st.lists(st.floats(), min_size=1, max_size=60),
    repeat=st.sampled_from([1, 7, 200]),
    rate=st.floats(1e-3, 1e7),
    rpm=st.none() | st.floats(-1e6, 1e6),
    order=st.floats(1e-6, 1000),
    first=st.sampled_from([2.0, 10.0]),
)
def test_whatever_the_numbers_each_feature_is_finite_bad_or_missing(samples, repeat, rate, rpm, order, first):
    found = describe(np.array(samples * repeat), rate, rpm, Wanted(orders={"x": order}, velocity_from_hz=first))
    assert found.features.keys() | found.missing.keys() == {VELOCITY, PEAK, KURTOSIS, "envelope_x_m_s2"}
    assert not found.features.keys() & found.missing.keys()
    for value in found.features.values():
        assert value is None if found.fault else value is not None and math.isfinite(value)
