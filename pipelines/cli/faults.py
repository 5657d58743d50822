"""Which exceptions are the user's or the world's fault and carry their own advice; all others are ours.

By name, so that telling of a fault imports nothing: an error must come within a second.
"""

from __future__ import annotations

TELLING = frozenset(
    (
        "connectors.console.gate.WrongGate",
        "connectors.console.keys.WrongApiKeys",
        "connectors.delivery.SinkError",
        "connectors.explainer.ExplainerFailed",
        "connectors.files.table.MapError",
        "connectors.influx.flux.QueryRefused",
        "connectors.influx.target.InfluxMisconfigured",
        "connectors.influx.target.InfluxUnreachable",
        "connectors.kafka.clients.KafkaUnreachable",
        "connectors.kafka.admin.WrongPartitions",
        "connectors.kafka.plain.NotSent",
        "connectors.kafka.snapshots.StateUnusable",
        "connectors.releases.keys.WrongKey",
        "connectors.releases.registry.RegistryError",
        "connectors.scada.feed.FeedError",
        "infra.bin.layout.ServicesError",
        "models.delivery.errors.SubscriptionError",
        "models.inference.ModelError",
        "models.plant.errors.PlantError",
        "models.release.Refused",
        "onnx_export.asof.FutureData",
        "onnx_export.hazard_own.NotTrained",
        "onnx_export.offered.WindowsError",
        "onnx_export.table.TableError",
        "pipelines.cli.acting.NoMove",
        "pipelines.cli.backfill.asked.BackfillError",
        "pipelines.cli.baselines.BaselineError",
        "pipelines.cli.budget.asked.BudgetError",
        "pipelines.cli.clocks.NothingKnown",
        "pipelines.cli.console_run.NoPort",
        "pipelines.cli.delivering.DeliveryError",
        "pipelines.cli.demo.DemoFailed",
        "pipelines.cli.energy_baseline.EnergyError",
        "pipelines.cli.feed.NotCaughtUp",
        "pipelines.cli.planning_error.PlanError",
        "pipelines.cli.granting.NoRole",
        "pipelines.cli.labels.LabelsError",
        "pipelines.cli.of_api.NoConsole",
        "pipelines.cli.rebuild.NoSnapshot",
        "pipelines.cli.picture.NoMatplotlib",
        "pipelines.releases.moves.ReleaseError",
        "pipelines.ports.StoreDown",
        "pipelines.proposed.NoHealthyTime",
        "pipelines.state.SnapshotError",
    )
)

_KAFKA = ("kafka.errors.", "aiokafka.errors.")


def told(fault: Exception) -> str | None:
    """What to tell the user; None for a fault of ours, which shows its trace."""
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(fault).__mro__}
    if names & TELLING:
        return str(fault)
    if any(name.startswith(_KAFKA) and "Authorization" in name for name in names):
        what = type(fault).__name__  # clients put their whole request behind it
        return f"Kafka does not let this user do so ({what}): `forewarn access list` says what each role needs"
    if "pydantic_core._pydantic_core.ValidationError" in names:
        wrong = fault.errors()[0]  # type: ignore[attr-defined] # known by its name alone
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        return f"setting FOREWARN_{name}: {wrong['msg']}, but it is {wrong['input']!r}"
    return None
