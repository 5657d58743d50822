"""Records: one wire form, ids from identity alone."""

from __future__ import annotations

import math
from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from models.records import (
    HORIZONS_H,
    AnyTuning,
    Arm,
    Drift,
    DriftCause,
    DriftKind,
    EffectVerdict,
    Expected,
    Forecast,
    Frame,
    Part,
    QualityResult,
    Remaining,
    Setting,
    Suggestion,
    SuggestionAnswer,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    Tick,
    TrialRequest,
    TuningSwitch,
    Until,
    Verdict,
    decode,
    encode,
    frame,
    id_of,
    key_of,
)


def test_a_frame_has_the_documented_wire_form():
    made = frame("p", "pump-01", "plc", [5], {"pressure_bar": [1.5], "on": [True]})
    assert encode(made) == (
        b'{"type":"frame","plant":"p","asset":"pump-01","source":"plc","times_us":[5],'
        b'"signals":{"pressure_bar":[1.5],"on":[true]},"quality":{}}'
    )
    assert decode(encode(made)) == made


def test_a_frame_without_quality_is_read():
    text = b'{"type":"frame","plant":"p","asset":"a","source":"s","times_us":[1],"signals":{"x":[null]}}'
    read = decode(text)
    assert isinstance(read, Frame)
    assert read.signals == {"x": [None]}


def test_columns_of_unequal_length_are_refused_when_made():
    with pytest.raises(ValueError, match="'x': 2"):
        frame("p", "a", "s", [1], {"x": [1.0, 2.0]})


def test_ids_tell_identities_apart_and_never_change():
    assert id_of("alert", "p", "a", "any", 1) == id_of("alert", "p", "a", "any", 1)
    others = {
        id_of(*parts)
        for parts in [("alert", "p", "a", "any", 1), ("alert", "p", "a", "any", 2), ("alert", "pa", "", "any", 1)]
    }
    assert len(others) == 3


def test_keys_are_utf8_plant_and_asset():
    assert key_of("wérk", "pump-01") == "wérk/pump-01".encode()


def test_horizons_reach_beyond_the_warning():
    assert HORIZONS_H == (12, 24, 48, 72, 120, 168)


def test_a_tick_round_trips():
    assert decode(encode(Tick(plant="p", time_us=7))) == Tick(plant="p", time_us=7)


def test_a_forecast_of_before_modes_and_time_to_failure_is_read():
    text = (
        b'{"type":"forecast","id":"x","revision":0,"plant":"p","asset":"a","window_end_us":60000000,'
        b'"operating":"running","running_until_us":60000000,"chances":[0.1,0.2,0.3,0.4,0.5,0.6],"drivers":[],'
        b'"model":"pump@1","basis":"b","rung":"hazard","confidence":"low","completeness":1.0,"historical":false}'
    )
    read = decode(text)
    assert isinstance(read, Forecast)
    assert (read.modes, read.remaining) == ((), None)


def test_time_left_of_before_is_until_a_limit():
    left = msgspec.json.decode(b'{"low_h":1.0,"median_h":2.0,"high_h":null}', type=Remaining)
    assert (left.until, left.covered) == (Until.LIMIT, None)


def test_drift_has_the_documented_wire_form():
    made = Drift(
        plant="p", name="pump", asset_type="pump", version="v1", kind=DriftKind.INPUT, cause=DriftCause.AMBIENT,
        what="hall.mean_1h", since_us=1, value=0.5, bar=0.25, time_us=2, detail="it got warmer",
    )  # fmt: skip
    assert encode(made) == (
        b'{"type":"drift","plant":"p","name":"pump","asset_type":"pump","version":"v1","kind":"input","cause":"ambient",'
        b'"what":"hall.mean_1h","assets":[],"since_us":1,"value":0.5,"bar":0.25,"time_us":2,"detail":"it got warmer"}'
    )
    assert decode(encode(made)) == made


def test_an_answer_to_a_suggestion_has_the_documented_wire_form():
    made = SuggestionAnswer(plant="p", suggestion="s-1", answer=Verdict.REJECTED, by="kim", time_us=5, why="a trial")
    assert encode(made) == (
        b'{"type":"suggestion-answer","plant":"p","suggestion":"s-1","answer":"rejected","by":"kim","time_us":5,'
        b'"why":"a trial","values":{}}'
    )
    assert decode(encode(made)) == made


PART = Part(
    plant="p", asset="weld-01", part="b-1", product="bracket", time_us=5, settings={"current_ka": 9.0},
    measured={"force_kn": 3.1}, units=2, lot="L7", operator="op-0123456789abcdef",
)  # fmt: skip
MOVED = (Setting(parameter="current_ka", unit="kA", now=9.0, proposed=9.2),)
RATE = Expected(
    figure="defect rate", unit="1", before=0.02, after=0.01, after_low=0.008, after_high=0.013, before_low=0.018,
    before_high=0.022,
)  # fmt: skip
SUGGESTED = Suggestion(
    plant="p", asset="weld-01", id="s-1", revision=1, subject="defects", parameter="current_ka", unit="kA", now=9.0,
    proposed=9.2, expected=(RATE,), why="w", rails=("current_ka: step",), state=SuggestionState.WITHDRAWN, made_us=5,
    valid_until_us=9, revert="r", also=(Setting(parameter="force_kn", unit="kN", now=3.0, proposed=2.9),),
    product="bracket", model="weld@3", approvals=2, revalidate="peel test", moved_us=7, ended="it made it worse",
    failed=True,
)  # fmt: skip
ARM = Arm(parts=900, defects=18, rate=0.02, low=0.011, high=0.033)
OF_TUNING = [
    SUGGESTED,
    SuggestionAnswer(
        plant="p", suggestion="s-1", answer=Verdict.MODIFIED, by="kim", time_us=6, values={"current_ka": 9.1}
    ),
    PART,
    QualityResult(plant="p", asset="weld-01", time_us=5, found_us=9, defects=1, part="b-1", units=2, kind="expulsion"),
    TuningSwitch(plant="p", is_stopped=True, by="kim", time_us=5, why="a new coil", asset="weld-01"),
    SuggestionRefused(
        plant="p", asset="weld-01", product="bracket", time_us=6, rail="step", detail="over 0.3 kA", settings=MOVED,
        model="weld@3", suggestion="s-1", by="kim",
    ),
    TrialRequest(
        plant="p", asset="weld-01", id="t-1", product="bracket", settings=MOVED, expected=(RATE,), parts=2300, why="w",
        rails=(), model="weld@3", made_us=5, revert="r", revalidate="peel test",
    ),
    SuggestionEffect(
        plant="p", asset="weld-01", suggestion="s-1", product="bracket", time_us=8, before=ARM, after=ARM,
        change_low=-0.01, change_high=0.01, e_better=0.7, e_worse=1.2, least_parts=2300, verdict=EffectVerdict.NOT_YET,
        is_final=True, figures=(RATE,),
    ),
]  # fmt: skip


@pytest.mark.parametrize("made", OF_TUNING, ids=lambda one: type(one).__name__)
def test_records_of_tuning_round_trip(made):
    assert decode(encode(made)) == made


def test_every_record_of_tuning_is_among_them():
    assert {type(one) for one in OF_TUNING} == set(get_args(AnyTuning))


def test_a_suggestion_of_before_process_tuning_is_one_setting_that_one_person_approves():
    text = (
        b'{"type":"suggestion","plant":"p","asset":"a","id":"s","revision":0,"subject":"energy","parameter":"bar",'
        b'"unit":"bar","now":7.0,"proposed":6.5,"expected":[{"figure":"energy","unit":"kWh","before":2.0,"after":1.0,'
        b'"after_low":0.9,"after_high":1.1}],"why":"w","rails":[],"state":"open","made_us":1,"valid_until_us":2,'
        b'"revert":"r","assumed":[]}'
    )
    read = decode(text)
    assert isinstance(read, Suggestion)
    assert read.settings == (Setting(parameter="bar", unit="bar", now=7.0, proposed=6.5),)
    assert (read.model, read.product, read.approvals, read.ended, read.failed) == ("", "", 1, "", False)
    assert (read.expected[0].before_low, read.expected[0].before_high) == (None, None)


def test_an_answer_of_before_process_tuning_has_no_values():
    text = b'{"type":"suggestion-answer","plant":"p","suggestion":"s","answer":"accepted","by":"kim","time_us":5}'
    read = decode(text)
    assert isinstance(read, SuggestionAnswer) and read.values == {}


def test_settings_of_a_suggestion_are_the_first_and_those_that_go_with_it():
    assert [(one.parameter, one.now, one.proposed) for one in SUGGESTED.settings] == [
        ("current_ka", 9.0, 9.2), ("force_kn", 3.0, 2.9),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["null", "1e999", "NaN", "Infinity", '"9.0"'])
@pytest.mark.parametrize(("made", "key", "value"), [
    (PART, "settings", b'"current_ka":9.0'), (PART, "measured", b'"force_kn":3.1'),
    (OF_TUNING[1], "values", b'"current_ka":9.1'),
])  # fmt: skip
def test_a_value_that_is_no_finite_number_is_refused_on_reading_with_its_place(made, key, value, number):
    text = encode(made)
    assert value in text
    with pytest.raises(msgspec.DecodeError, match=rf"at `\$\.{key}|JSON is malformed"):
        decode(text.replace(value, value.partition(b":")[0] + b":" + number.encode()))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_when_it_is_made_is_not_read_back(number):
    with pytest.raises(msgspec.ValidationError, match=r"got `null` - at `\$\.settings"):
        decode(encode(replace(PART, settings={"current_ka": number})))


@pytest.mark.parametrize("name", ["kim", "4711", "", "op-0123456789ABCDEF", "op-0123456789abcdef\\n", "op-0123",
                                  "kim op-0123456789abcdef", "\\nop-0123456789abcdef"])  # fmt: skip
def test_a_part_says_of_its_operator_no_more_than_a_pseudonym(name):
    text = encode(PART).replace(b"op-0123456789abcdef", name.encode())
    with pytest.raises(msgspec.ValidationError, match=r"at `\$\.operator`"):
        decode(text)


@pytest.mark.parametrize(("made", "key", "value"), [
    (PART, "units", b"0"), (OF_TUNING[3], "units", b"0"), (OF_TUNING[3], "defects", b"-1"),
])  # fmt: skip
def test_counts_of_parts_are_counts(made, key, value):
    text = encode(made)
    was = f'"{key}":{getattr(made, key)}'.encode()
    with pytest.raises(msgspec.ValidationError, match=key):
        decode(text.replace(was, f'"{key}":'.encode() + value))
