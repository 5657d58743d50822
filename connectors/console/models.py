"""The API's part about models: what releases there are, and their moves, as the command line has them.

A call waits, as the command does, until workers have said what became of it, 30 s at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, File, Form, HTTPException, Request, UploadFile
from pydantic import BaseModel, Field

from connectors.console.access import whole
from connectors.console.keys import Caller, Role
from connectors.console.schemas import ONE_LINE
from models.onnx_limits import MOST_BYTES
from models.release import MOST_MANIFEST_BYTES, Channel, Part
from pipelines.releases.moves import Who

MOST_SIGNED_BYTES = 2 * MOST_MANIFEST_BYTES
"""A manifest with its signatures around."""
Reads = Annotated[Caller, Depends(whole(Role.VIEWER))]
Moves = Annotated[Caller, Depends(whole(Role.ENGINEER))]


class Models(Protocol):
    """A plant's releases. Each move gives what was done, in lines for people.

    Raises ReleaseError, Refused, and what Kafka's client and the registry raise.
    """

    def told(self) -> dict[str, Any]:
        """Releases and appointments."""
        ...

    def compared(self, name: str) -> dict[str, Any]:
        """What would change with the release beside a name's champion."""
        ...

    def publish(
        self, files: Mapping[Part, bytes], signed: bytes, licence: str, channel: Channel, who: Who
    ) -> list[str]:
        """Offer files; `signed` is a record made elsewhere, empty for none."""
        ...

    def promote(self, version: str, who: Who) -> list[str]:
        """Have its name mean a release; a name alone: the folder's file."""
        ...

    def roll_back(self, name: str, who: Who) -> list[str]:
        """Have a name mean what it meant before."""
        ...

    def end_shadow(self, name: str, who: Who) -> list[str]:
        """Have no release beside a name's champion."""
        ...

    def withdraw(self, version: str, who: Who) -> list[str]:
        """Take a release back."""
        ...

    def pin(self, version: str, asset_type: str, who: Who) -> list[str]:
        """Have a type stay with a release."""
        ...

    def freeze(self, asset_type: str, who: Who) -> list[str]:
        """Have a type stay with the release that it has."""
        ...

    def unpin(self, asset_type: str, who: Who) -> list[str]:
        """Have a type go with its models' names."""
        ...


class Why(BaseModel):
    """Why a move is asked for, for the audit, in one line: others' terminals show it."""

    why: Annotated[str, Field(max_length=1000, pattern=ONE_LINE)] = ""


class Chosen(Why):
    """A release, and why it."""

    version: Annotated[str, Field(min_length=1, max_length=200, examples=["pump@1a2b3c4d5e6f"])]


class Done(BaseModel):
    """What was done, in lines for people."""

    done: list[str]


def models_of(request: Request) -> Models:
    """The application's."""
    found: Models = request.app.state.models
    return found


Here = Annotated[Models, Depends(models_of)]
router = APIRouter(prefix="/api/v1/models", tags=["models"])


@router.get("/releases")
def releases(models: Here, _caller: Reads) -> dict[str, Any]:
    """Releases, where each stands and why it was refused, and what each office means: names, shadows, pins."""
    return models.told()


@router.get("/releases/{version}")
def release(version: str, models: Here, _caller: Reads) -> dict[str, Any]:
    """One release."""
    found = [one for one in models.told()["releases"] if one["version"] == version]
    if not found:
        raise HTTPException(404, f"no release {version}")
    return dict(found[0])


@router.get("/names/{name}/compare")
def compare(name: str, models: Here, _caller: Reads) -> dict[str, Any]:
    """What would change with the release beside a name's champion, by live traffic: warnings, leads, calibration."""
    return models.compared(name)


@router.post("/releases", status_code=201)
def publish(
    models: Here,
    caller: Moves,
    onnx: Annotated[UploadFile, File(description="The ONNX file.")],
    card: Annotated[UploadFile, File(description="Its card.")],
    cases: Annotated[UploadFile | None, File(description="Its past cases, if it has any.")] = None,
    signed: Annotated[UploadFile | None, File(description="What `forewarn model sign` wrote; none: unsigned.")] = None,
    licence: Annotated[str, Form(description="An SPDX expression, where nothing is signed.")] = "",
    channel: Annotated[Channel, Form()] = Channel.CANDIDATE,
) -> Done:
    """Offer a model to all workers. As a candidate it runs beside the champion from then on."""
    sent = {Part.ONNX: onnx, Part.CARD: card} | ({Part.CASES: cases} if cases else {})
    files = {part: _read(upload, MOST_BYTES) for part, upload in sent.items()}
    record = _read(signed, MOST_SIGNED_BYTES) if signed else b""
    who = Who(caller.name, "a candidate is looked at beside the champion")
    return Done(done=models.publish(files, record, licence, channel, who))


@router.post("/releases/{version}/withdraw")
def withdraw(version: str, body: Why, models: Here, caller: Moves) -> Done:
    """Take a release back; one that has an office, or is the way back, stays."""
    return Done(done=models.withdraw(version, Who(caller.name, body.why)))


@router.post("/promote")
def promote(body: Chosen, models: Here, caller: Moves) -> Done:
    """Have all workers score by a release from a place in the log on; a name alone means the folder's file."""
    return Done(done=models.promote(body.version, Who(caller.name, body.why)))


@router.post("/names/{name}/rollback")
def roll_back(name: str, body: Why, models: Here, caller: Moves) -> Done:
    """Have all workers score by what the name meant before."""
    return Done(done=models.roll_back(name, Who(caller.name, body.why)))


@router.post("/names/{name}/end-shadow")
def end_shadow(name: str, body: Why, models: Here, caller: Moves) -> Done:
    """Have no release run beside a name's champion any more."""
    return Done(done=models.end_shadow(name, Who(caller.name, body.why)))


@router.post("/types/{asset_type}/pin")
def pin(asset_type: str, body: Chosen, models: Here, caller: Moves) -> Done:
    """Have an asset type stay with a release, whatever is promoted."""
    return Done(done=models.pin(body.version, asset_type, Who(caller.name, body.why)))


@router.post("/types/{asset_type}/freeze")
def freeze(asset_type: str, body: Why, models: Here, caller: Moves) -> Done:
    """Have an asset type stay with the release that it has now."""
    return Done(done=models.freeze(asset_type, Who(caller.name, body.why)))


@router.post("/types/{asset_type}/unpin")
def unpin(asset_type: str, body: Why, models: Here, caller: Moves) -> Done:
    """End a pin or a freeze."""
    return Done(done=models.unpin(asset_type, Who(caller.name, body.why)))


def _read(upload: UploadFile, most: int) -> bytes:
    """An upload's bytes, if they are not too many."""
    content = upload.file.read(most + 1)
    if len(content) > most:
        raise HTTPException(413, f"{upload.filename}: more than {most:,} bytes")
    return content
