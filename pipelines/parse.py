"""Bytes to records, or why they are none. Pure; nothing here knows a plant."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from models.nesting import MAX_NESTING, any_too_deep, too_deep
from models.quality import NOT_A_NUMBER_MARK
from models.records import AnyInput, Reject
from pipelines.ports import RawRecord, Unreadable
from pipelines.topics import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES

_decoder = msgspec.json.Decoder(AnyInput)
_REBUILT = b'{"type":"rebuilt",'
"""How the one record begins that may be larger than a frame."""
_REFUSALS = msgspec.DecodeError, RecursionError, UnicodeDecodeError


class Rejected(Exception):
    """A record that cannot be used; `rows` and `values` it would have brought."""

    def __init__(
        self, reason: Reject, detail: str, rows: int = 0, values: int = 0, source: str = "", asset: str = ""
    ) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.rows, self.values = reason, detail, rows, values
        self.source, self.asset = source, asset


Parsed = AnyInput | Rejected


def parse(batch: Sequence[RawRecord]) -> list[Parsed]:
    """The record of each payload, or its reject."""
    values = [raw.value for raw in batch]
    if max(map(len, values), default=0) > MAX_FRAME_BYTES or any_too_deep(values):
        return [_parsed(value) for value in values]
    out: list[Parsed] = []
    decoded = map(_decoder.decode, values)
    while len(out) < len(values):
        try:
            out.extend(decoded)  # keeps what came before the value that it fails on
        except _REFUSALS:
            out.append(_parsed(values[len(out)]))
    return out


def _parsed(payload: bytes) -> Parsed:
    most = MAX_MESSAGE_BYTES if payload.startswith(_REBUILT) else MAX_FRAME_BYTES
    if len(payload) > most:
        return Rejected(Reject.TOO_LARGE, f"{len(payload)} bytes, and a record has at most {most}")
    if too_deep(payload):
        return Rejected(Reject.TOO_DEEP, f"arrays and objects nested more than {MAX_NESTING} deep")
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError as wrong:
        return Rejected(Reject.NOT_A_RECORD, str(wrong))
    except _REFUSALS as wrong:
        if isinstance(payload, Unreadable):
            return Rejected(Reject.UNREADABLE, payload.why)
        return _parsed_with_nan(payload, wrong)


def _parsed_with_nan(payload: bytes, first: Exception) -> Parsed:
    """Decode JSON that says NaN or Infinity, which msgspec refuses; those samples become marks, to be screened."""
    if b"NaN" not in payload and b"Infinity" not in payload:
        return Rejected(Reject.NOT_JSON, str(first))
    try:
        record = msgspec.convert(json.loads(payload, parse_constant=lambda _name: NOT_A_NUMBER_MARK), AnyInput)
        msgspec.json.encode(record)  # the standard library lets lone surrogates pass, which no record can carry
        return record
    except msgspec.ValidationError as wrong:
        return Rejected(Reject.NOT_A_RECORD, str(wrong))
    except (ValueError, RecursionError) as wrong:
        return Rejected(Reject.NOT_JSON, str(wrong))
