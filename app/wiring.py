"""How a process is put together from the domains: what all of them bring, and the resources of services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import APIRouter
from sqlalchemy import MetaData

from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.oidc.background import require_known_roles
from app.access.oidc.provider import ProviderInForce
from app.access.signing.watch import load_signing_keys
from app.addons.knowledge.reading.bounded import DocumentReader
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import Database
from app.kernel.db.models import Base
from app.kernel.db.query_login import QueryLogin
from app.kernel.jobs import JobDefinition, Schedule
from app.kernel.jobs.worker import HEARTBEAT, heartbeat_seconds
from app.kernel.language_model.endpoint import ModelEndpoint
from app.kernel.ports.dashboard import DashboardTiles
from app.kernel.ports.decisions import WatchedDecisions
from app.kernel.ports.dependants import DependantSources
from app.kernel.ports.events import EventKinds
from app.kernel.ports.exports import ExportSources
from app.kernel.ports.retention import RetentionTargets
from app.kernel.runtime.background import BackgroundTask, intervals
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.runtime.resources import Extensions, Resources
from app.kernel.security.authorization import DecoyKeys
from app.kernel.security.policy import PolicyInForce
from app.kernel.security.secrets import ServiceSecret
from app.kernel.security.security_events import SecurityEvents
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.configuration.rules import ConfigKeys
from app.operations.dashboard.service import Dashboard
from app.operations.flags.provider import Flags
from app.operations.jobs.kinds import JobKinds
from app.operations.modes.shield import ModeShield
from app.query.questions.cache import QuestionCache
from app.registry import DOMAINS
from app.settings import Settings


def metadata() -> MetaData:
    """Every control table."""
    return Base.metadata


def routers() -> list[APIRouter]:
    """Every route of the service, the busiest planes first: routes are matched in order."""
    return [router for domain in reversed(DOMAINS) for router in domain.routers]


def jobs(settings: Settings) -> list[JobDefinition]:
    """Every background entry point."""
    return [job for domain in DOMAINS for job in domain.jobs(settings)]


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
        DependantSources(source for domain in DOMAINS for source in domain.dependant_sources),
        RetentionTargets(target for domain in DOMAINS for target in domain.retention_targets(settings)),
        Flags(),
        Dashboard(DashboardTiles(tile for domain in DOMAINS for tile in domain.tiles)),
        ConfigKeys(key for domain in DOMAINS for key in domain.config_keys),
        WatchedDecisions(view for domain in DOMAINS for view in domain.watched),
        JobKinds(jobs(settings)),
        QuestionCache(),
        ModelEndpoint(settings.language_model),
        DocumentReader(),
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
        configuration=ConfigurationInForce(settings),
        database=database,
        query_login=query_login,
        storage=ObjectStorage.open(settings.storage_url or (settings.home / "objects").as_uri()),
        authenticator=DirectoryAuthenticator(
            database, secret, settings.access, policy=policy, signing_keys=signing_keys, decoys=decoys, events=events
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
