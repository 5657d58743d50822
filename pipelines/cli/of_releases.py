"""`forewarn model`: its commands for a running plant; the work is in modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.release import Channel
from pipelines.cli.options import AsJson, Instance, out

if TYPE_CHECKING:
    from pipelines.releases.moves import Who
    from pipelines.releases.offices import Offices

releases = typer.Typer(no_args_is_help=True)
By = Annotated[str, typer.Option("--by", help="Who says so; it is told on the audit topic.")]
Why = Annotated[str, typer.Option("--why", help="And why.")]


@releases.command(epilog="Example: forewarn model key team-a --out team-a.pem")
def key(
    name: Annotated[str, typer.Argument(help="What the key is called: letters, digits and . _ -")],
    to: Annotated[Path, typer.Option("--out", help="File for the private key; it is not written over.")],
) -> None:
    """Make a key to sign releases with, and print what workers are to be told of it."""
    from pipelines.cli.releasing import make_key

    make_key(name, to, out)


Key = Annotated[str, typer.Option("--key", help="NAME:FILE of the private key; none: unsigned.")]
Licence = Annotated[str, typer.Option(help="An SPDX expression.")]
Onnx = Annotated[Path, typer.Argument(help="An ONNX file with its card beside it.")]


@releases.command(
    epilog="Examples: forewarn model publish models/pump.onnx --for pump.failure --key team-a:team-a.pem   |   "
    "FOREWARN_REGISTRY=s3://models forewarn model publish models/pump.onnx --signed pump.release.json"
)
def publish(
    onnx: Onnx,
    wanted: Annotated[str, typer.Option("--for", help="NAME or NAME.KIND that it must be for.")] = "",
    channel: Annotated[
        Channel, typer.Option(help="candidate: runs beside the champion, for `model compare`; spare: only loaded.")
    ] = Channel.CANDIDATE,
    signing: Key = "",
    licence: Licence = "",
    signed: Annotated[
        Path | None, typer.Option(help="What `model sign` wrote of this file, in place of --key.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who offers it; it is told on the audit topic.")] = "",
    instance: Instance = "default",
) -> None:
    """Offer a model to all workers: they fetch, check, try and load it, and it runs beside the one they warn by."""
    from pipelines.cli import releasing
    from pipelines.settings import Settings

    if signed is not None and (signing or licence):
        raise typer.BadParameter("--signed says key and licence already: leave --key and --licence out")
    signer = releasing.Signer(signing, licence)
    releasing.publish(
        Settings(instance=instance), onnx, signer, out, wanted=wanted, channel=channel, by=by, signed=signed
    )


@releases.command(
    epilog="Example: forewarn model sign models/pump.onnx --key team-a:team-a.pem --out pump.release.json"
)
def sign(
    onnx: Onnx,
    signing: Key,
    to: Annotated[Path, typer.Option("--out", help="File for the signed release.")],
    licence: Licence = "",
    instance: Instance = "default",
) -> None:
    """Sign a model where the key lies, to be published from elsewhere: by `model publish --signed` or the HTTP API."""
    from pipelines.cli import releasing
    from pipelines.settings import Settings

    releasing.sign(Settings(instance=instance), onnx, releasing.Signer(signing, licence), to, out)


@releases.command(epilog="Example: forewarn model withdraw pump@1a2b3c4d5e6f --by 'A. Person' --why 'wrong data'")
def withdraw(
    version: Annotated[str, typer.Argument(help="A release that does nothing, as `forewarn model releases` names it.")],
    by: By,
    why: Why = "",
    instance: Instance = "default",
) -> None:
    """Take a release back: workers drop it. One that was champion once is stood in for, should its log be replayed."""
    _moved(instance, by, why, lambda of, who: of.withdraw(version, who))


@releases.command("releases", epilog="Example: forewarn model releases --json")
def show(as_json: AsJson = False, instance: Instance = "default") -> None:
    """Tell which releases there are, what models' names mean, and what workers have loaded or refused."""
    from pipelines.cli import releasing
    from pipelines.settings import Settings

    releasing.show(Settings(instance=instance), out, as_json=as_json)


@releases.command(epilog="Example: forewarn model promote pump@1a2b3c4d5e6f --by 'A. Person' --why 'fewer unfounded'")
def promote(
    version: Annotated[
        str, typer.Argument(help="A release, as `forewarn model releases` names it; a name alone: the folder's file.")
    ],
    by: By,
    why: Why = "",
    instance: Instance = "default",
) -> None:
    """Have all workers score by a release from a place in the log on, once all have loaded it. Nothing restarts."""
    _moved(instance, by, why, lambda of, who: of.promote(version, who))


@releases.command(epilog="Example: forewarn model rollback pump --by 'A. Person' --why 'too many warnings'")
def rollback(
    name: Annotated[str, typer.Argument(help="A model's name, as asset types give it.")],
    by: By,
    why: Why = "",
    instance: Instance = "default",
) -> None:
    """Have all workers score by what the name meant before, from a place in the log on."""
    _moved(instance, by, why, lambda of, who: of.roll_back(name, who))


@releases.command("end-shadow", epilog="Example: forewarn model end-shadow pump --by 'A. Person'")
def end_shadow(
    name: Annotated[str, typer.Argument(help="A model's name, as asset types give it.")],
    by: By,
    why: Why = "",
    instance: Instance = "default",
) -> None:
    """Have no release run beside a name's champion any more."""
    _moved(instance, by, why, lambda of, who: of.end_shadow(name, who))


Type = Annotated[str, typer.Option("--type", help="An asset type of the plant file.")]


@releases.command(epilog="Example: forewarn model pin pump@1a2b3c4d5e6f --type pump --by 'A. Person'")
def pin(
    version: Annotated[str, typer.Argument(help="A release, as `forewarn model releases` names it.")],
    asset_type: Type,
    by: By,
    why: Why = "",
    instance: Instance = "default",
) -> None:
    """Have an asset type stay with a release, whatever is promoted."""
    _moved(instance, by, why, lambda of, who: of.pin(version, asset_type, who))


@releases.command(epilog="Example: forewarn model freeze --type pump --by 'A. Person' --why 'audit week'")
def freeze(asset_type: Type, by: By, why: Why = "", instance: Instance = "default") -> None:
    """Have an asset type stay with the release that it has now, whatever is promoted."""
    _moved(instance, by, why, lambda of, who: of.freeze(asset_type, who))


@releases.command(epilog="Example: forewarn model unpin --type pump --by 'A. Person'")
def unpin(asset_type: Type, by: By, why: Why = "", instance: Instance = "default") -> None:
    """End a pin or a freeze: the type goes with what is promoted again."""
    _moved(instance, by, why, lambda of, who: of.unpin(asset_type, who))


def _moved(instance: str, by: str, why: str, move: Callable[[Offices, Who], list[str]]) -> None:
    """Have something moved, and tell what was done."""
    from pipelines.cli.board import offices
    from pipelines.cli.releasing import tell
    from pipelines.releases.moves import Who
    from pipelines.settings import Settings

    tell(move(offices(Settings(instance=instance)), Who(_named(by), why)), out)


def _named(by: str) -> str:
    if not by.strip():
        raise typer.BadParameter("--by must name somebody")
    return by.strip()
