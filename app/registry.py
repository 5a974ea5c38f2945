"""The one place that names every domain: routers, models, jobs, background tasks, and how resources are made."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from sqlalchemy import MetaData

from app.access import models as access_models
from app.access.clients.last_used import BACKGROUND as CLIENT_BACKGROUND
from app.access.clients.router import router as clients_router
from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.credentials.background import BACKGROUND as SESSION_BACKGROUND
from app.access.login import models as login_models
from app.access.login.jobs import JOBS as LOGIN_JOBS
from app.access.login.jobs import SCHEDULES as LOGIN_SCHEDULES
from app.access.login.router import router as login_router
from app.access.oidc import models as oidc_models
from app.access.oidc.background import BACKGROUND as OIDC_BACKGROUND
from app.access.oidc.background import require_known_roles
from app.access.oidc.provider import ProviderInForce
from app.access.oidc.router import callback_router as oidc_callback_router
from app.access.oidc.router import router as oidc_router
from app.access.sessions import models as session_models
from app.access.sessions.router import router as sessions_router
from app.access.signing.router import router as signing_router
from app.access.signing.watch import BACKGROUND as SIGNING_BACKGROUND
from app.access.signing.watch import load_signing_keys
from app.access.users.router import router as users_router
from app.audit.dashboard_repository import TILES as AUDIT_TILES
from app.audit.log import models as audit_models
from app.audit.router import router as audit_router
from app.audit.seals.sealing import BACKGROUND as AUDIT_BACKGROUND
from app.catalog import models as catalog_models
from app.catalog.contracts.router import router as contracts_router
from app.catalog.dashboard_repository import TILES as CATALOG_TILES
from app.catalog.tables.events import EVENT_KINDS as TABLE_KINDS
from app.catalog.tables.exporting import TableSource
from app.catalog.tables.router import router as tables_router
from app.ingestion import models as ingestion_models
from app.ingestion.configuration import CONFIG_KEYS as INGESTION_KEYS
from app.ingestion.dashboard_repository import TILES as INGESTION_TILES
from app.ingestion.events import EVENT_KINDS as BATCH_KINDS
from app.ingestion.exporting import EXPORT_SOURCES as INGESTION_SOURCES
from app.ingestion.jobs import JOBS as INGESTION_JOBS
from app.ingestion.jobs import SCHEDULES as INGESTION_SCHEDULES
from app.ingestion.retention import targets as ingestion_retention
from app.ingestion.router import router as ingestion_router
from app.ingestion.router import uploads as uploads_router
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import Database
from app.kernel.db.models import Base
from app.kernel.db.query_login import QueryLogin
from app.kernel.http import idempotency
from app.kernel.jobs import JobDefinition, Schedule
from app.kernel.jobs import models as job_models
from app.kernel.jobs.dashboard import TILES as JOB_TILES
from app.kernel.jobs.worker import HEARTBEAT, heartbeat_seconds
from app.kernel.ports.dashboard import DashboardTile, DashboardTiles
from app.kernel.ports.events import EventKind, EventKinds
from app.kernel.ports.exports import ExportSource, ExportSources
from app.kernel.ports.retention import RetentionTarget, RetentionTargets
from app.kernel.runtime.background import BackgroundTask, intervals
from app.kernel.runtime.configuration import ConfigKey
from app.kernel.runtime.extensions import Extensions
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import DecoyKeys
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.configuration import models as configuration_models
from app.operations.configuration.keys import CONFIG_KEYS as OPERATIONS_KEYS
from app.operations.configuration.reload import WATCHED as CONFIGURATION_WATCHED
from app.operations.configuration.router import router as configuration_router
from app.operations.configuration.rules import ConfigKeys
from app.operations.dashboard.repository import TILES as OPERATIONS_TILES
from app.operations.dashboard.router import router as dashboard_router
from app.operations.dashboard.service import Dashboard
from app.operations.decisions import models as operations_models
from app.operations.decisions.watch import BACKGROUND as DECISION_BACKGROUND
from app.operations.decisions.watch import Watched, WatchedDecisions
from app.operations.deployment.router import router as deployment_router
from app.operations.exports import models as export_models
from app.operations.exports.control import EXPORT_SOURCES as CONTROL_SOURCES
from app.operations.exports.jobs import JOBS as EXPORT_JOBS
from app.operations.exports.jobs import SCHEDULES as EXPORT_SCHEDULES
from app.operations.exports.router import router as exports_router
from app.operations.flags import models as flag_models
from app.operations.flags.ofrep_router import router as ofrep_router
from app.operations.flags.provider import Flags
from app.operations.flags.router import router as flags_router
from app.operations.flags.watch import BACKGROUND as FLAG_BACKGROUND
from app.operations.health.router import router as health_router
from app.operations.housekeeping.jobs import JOBS as OPERATIONS_JOBS
from app.operations.housekeeping.jobs import SCHEDULES as OPERATIONS_SCHEDULES
from app.operations.metrics import models as measure_models
from app.operations.metrics.metric_samples import BACKGROUND as MEASURE_BACKGROUND
from app.operations.metrics.metric_samples import JOBS as MEASURE_JOBS
from app.operations.metrics.metric_samples import SCHEDULES as MEASURE_SCHEDULES
from app.operations.metrics.prometheus import BACKGROUND as LAG_BACKGROUND
from app.operations.metrics.prometheus import router as metrics_router
from app.operations.modes import window_models
from app.operations.modes.background import BACKGROUND as WINDOW_BACKGROUND
from app.operations.modes.router import router as operations_router
from app.operations.modes.shield import BACKGROUND as MODE_BACKGROUND
from app.operations.modes.shield import ModeShield
from app.operations.modes.window_router import router as windows_router
from app.operations.notifications.channel_router import router as channels_router
from app.operations.notifications.delivery.background import BACKGROUND as NOTIFICATION_BACKGROUND
from app.operations.notifications.outbox import models as notification_models
from app.operations.notifications.router import router as notifications_router
from app.operations.oldevents import EVENT_KINDS as OPERATIONS_KINDS
from app.operations.oldkinds import EVENT_KINDS as NOTIFICATION_KINDS
from app.operations.retention import models as retention_models
from app.operations.retention.audit_target import TARGETS as AUDIT_RETENTION
from app.operations.retention.jobs import JOBS as RETENTION_JOBS
from app.operations.retention.jobs import SCHEDULES as RETENTION_SCHEDULES
from app.operations.retention.own import TARGETS as OPERATIONS_RETENTION
from app.operations.retention.router import router as retention_router
from app.operations.security import models as security_models
from app.operations.security.recording import BACKGROUND as RECORDING_BACKGROUND
from app.operations.security.router import router as security_router
from app.operations.security.watch import BACKGROUND as SECURITY_BACKGROUND
from app.operations.security.watch import WATCHED as SECURITY_WATCHED
from app.query import models as query_models
from app.query.configuration import CONFIG_KEYS as QUERY_KEYS
from app.query.dashboard_repository import TILES as QUERY_TILES
from app.query.exporting import EXPORT_SOURCES as QUERY_SOURCES
from app.query.jobs import JOBS as QUERY_JOBS
from app.query.jobs import SCHEDULES as QUERY_SCHEDULES
from app.query.retention import TARGETS as QUERY_RETENTION
from app.query.router import router as query_router
from app.settings import Settings


@dataclass(frozen=True)
class Domain:
    """What a domain brings into the house."""

    name: str
    routers: Sequence[APIRouter] = ()
    models: Sequence[object] = ()
    jobs: Sequence[JobDefinition] = ()
    schedules: Sequence[Schedule] = field(default=())
    background: Sequence[BackgroundTask] = field(default=())
    config_keys: Sequence[ConfigKey[Any]] = ()
    """What an admin may decide while the service runs, declared beside the code that reads it."""
    tiles: Sequence[DashboardTile] = ()
    """What it shows on the dashboard."""
    watched: Sequence[Watched] = ()
    """Views of decisions that every process keeps: see app/operations/decisions/watch.py."""
    event_kinds: Sequence[EventKind] = ()
    """What it announces: see app/operations/notifications/outbox/announcing.py."""
    export_sources: Sequence[ExportSource] = ()
    """What of it can be exported: see app/kernel/ports/exports.py."""
    retention_targets: Callable[[Settings], Sequence[RetentionTarget]] = lambda _: ()
    """What of it is kept for a limited time: see app/kernel/ports/retention.py."""


DOMAINS: tuple[Domain, ...] = (
    Domain("kernel", models=(idempotency, job_models), tiles=JOB_TILES),
    Domain("audit", routers=(audit_router,), models=(audit_models,), background=AUDIT_BACKGROUND, tiles=AUDIT_TILES),
    Domain(
        "access",
        routers=(
            login_router,
            sessions_router,
            clients_router,
            users_router,
            signing_router,
            oidc_router,
            oidc_callback_router,
        ),
        models=(access_models, session_models, login_models, oidc_models),
        jobs=LOGIN_JOBS,
        schedules=LOGIN_SCHEDULES,
        background=(*SIGNING_BACKGROUND, *OIDC_BACKGROUND, *CLIENT_BACKGROUND, *SESSION_BACKGROUND),
    ),
    Domain(
        "operations",
        routers=(
            operations_router,
            windows_router,
            configuration_router,
            deployment_router,
            dashboard_router,
            channels_router,
            notifications_router,
            security_router,
            flags_router,
            ofrep_router,
            health_router,
            metrics_router,
        ),
        models=(
            operations_models,
            window_models,
            configuration_models,
            notification_models,
            security_models,
            measure_models,
            flag_models,
        ),
        jobs=(*OPERATIONS_JOBS, *MEASURE_JOBS),
        schedules=(*OPERATIONS_SCHEDULES, *MEASURE_SCHEDULES),
        background=(
            *MODE_BACKGROUND,
            *DECISION_BACKGROUND,
            *SECURITY_BACKGROUND,
            *RECORDING_BACKGROUND,
            *NOTIFICATION_BACKGROUND,
            *WINDOW_BACKGROUND,
            *FLAG_BACKGROUND,
            *MEASURE_BACKGROUND,
            *LAG_BACKGROUND,
        ),
        config_keys=OPERATIONS_KEYS,
        tiles=OPERATIONS_TILES,
        watched=(*CONFIGURATION_WATCHED, *SECURITY_WATCHED),
        event_kinds=(*NOTIFICATION_KINDS, *OPERATIONS_KINDS),
    ),
    Domain(
        "retention",
        routers=(retention_router,),
        models=(retention_models,),
        jobs=RETENTION_JOBS,
        schedules=RETENTION_SCHEDULES,
        retention_targets=lambda _: (*OPERATIONS_RETENTION, *AUDIT_RETENTION),
    ),
    Domain(
        "exports",
        routers=(exports_router,),
        models=(export_models,),
        jobs=EXPORT_JOBS,
        schedules=EXPORT_SCHEDULES,
        export_sources=CONTROL_SOURCES,
    ),
    Domain(
        "catalog",
        routers=(tables_router, contracts_router),
        models=(catalog_models,),
        tiles=CATALOG_TILES,
        event_kinds=TABLE_KINDS,
        export_sources=(TableSource(),),
    ),
    Domain(
        "ingestion",
        routers=(uploads_router, ingestion_router),
        models=(ingestion_models,),
        jobs=INGESTION_JOBS,
        schedules=INGESTION_SCHEDULES,
        event_kinds=BATCH_KINDS,
        retention_targets=ingestion_retention,
        config_keys=INGESTION_KEYS,
        tiles=INGESTION_TILES,
        export_sources=INGESTION_SOURCES,
    ),
    Domain(
        "query",
        routers=(query_router,),
        models=(query_models,),
        jobs=QUERY_JOBS,
        schedules=QUERY_SCHEDULES,
        retention_targets=lambda _: QUERY_RETENTION,
        config_keys=QUERY_KEYS,
        tiles=QUERY_TILES,
        export_sources=QUERY_SOURCES,
    ),
)


def metadata() -> MetaData:
    """Every control table."""
    return Base.metadata


def routers() -> list[APIRouter]:
    """Every route of the service, the busiest planes first: routes are matched in order."""
    return [router for domain in reversed(DOMAINS) for router in domain.routers]


def jobs() -> list[JobDefinition]:
    """Every background entry point."""
    return [job for domain in DOMAINS for job in domain.jobs]


def schedules() -> list[Schedule]:
    """Everything that runs by the clock."""
    return [schedule for domain in DOMAINS for schedule in domain.schedules]


def api_background() -> list[BackgroundTask]:
    """The tasks that go on beside the requests of an API process."""
    return [task for domain in DOMAINS for task in domain.background if task.in_api]


def worker_background() -> list[BackgroundTask]:
    """The tasks that go on beside the jobs of a worker."""
    return [task for domain in DOMAINS for task in domain.background if task.in_worker]


def background_intervals(settings: Settings) -> dict[str, float]:
    """The seconds between two looks of every loop in the background, by name; 0 where a loop waits for its work."""
    tasks = [task for domain in DOMAINS for task in domain.background]
    return {**intervals(tasks, settings), HEARTBEAT: heartbeat_seconds(timedelta(seconds=settings.jobs.lease_seconds))}


def extensions(settings: Settings) -> Extensions:
    """What upper planes hand down to lower ones, and what background tasks fill."""
    return Extensions(
        ProviderInForce(),
        EventKinds(kind for domain in DOMAINS for kind in domain.event_kinds),
        ExportSources(source for domain in DOMAINS for source in domain.export_sources),
        RetentionTargets(target for domain in DOMAINS for target in domain.retention_targets(settings)),
        Flags(),
        Dashboard(DashboardTiles(tile for domain in DOMAINS for tile in domain.tiles)),
        ConfigKeys(key for domain in DOMAINS for key in domain.config_keys),
        WatchedDecisions(part for domain in DOMAINS for part in domain.watched),
    )


@asynccontextmanager
async def open_resources(settings: Settings, urls: DatabaseUrls, secret: ServiceSecret) -> AsyncIterator[Resources]:
    """The process's resources, closed again when the block ends. The same for the API, workers, commands and tests."""
    require_known_roles(settings.oidc)
    signing_keys = await load_signing_keys(settings.access)
    database = Database(urls.app, settings.database)
    query_login = QueryLogin(urls.query, settings.database)
    await query_login.open()
    policy, decoys, events = PolicyInForce(), DecoyKeys(), SecurityEvents()
    resources = Resources(
        settings=settings,
        secret=secret,
        database=database,
        query_login=query_login,
        storage=ObjectStorage.open(settings.storage_url or (settings.home / "objects").as_uri()),
        authenticator=DirectoryAuthenticator(
            database,
            secret,
            settings.access,
            policy=policy,
            signing_keys=signing_keys,
            decoys=decoys,
            events=events,
        ),
        policy=policy,
        decoy_keys=decoys,
        events=events,
        signing_keys=signing_keys,
        extensions=extensions(settings),
    )
    database.shield = ModeShield(resources.clock)
    try:
        yield resources
    finally:
        await query_login.close()
        await database.dispose()
