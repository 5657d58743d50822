"""What the environment and a file say of an installation, read once into a frozen object.

Elsewhere the environment is asked for what is no setting of it: passwords by the names that feeds' configs give, the
socket of systemd, and what `infra/bin` needs before any of this can be imported.

Order: variables `FOREWARN_*`, then `forewarn.env` in the working folder, then the servers `forewarn up` started, then
the defaults here.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipelines.cluster import Cluster

STARTER = Path(__file__).parent.parent / "models" / "starter"
"""The model and plant file that come with the package."""


class Settings(BaseSettings):
    """One installation. Secrets print as stars."""

    model_config = SettingsConfigDict(env_prefix="FOREWARN_", env_file="forewarn.env", extra="ignore", frozen=True)

    kafka: str = Field("127.0.0.1:9092", description="host:port[,host:port] of Kafka")
    kafka_user: str = Field("", description="user by SASL; none: nobody is asked who he is")
    kafka_password: SecretStr = Field(SecretStr(""), description="that user's password")
    kafka_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="how the password is proved"
    )
    kafka_tls: bool = Field(False, description="speak TLS to Kafka, and check its certificate and name")
    kafka_ca: Path | None = Field(None, description="PEM file of the authority behind it; none: the system's")
    kafka_cert: Path | None = Field(None, description="PEM file of our own certificate, where Kafka wants one")
    kafka_key: Path | None = Field(None, description="PEM file of its key, where it is not in the same file")
    influx_url: str = Field("http://127.0.0.1:8086", description="URL of InfluxDB, 1.8 or 2.x")
    influx_token: SecretStr = Field(SecretStr(""), description="API token; user:password on 1.8")
    influx_ca: Path | None = Field(None, description="PEM file of the authority behind https; none: the system's")
    influx_org: str = Field("forewarn", description="organisation on 2.x")
    influx_bucket: str = Field("forewarn", description="bucket; database/retention on 1.8")
    mask_key: SecretStr = Field(
        SecretStr(""), description="key of operators' pseudonyms, 16 characters or more; kept where operators are known"
    )
    retention_days: int | None = Field(None, description="how long InfluxDB keeps rows; none: for ever")
    plant: Path = Field(STARTER / "pumps.toml", description="the plant file, or a folder of them")
    site: str | None = Field(None, description="only the assets of this site; none: all of the plant's")
    models: Path = Field(STARTER, description="folder of NAME.onnx and NAME.json")
    registry: str = Field("", description="folder or URL of releases' files; none: a folder in the cache")
    release_keys: str = Field("", description="whose releases are taken: name:base64 of ed25519 keys, parted by commas")
    unsigned_releases: bool = Field(False, description="take releases that nobody signed, too")
    auto_promote: str = Field("", description="models' names whose better candidate `model judge` promotes, by commas")
    auto_update: str = Field("", description="models' names that `model learn` refits by itself, by commas")
    api_keys: str = Field("", description="who may ask the HTTP API: name:role[@site+site]:sha256, parted by commas")
    api_rate: str = Field("600/minute", description="how often a caller may ask the HTTP API")
    api_wrong_keys: str = Field("30/minute", description="wrong keys from one address before it is turned away")
    api_origins: str = Field("", description="other sites whose pages may ask the HTTP API: https://name, by commas")
    api_hosts: str = Field("", description="names that the HTTP API answers to; none: its address and localhost; * any")
    api_audit: bool = Field(True, description="write each call of the HTTP API onto the audit")
    oidc_issuer: str = Field("", description="identity provider whose tokens the HTTP API takes, its URL; none: no")
    oidc_client: str = Field(
        "", description="the page's client id there: people sign in with it; none: keys and tokens"
    )
    oidc_audience: str = Field("", description="for whom such tokens have to be; its aud")
    oidc_roles_claim: str = Field("roles", description="claim with the role; within others: realm_access.roles")
    oidc_sites_claim: str = Field("sites", description='claim with the sites, "*" for all')
    oidc_name_claim: str = Field("preferred_username", description="claim with the name for the audit; else sub")
    subscriptions: Path | None = Field(None, description="the file of sinks and subscriptions that `deliver` goes by")
    energy_baseline: Path | None = Field(None, description="the energy baseline that savings are claimed against")
    explainer_url: str = Field("", description="chat endpoint that `alerts page --prose` asks; none: nothing is sent")
    explainer_model: str = Field("", description="the model that it asks there")
    explainer_key: SecretStr = Field(SecretStr(""), description="key of that endpoint, where it wants one")
    group: str = Field("forewarn", description="consumer group; a new one starts from the log's beginning")
    topic_prefix: str = Field("", description="put before every topic's name")
    partitions: int = Field(6, ge=1, description="partitions of every topic, fixed once created")
    snapshot_s: float = Field(5.0, gt=0, description="seconds between snapshots of a partition's state")
    lateness_s: int = Field(120, ge=0, le=600, description="how late a sample may come and still change a forecast")
    tick_s: float = Field(
        60.0, ge=0, le=300, description="seconds between a worker's ticks; 0 where a feed publishes them"
    )
    metrics_port: int = Field(
        9464,
        ge=0,
        le=65_535,
        description="port of metrics and probes; 0: none; a taken one moves on",
    )
    metrics_host: str = Field("127.0.0.1", description="address that metrics are served on; 0.0.0.0 for all")
    notice_lag: int = Field(10_000, ge=1, description="records behind, and not fewer for a minute, that are a notice")
    notice_down_s: float = Field(30.0, gt=0, description="seconds without InfluxDB that are a notice")
    notice_no_data_s: float = Field(1800.0, gt=0, description="seconds without a row on a partition that are a notice")
    cache: Path = Field(Path("~/.cache/forewarn"), description="programs, data and logs of local servers")
    instance: str = Field("default", description="which of the servers that `forewarn up` started")

    @field_validator("kafka")
    @classmethod
    def _addresses(cls, kafka: str) -> str:
        for address in kafka.split(","):
            if "://" in address or not address.rpartition(":")[2].strip().isdecimal():
                raise PydanticCustomError("address", "write host:port[,host:port], without http://")
        return kafka

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the base calls it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add the running local servers as the last source."""
        known = {**dotenv_settings(), **env_settings(), **init_settings()}
        return init_settings, env_settings, dotenv_settings, _LocalServers(settings_cls, known)

    @property
    def cluster(self) -> Cluster:
        """Kafka, and how it lets us in: what clients are made of."""
        return Cluster(
            self.kafka,
            user=self.kafka_user,
            password=self.kafka_password.get_secret_value(),
            mechanism=self.kafka_mechanism,
            tls=self.kafka_tls,
            ca=self.kafka_ca,
            certificate=self.kafka_cert,
            key=self.kafka_key,
        )

    @property
    def secrets(self) -> list[str]:
        """All that no log is to show."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [text for value in values if isinstance(value, SecretStr) and (text := value.get_secret_value())]

    @property
    def cache_folder(self) -> Path:
        """The cache with `~` put in."""
        return self.cache.expanduser()

    @property
    def registry_url(self) -> str:
        """Where releases' files are kept."""
        return self.registry or str(self.cache_folder / "registry")

    @property
    def auto_promoted(self) -> frozenset[str]:
        """The names of models that a verdict alone may change."""
        return _names(self.auto_promote)

    @property
    def auto_updated(self) -> frozenset[str]:
        """The names of models that follow their plants by themselves."""
        return _names(self.auto_update)

    @property
    def instance_folder(self) -> Path:
        """What belongs to one instance's servers, and what feeds keep that send to them."""
        return self.cache_folder / "instances" / self.instance


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


class _LocalServers(PydanticBaseSettingsSource):
    """Addresses and credentials of the servers that `forewarn up` started, from their instance's folder."""

    def __init__(self, settings_cls: type[BaseSettings], known: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        cache = Path(known.get("cache", "~/.cache/forewarn")).expanduser()
        self._file = cache / "instances" / str(known.get("instance", "default")) / "services.json"

    def get_field_value(
        self,
        field: Any,  # noqa: ARG002 - the base's signature
        field_name: str,
    ) -> tuple[Any, str, bool]:
        """Not asked, since all values come at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The instance's settings; none where it does not run."""
        if not self._file.is_file():
            return {}
        found: dict[str, str] = json.loads(self._file.read_text())["settings"]
        return {name.removeprefix("FOREWARN_").lower(): value for name, value in found.items()}
