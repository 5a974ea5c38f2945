"""Configuration: frozen groups, one per plane, read from the environment once, when `Settings()` is built.

Nothing here has a side effect at import time, and no value below is a secret by default: secrets are generated into
the state directory at the first start, or given by the environment.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from app.knowledge_settings import EmbeddingSettings, PineconeSettings
from app.setting_groups import ByCommas, EndpointGroup, Group, Networks, groups

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class DatabaseSettings(Group):
    """Where PostgreSQL is. Without `DATABASE_URL` the embedded server in the state directory is used."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_")

    url: SecretStr | None = Field(None, description="Owner login, postgresql+asyncpg://…; migrates, makes the roles.")
    app_role: str = Field("spyne_app", description="Runtime role; its password is derived from the service secret.")
    query_role: str = Field("spyne_query", description="Login that executes previewed queries, and nothing else.")
    pool_size: int = Field(10, ge=1, description="Connections for writing transactions, per process.")
    read_pool_size: int = Field(20, ge=1, description="Connections for reading, per process.")
    load_pool_size: int = Field(4, ge=1, description="Batches being taken in at once, per process.")
    query_pool_size: int = Field(5, ge=1, description="Connections of the query login, per process.")
    query_memory_bytes: int = Field(
        512 * MIB,
        ge=64 * MIB,
        description="Own memory that a backend of the query login may take, where the kernel can hold it to that.",
    )
    max_overflow: int = Field(
        0, ge=0, description="Connections for writing, and as many for reading, beyond the pool at a peak; not kept."
    )
    pool_timeout_seconds: float = Field(5.0, gt=0, description="Wait for a free connection before answering 503.")
    pool_recycle_seconds: int | None = Field(
        None, ge=1, description="An older connection of the runtime login is replaced by a new one; never when absent."
    )
    echo: bool = Field(default=False, description="Log every statement, without its values.")
    lock_timeout_seconds: float = Field(10.0, gt=0, description="Wait for a row or relation lock before answering 503.")


class ServerSettings(Group):
    """The HTTP edge."""

    model_config = SettingsConfigDict(env_prefix="SERVER_")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65_535, description="Port to listen on.")
    metrics_port: int | None = Field(
        None, ge=1, le=65_535, description="The API answers /metrics there without a credential, if given."
    )
    metrics_host: str = Field(
        "127.0.0.1", description="Address of the ports of metrics, of the API and of workers: metrics name tables."
    )
    max_in_flight: int = Field(200, ge=1, description="Requests served at once; more get 503 with Retry-After.")
    max_body_bytes: int = Field(1 * MIB, ge=1, description="Largest request body, except for ingestion.")
    max_head_bytes: int = Field(32 * KIB, ge=1024, description="Largest request line and header fields together.")
    head_seconds: float = Field(
        5.0, gt=0, description="From the first byte to the end of the header fields: they fit into a few packets."
    )
    body_seconds: float = Field(
        7.0, gt=0, description="A body may keep the service waiting this long at its begin; every byte earns more time."
    )
    min_bytes_per_second: float = Field(
        500.0,
        gt=0,
        description="Slowest body and slowest reader: a tenth of a poor mobile link, and what mod_reqtimeout asks for.",
    )
    patience_seconds: float = Field(
        30.0, gt=0, description="Longest silence of a body which was fast before, and of who reads an answer."
    )
    keep_alive_seconds: int = Field(30, ge=1, description="An idle connection is kept for this long.")
    max_connections: int = Field(
        4096, ge=1, description="Open connections per process; at the bound, who has waited longest makes room."
    )
    trusted_proxies: ByCommas[Networks] = Field(
        (), description="Networks of our own proxies, by commas; X-Forwarded-For and -Proto count from them alone."
    )
    drain_seconds: float = Field(
        0.0, ge=0, le=300, description="Asked to stop, serve on for this long while /health/ready answers 503."
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "json"

    @field_validator("trusted_proxies")
    @classmethod
    def _ours(cls, networks: Networks) -> Networks:
        if any(network.prefixlen == 0 for network in networks):
            raise ValueError("a network of everybody would let everybody choose an address")
        return networks


class RateLimitSettings(Group):
    """Where requests are counted; the rules stand in the database."""

    model_config = SettingsConfigDict(env_prefix="RATE_LIMIT_")

    storage_url: SecretStr | None = Field(
        None, description="redis://… or rediss://…, where all processes count together; each alone when absent."
    )

    @field_validator("storage_url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("requests are counted together in Redis alone: redis://host:6379/0")
        return value


class AccessSettings(Group):
    """Tokens, passwords and their limits (spec: access)."""

    model_config = SettingsConfigDict(env_prefix="ACCESS_")

    token_lifetime_seconds: int = Field(3600, ge=60, le=86_400, description="Life of an access token.")
    issuer: str = Field("spyne", description="`iss` of our tokens.")
    audience: str = Field("spyne-api", description="`aud` of our tokens.")
    caller_cache_seconds: float = Field(0.5, gt=0, le=1.0, description="Reuse of a resolved caller; bounds revocation.")
    signing_keys: Path | None = Field(
        None, description="Directory of PEM keys (ES256, RS256) that sign tokens; the service secret signs when absent."
    )
    key_activation_seconds: int = Field(
        600, ge=0, le=86_400, description="A fresh signing key is published for this long before it signs."
    )


class OidcSettings(Group):
    """Log-in at an identity provider (OpenID Connect). Without `OIDC_ISSUER` it is off."""

    model_config = SettingsConfigDict(env_prefix="OIDC_")

    issuer: str | None = Field(None, description="The provider's issuer URL, exactly as it calls itself.")
    client_id: str = Field("", description="Our id at the provider.")
    client_secret: SecretStr | None = Field(None, description="Our secret at the provider; PKCE alone when absent.")
    scopes: str = Field("openid profile email", description="What is asked for, by spaces.")
    redirect_base_url: str = Field("", description="Where browsers reach this service, such as https://spyne.example.")
    roles_claim: str | None = Field(None, description="The ID token's claim of roles; dots lead into objects.")
    role_mapping: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description='Roles by value of that claim, as JSON: {"data-team": ["ENGINEER"]}.'
    )
    default_roles: ByCommas[tuple[str, ...]] = Field((), description="Roles of a new person when no claim names any.")
    create_users: bool = Field(default=True, description="Whether people not known yet are let in, as new users.")
    algorithms: ByCommas[tuple[Literal["RS256", "ES256", "PS256", "EdDSA"], ...]] = Field(
        ("RS256", "ES256", "PS256", "EdDSA"), description="Signatures of ID tokens that are taken, by commas."
    )
    leeway_seconds: int = Field(60, ge=0, le=300, description="By how much the provider's clock may differ.")
    deadline_seconds: float = Field(10.0, gt=0, le=60, description="For one whole answer of the provider.")
    allow_http: bool = Field(default=False, description="Whether the provider may speak plain HTTP; for tests.")
    allowed_networks: ByCommas[Networks] = Field((), description="Where the provider may be although not public.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.issuer is None:
            return self
        schemes = ("https://", "http://") if self.allow_http else ("https://",)
        if not self.issuer.startswith(schemes) or "?" in self.issuer or "#" in self.issuer:
            raise ValueError("OIDC_ISSUER must be an https URL without query")
        if not self.client_id or not self.redirect_base_url.startswith(("https://", "http://")):
            raise ValueError("OIDC_CLIENT_ID and OIDC_REDIRECT_BASE_URL (a URL) are needed with OIDC_ISSUER")
        if "openid" not in self.scopes.split():
            raise ValueError("OIDC_SCOPES must contain openid")
        if not self.algorithms:
            raise ValueError("OIDC_ALGORITHMS must name one")
        return self


class IngestionSettings(Group):
    """Limits of a batch."""

    model_config = SettingsConfigDict(env_prefix="INGESTION_")

    max_batch_bytes: int = Field(16 * GIB, ge=1, description="Largest decoded batch body.")
    max_line_bytes: int = Field(4 * MIB, ge=1024, description="Longest single row.")
    rollback_window_days: int = Field(
        30, ge=1, le=36_500, description="What taking a batch back needs is kept for this long, whatever rules say."
    )


class QuerySettings(Group):
    """Limits of a query; a role may have lower ones."""

    model_config = SettingsConfigDict(env_prefix="QUERY_")

    preview_lifetime_seconds: int = Field(600, ge=1, description="A preview may be executed for this long.")
    statement_timeout_seconds: float = Field(30.0, gt=0, description="PostgreSQL cancels a query after this.")


class LanguageModelSettings(EndpointGroup):
    """A language model for questions and add-ons. Without `LANGUAGE_MODEL_URL` there is none.

    It is asked only where the configuration key `query.language-model` or `addons.language-model` says so as well.
    """

    model_config = SettingsConfigDict(env_prefix="LANGUAGE_MODEL_")

    url: str | None = Field(
        None,
        description="Base URL of OpenAI's protocol, such as https://models.example/v1; …/chat/completions is called.",
    )
    name: str = Field("", description="The model's name at the endpoint.")
    api_key: SecretStr | None = Field(None, description="Sent as a bearer token; none when absent.")
    concurrency: int = Field(4, ge=1, le=100, description="Questions put to it at once, per process; others are not.")

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.url is not None and not self.name:
            raise ValueError("LANGUAGE_MODEL_NAME is needed with LANGUAGE_MODEL_URL")
        return self


class NotifySettings(Group):
    """Where notifications may go, and how fast."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_")

    allow_http: bool = Field(default=False, description="Whether webhooks may be plain http.")
    allowed_networks: ByCommas[Networks] = Field((), description="Networks reachable although not public, by commas.")
    smtp_url: SecretStr | None = Field(
        None, description="mailto:// or mailtos:// URL of the mail server, for channels that name addresses alone."
    )
    source: str = Field("urn:spyne", min_length=1, description="`source` of the CloudEvents.")
    timeout_seconds: float = Field(15.0, gt=0, le=60, description="For one attempt, name resolution included.")
    lease_seconds: float = Field(
        60.0, gt=0, description="A message whose worker is silent for this long is sent again; above the timeout."
    )
    poll_seconds: float = Field(1.0, gt=0, description="Longest wait between two looks into the outbox.")
    concurrency: int = Field(16, ge=4, le=500, description="Messages under way at once in one worker.")
    max_answer_bytes: int = Field(64 * KIB, ge=1024, description="Longest answer of a receiver; none of it is kept.")


class HealthSettings(Group):
    """When health says that something wants a look."""

    model_config = SettingsConfigDict(env_prefix="HEALTH_")

    min_free_bytes: int = Field(
        512 * MIB,
        ge=0,
        description="With less free space where the state directory is, health is degraded; some segments of WAL fit.",
    )


class ExportSettings(Group):
    """Limits of exports."""

    model_config = SettingsConfigDict(env_prefix="EXPORTS_")

    lifetime_seconds: int = Field(
        7 * 24 * 3600, ge=60, description="A finished export can be downloaded for this long; then its file goes."
    )
    max_open_per_caller: int = Field(200, ge=1, description="Exports of one caller that wait or are being made.")


class AddonSettings(Group):
    """Limits of the add-on plane."""

    model_config = SettingsConfigDict(env_prefix="ADDONS_")

    max_sample_bytes: int = Field(50 * MIB, ge=1024, description="Largest sample of logs, as sent and unpacked.")
    max_package_bytes: int = Field(20 * MIB, ge=1024, description="Largest package that is uploaded.")
    max_parallel_validations: int = Field(
        2,
        ge=1,
        le=1_000,
        validation_alias=AliasChoices("max_parallel_validations", "addons_max_parallel_validations"),
        description="Validation runs under way at once, over all workers.",
    )
    work_seconds: float = Field(300.0, gt=0, description="A generation or a validation is ended after this.")
    work_bytes: int = Field(2 * GIB, ge=256 * MIB, description="Memory of a process that generates or validates.")
    appinspect: Path | None = Field(
        None, description="The program splunk-appinspect, in a virtual environment of its own; validations run it."
    )


class SplunkSandboxSettings(EndpointGroup):
    """A Splunk for tests, in which packages are tried. Without `ADDONS_SPLUNK_URL` there is none."""

    model_config = SettingsConfigDict(env_prefix="ADDONS_SPLUNK_")

    url: str | None = Field(None, description="Its management port, such as https://splunk.example:8089.")
    api_key: SecretStr | None = Field(None, description="An authentication token, sent as a bearer token.")
    index: str = Field("spyne_sandbox", pattern=r"^[a-z0-9][a-z0-9_-]{0,79}$", description="Samples are sent there.")
    ca_file: Path | None = Field(None, description="Authorities of its certificate, PEM; the usual ones when absent.")
    wait_seconds: float = Field(60.0, gt=0, le=240, description="For its turn, and for the events to be found.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url is not None and self.api_key is None:
            raise ValueError("ADDONS_SPLUNK_API_KEY is needed with ADDONS_SPLUNK_URL")
        return self


class JobSettings(Group):
    """How workers keep time."""

    model_config = SettingsConfigDict(env_prefix="JOBS_")

    lease_seconds: float = Field(10.0, ge=1, description="A job whose worker is silent for this long is started again.")
    poll_seconds: float = Field(2.0, gt=0, description="Longest wait between two looks into the queue.")
    grace_seconds: float = Field(30.0, ge=0, description="At its end a worker lets jobs finish for this long.")
    concurrency: int = Field(8, ge=2, description="Jobs under way at once in one worker.")
    metrics_port: int | None = Field(
        None, ge=1, le=65_535, description="A worker answers /metrics there without a credential, if given."
    )


class TracingSettings(Group):
    """Where spans go: the standard variables of OpenTelemetry. Without an endpoint tracing is off.

    Headers, timeout, compression and certificates of the exporter (`OTEL_EXPORTER_OTLP_…`) and the bounds of its queue
    (`OTEL_BSP_…`) are read by the SDK itself.
    """

    model_config = SettingsConfigDict(env_prefix="OTEL_")

    exporter_otlp_endpoint: str | None = Field(None, description="OTLP/HTTP receiver; spans go to …/v1/traces.")
    exporter_otlp_traces_endpoint: str | None = Field(None, description="The receiver of spans, whole.")
    sdk_disabled: bool = Field(default=False, description="Whether tracing is off although there is a receiver.")
    service_name: str = Field("spyne", min_length=1, description="`service.name` of the spans.")
    traces_sampler_arg: float = Field(
        1.0, ge=0, le=1, description="Share of the traces that begin here; a caller's decision is followed."
    )

    @field_validator("exporter_otlp_endpoint", "exporter_otlp_traces_endpoint")
    @classmethod
    def _http(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("spans are sent over HTTP: http://host:4318")
        return value or None

    @property
    def endpoint(self) -> str | None:
        """Where spans are sent; None while tracing is off."""
        if self.sdk_disabled or not (self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint):
            return None
        return self.exporter_otlp_traces_endpoint or f"{(self.exporter_otlp_endpoint or '').rstrip('/')}/v1/traces"


class Settings(Group):
    """All of Spyne's configuration.

    `SPYNE_HOME` is the state directory: embedded database, stored objects and the generated service secret live in it.
    """

    model_config = SettingsConfigDict(env_prefix="SPYNE_")

    home: Path = Field(Path(".spyne"), description="State directory.")
    secret: SecretStr | None = Field(
        None, description="Service secret, at least 32 bytes; generated into the state directory when absent."
    )
    secret_previous: SecretStr | None = Field(
        None, description="The secret before a change of SPYNE_SECRET: its access tokens count while this is set."
    )
    storage_url: str | None = Field(
        None, description="Object storage: file://, s3://, gs:// or az:// URL; the state directory when absent."
    )
    revision: str | None = Field(
        None, max_length=200, description="Revision of the code, for GET /system/deployment; read from a checkout."
    )
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    rate_limit: RateLimitSettings = Field(default_factory=RateLimitSettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    ingestion: IngestionSettings = Field(default_factory=IngestionSettings)
    query: QuerySettings = Field(default_factory=QuerySettings)
    language_model: LanguageModelSettings = Field(default_factory=LanguageModelSettings)
    embedding: EmbeddingSettings = Field(default_factory=EmbeddingSettings)
    pinecone: PineconeSettings = Field(default_factory=PineconeSettings)
    exports: ExportSettings = Field(default_factory=ExportSettings)
    addons: AddonSettings = Field(default_factory=AddonSettings)
    splunk: SplunkSandboxSettings = Field(default_factory=SplunkSandboxSettings)
    tracing: TracingSettings = Field(default_factory=TracingSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()


def variable(group: str, location: Sequence[int | str]) -> str:
    """The environment variable behind a field, of which a validation error names the group's class and the field."""
    prefixes = {kind.__name__: kind.model_config.get("env_prefix", "") for kind in groups()}
    return (prefixes.get(group, "") + "_".join(str(step) for step in location)).upper()
