"""The HTTP API as a process, with the plant's releases behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import structlog
from aiokafka.errors import KafkaError
from rich.console import Console

from connectors.console.app import application
from connectors.console.audit_log import AuditLog
from connectors.console.callers import KeysAndTokens
from connectors.console.gate import OPENAPI, Gate, WrongGate, hosts_of, limits_of, origins_of
from connectors.console.issuer import IssuerKeys, is_safe
from connectors.console.keys import SETTING, ApiKeys, WrongApiKeys, api_keys
from connectors.console.plant import add_console
from connectors.console.sign_in import Provider
from connectors.console.tokens import Rules, Tokens
from connectors.kafka.audit import KafkaAudit
from connectors.kafka.following import TopicsFollower
from connectors.releases.registry import Registry
from models.alerting.verdict import Bars, verdict
from models.plant import Plant
from models.release import Channel, Part
from pipelines.cli.board import now_us, place_of
from pipelines.cli.compared import said_of
from pipelines.cli.comparing import of_live
from pipelines.cli.console_desk import ConsoleDesk
from pipelines.cli.console_run import bound, run
from pipelines.cli.delivery_desk import DeliveryDesk
from pipelines.cli.logs import to_stderr
from pipelines.console.role import Follower
from pipelines.console.standing import Standing
from pipelines.main import provision_log
from pipelines.plant_file import PlantFile
from pipelines.releases.about import told
from pipelines.releases.moves import Who
from pipelines.releases.offices import Offices, Place
from pipelines.releases.publish import Keeper, checked, made, published, record_of
from pipelines.settings import Settings

_log = structlog.get_logger()


class PlantModels(Offices):
    """A `connectors.console.models.Models`: the offices, what is told of them, and where uploads are kept."""

    def __init__(self, place: Place, keeper: Keeper, compared: Callable[[str], dict[str, Any]]) -> None:
        super().__init__(place)
        self._keeper, self.compared = keeper, compared

    def told(self) -> dict[str, Any]:
        """Releases and appointments."""
        return told(self, self.board())

    def publish(
        self, files: Mapping[Part, bytes], signed: bytes, licence: str, channel: Channel, who: Who
    ) -> list[str]:
        """Offer files, by a record that was signed elsewhere or unsigned. Raises ReleaseError, Refused."""
        plant = self.plant.plant
        if signed:
            release = checked(record_of(signed), files, plant)
        else:
            release = made(plant, files, now_us(), licence, lambda _: ())
        return published(self, self._keeper, release, files, channel, who)


def _compared(settings: Settings, name: str) -> dict[str, Any]:
    found = of_live(settings, None, Console(stderr=True), name)
    return said_of(found, verdict(found.trial, Bars()))


def tokens_of(settings: Settings) -> Tokens | None:
    """What reads tokens, where an issuer is set. Raises WrongGate."""
    issuer = settings.oidc_issuer
    if not issuer:
        return None
    if not is_safe(issuer):
        raise WrongGate(f"FOREWARN_OIDC_ISSUER is '{issuer}': write its https:// URL")
    if not settings.oidc_audience:
        raise WrongGate("set FOREWARN_OIDC_AUDIENCE: else tokens that were made for other services would open this one")
    rules = Rules(
        issuer,
        settings.oidc_audience,
        settings.oidc_roles_claim,
        settings.oidc_sites_claim,
        settings.oidc_name_claim,
    )
    return Tokens(rules, IssuerKeys(issuer))


def gate_of(settings: Settings, host: str, plant: str) -> Gate:
    """As the settings say. Raises WrongApiKeys, WrongGate."""
    keys, tokens = api_keys(settings.api_keys), tokens_of(settings)
    if not len(keys) and tokens is None:
        raise WrongApiKeys(
            f"nobody could ask: make a key by `forewarn api key NAME`, and put what it says into {SETTING}"
        )
    return Gate(
        KeysAndTokens(keys, tokens),
        limits_of(settings.api_rate, settings.api_wrong_keys),
        origins_of(settings.api_origins),
        hosts_of(settings.api_hosts, host),
        AuditLog(KafkaAudit(settings.cluster, settings.topic_prefix), plant) if settings.api_audit else None,
        Provider(settings.oidc_issuer, settings.oidc_client) if tokens and settings.oidc_client else None,
    )


def warn_of_sites(keys: ApiKeys, plant: Plant) -> None:
    """Of keys that show nothing: of sites that the plant file does not have."""
    for caller in keys.callers():
        if unknown := sorted((caller.sites or frozenset()) - set(plant.sites)):
            _log.warning("key-of-no-site", key=caller.name, sites=unknown, known=list(plant.sites),
                         doing="it shows no machine of them: is the plant file's `site` missing?")  # fmt: skip


def serve(settings: Settings, host: str, port: int, console: Console, *, loud: bool = False) -> None:
    """Answer until ended."""
    to_stderr(loud, settings.secrets)
    asyncio.run(answer(settings, host, port, console))


async def answer(settings: Settings, host: str, port: int, console: Console) -> None:
    """The same, on the caller's loop. Raises WrongApiKeys, WrongGate, NoPort, KafkaUnreachable."""
    place, file = place_of(settings), PlantFile(settings.plant, settings.site)
    gate = gate_of(settings, host, file.plant.plant)
    provision_log(settings)
    warn_of_sites(api_keys(settings.api_keys), file.plant)
    log = TopicsFollower(settings.cluster, settings.topic_prefix)
    follower = Follower(log, Standing(file.plant), (KafkaError,))
    models = PlantModels(place, Registry(settings.registry_url), partial(_compared, settings))
    app = application(gate, models, DeliveryDesk(settings))
    add_console(app, follower, ConsoleDesk(settings, follower.standing))
    port_held = bound(host, port)

    def ready() -> None:
        shown = f"http://{f'[{host}]' if ':' in host else host}:{port_held.getsockname()[1]}"
        for line in (f"the page: {shown}/", f"the API's document: {shown}{OPENAPI}; end it by ctrl-c"):
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    await run(app, follower, file, port_held, console, ready)
