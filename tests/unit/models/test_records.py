"""Records: one wire form, ids from identity alone."""

from __future__ import annotations

import msgspec
import pytest

from models.records import (
    HORIZONS_H,
    Drift,
    DriftCause,
    DriftKind,
    Forecast,
    Frame,
    Remaining,
    SuggestionAnswer,
    Tick,
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
        b'"why":"a trial"}'
    )
    assert decode(encode(made)) == made
