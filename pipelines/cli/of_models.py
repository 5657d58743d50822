"""`forewarn model`: its commands; the work is in `pipelines.cli.models`, `training`, `judging` and `drafting`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import AsJson, errors, out

model = typer.Typer(no_args_is_help=True, help="Make, judge, export and verify models.")

PlantFile = Annotated[
    Path | None, typer.Option("--plant", help="A plant file or a folder of them, in the place of FOREWARN_PLANT.")
]
Memory = Annotated[str, typer.Option(help="What rows in memory may take, as 512MiB or 2GiB; the rest is sampled.")]


@model.command(
    epilog="Examples: forewarn model train build/backfill/1f3a --plant plant.toml --type pump --out models   |   "
    "forewarn model train 'rows/*.csv' --plant plant.toml --type press --spec press.spec.json --out models"
    "   |   forewarn model train --out build/models",
)
def train(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the ONNX file and its card.")],
    data: Annotated[
        str | None,
        typer.Argument(help="A backfill's run folder, or a folder or pattern of labelled rows as Parquet or CSV."),
    ] = None,
    plant: PlantFile = None,
    asset_type: Annotated[str | None, typer.Option("--type", help="The asset type that rows are of.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; the type's if not given.")] = None,
    spec: Annotated[
        Path | None, typer.Option(help="The feature list: of `forewarn model new`, or the card of the rows' model.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of folds and trees.")] = None,
    trees: Annotated[int | None, typer.Option(min=1, help="Rounds of trees.")] = None,
    memory: Memory = "512MiB",
    simulated: Annotated[
        str | None, typer.Option(help="What simulated the rows: its failures then count as none that happened.")
    ] = None,
    influx: Annotated[
        bool, typer.Option("--influx", help="Rows of InfluxDB's history, from --from to --to, in the place of DATA.")
    ] = False,
    begin: Annotated[str | None, typer.Option("--from", help="With --influx: where to begin, 2025-01-01.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="With --influx: where to end.")] = None,
    labels: Annotated[Path | None, typer.Option(help="With --influx: file of labels.")] = None,
    every: Annotated[int, typer.Option(min=1, max=1440, help="With --influx: minutes from row to row.")] = 10,
    runs: Annotated[Path, typer.Option(help="Folder of run folders: scores, tables, pictures.")] = Path("build/runs"),
) -> None:
    """Train a hazard on labelled rows of your machines, judged on machines that it never saw.

    Rows come from InfluxDB or files by `forewarn backfill --what features --labels ...`. The same rows and seed make
    the same bytes. Without DATA, the starter is remade from simulated pumps.
    """
    given = (plant, asset_type, name, spec, seed, trees, simulated)
    if data is None and not influx and all(one is None for one in given):
        from pipelines.cli import models

        models.train(out_folder, runs, errors)
        return
    from pipelines.cli import training

    if (data is None) != influx or (influx and (begin is None or to is None)) or asset_type is None:
        raise training.ModelError(training.HOW)
    from pipelines.settings import Settings

    settings = Settings()
    wanted = training.Wanted(
        data=data or "", plant=plant or settings.plant, site=settings.site, asset_type=asset_type, out=out_folder,
        runs=runs, name=name, spec=spec, seed=seed, memory=memory, simulated=simulated, trees=trees,
    )  # fmt: skip
    if begin is not None and to is not None:
        span = training.Span(begin, to, labels, every)
        wanted = training.of_influx(settings, wanted, span, out, errors)
    training.train(wanted, out, errors)


@model.command(epilog="Example: forewarn model export build/models/pump.onnx models/")
def export(
    onnx: Annotated[Path, typer.Argument(help="A trained ONNX file with its card beside it.")],
    to: Annotated[Path, typer.Argument(help="Folder that workers read models from.")],
) -> None:
    """Check a trained model and put it where workers look for it."""
    from pipelines.cli import models

    models.export(onnx, to, out)


@model.command(
    epilog="Examples: forewarn model wrap theirs.onnx --inputs theirs.toml --spec models/pump.json --out build/models"
    "   |   forewarn model wrap load.onnx --inputs load.toml --out build/models"
)
def wrap(
    onnx: Annotated[Path, typer.Argument(help="Any team's ONNX file.")],
    inputs: Annotated[Path, typer.Option(help="How it is read: its kind, inputs, and outputs' columns (TOML).")],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for NAME.onnx and its card.")],
    spec: Annotated[
        Path | None, typer.Option(help="A hazard's feature list: the champion's card, or of `forewarn model new`.")
    ] = None,
) -> None:
    """Make a model of any team's ONNX file, to be published: of failures, anomaly, energy or defects.

    It says a chance of failure within some hours, how unlike healthy a machine is, quantiles of a load, or the chance
    of a defect.
    """
    from pipelines.cli import wrapping

    wrapping.wrap(onnx, inputs, spec, out_folder, out)


@model.command(epilog="Example: forewarn model verify models/starter/pump.onnx")
def verify(
    onnx: Annotated[Path, typer.Argument(help="An ONNX file with its card beside it.")], as_json: AsJson = False
) -> None:
    """Check that file, card and this program agree, and that a row's result does not depend on its batch."""
    from pipelines.cli import models

    models.verify(onnx, out, as_json)


Onnx = Annotated[Path, typer.Argument(help="An ONNX file with its card beside it.")]


@model.command(
    epilog="Examples: forewarn model evaluate models/pump.onnx build/backfill/1f3a   |   forewarn model evaluate "
    "models/pump.onnx 'rows/*.parquet' --budget 0.25 --out build/evaluation --json",
)
def evaluate(
    onnx: Onnx,
    data: Annotated[str, typer.Argument(help="A backfill's run folder, or a folder or pattern of labelled rows.")],
    budget: Annotated[
        float, typer.Option(min=0, help="Unfounded warnings a machine-month that are put up with.")
    ] = 0.5,
    missed_to_unfounded: Annotated[
        float, typer.Option(min=0, help="How many unfounded warnings a missed failure costs.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="Of the draws of machines, and of the rival's folds.")] = 20260104,
    memory: Memory = "512MiB",
    out_folder: Annotated[Path | None, typer.Option("--out", help="Folder for a report with pictures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge a hazard by event on labelled rows, with bounds over machines, beside rules and a plain classifier."""
    from pipelines.cli import judging
    from pipelines.cli.training import mebibytes

    asked: dict[str, float | int] = {
        "budget": budget, "missed_to_unfounded": missed_to_unfounded, "seed": seed, "memory_mib": mebibytes(memory),
    }  # fmt: skip
    judging.evaluate(onnx, data, asked, out_folder, out, errors, as_json=as_json)


@model.command(
    epilog="Examples: forewarn model card models/starter/pump.onnx   |   forewarn model card pump.onnx --json"
)
def card(onnx: Onnx, as_json: AsJson = False) -> None:
    """Print what a model says of itself: what it learned from, how it did, what it looks at."""
    from pipelines.cli import judging

    judging.show_card(onnx, out, as_json=as_json)


@model.command(
    epilog="Examples: forewarn model quantize models/pump.onnx   |   forewarn model quantize net.onnx "
    "--windows windows.npz --out net.int8.onnx",
)
def quantize(
    onnx: Annotated[Path, typer.Argument(help="An ONNX file; a net needs no card yet.")],
    windows: Annotated[
        Path | None,
        typer.Option(help="Of a net: .npz with training and held_out, flat float32 windows, and failed, within 72 h."),
    ] = None,
    to: Annotated[Path | None, typer.Option("--out", help="Of a net: the int8 file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a net of eight bits, if it holds size, speed, precision and bits on this machine; of trees, say why not.

    Exit status 1 where it is not offered: nothing is written then.
    """
    from pipelines.cli import judging

    raise typer.Exit(judging.quantize(onnx, windows, to, out, as_json=as_json))


@model.command(
    epilog="Examples: forewarn model new --type press --plant plant.toml --out specs   |   forewarn model new --type "
    "press --name press-b --out specs"
)
def new(
    asset_type: Annotated[
        str, typer.Option("--type", help="An asset type of the plant file, with or without a model.")
    ],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for NAME.spec.json.")],
    plant: PlantFile = None,
    name: Annotated[str | None, typer.Option(help="Name of the model to be; the type's if not given.")] = None,
) -> None:
    """Scaffold the feature list of a first model for an asset type, by which backfill makes rows and train learns."""
    from pipelines.cli import drafting
    from pipelines.settings import Settings

    settings = Settings()
    drafting.new(plant or settings.plant, settings.site, asset_type, name, out_folder, out)
