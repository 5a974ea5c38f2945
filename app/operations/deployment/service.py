"""Gathers the facts of the deployment. Nothing here may hold a password: of URLs the scheme alone is shown."""

import os
import platform
from datetime import timedelta
from importlib.metadata import version
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from app.kernel.clock import utc_now
from app.kernel.db.database import Database, ReadSession
from app.kernel.db.migrations import head
from app.kernel.db.query_login import QueryLogin
from app.operations.deployment.repository import database_facts, workers
from app.operations.deployment.revision import revision_of
from app.operations.deployment.schemas import (
    DatabaseFacts,
    DeploymentDocument,
    MigrationFacts,
    PoolFacts,
    ProcessFacts,
    WorkerFacts,
)
from app.settings import Settings

STARTED_AT = utc_now()
"""When this process loaded the service."""


def features(settings: Settings) -> dict[str, bool]:
    """What the environment has switched on, by name."""
    return {
        "single-sign-on": settings.oidc.issuer is not None,
        "signing-keys": settings.access.signing_keys is not None,
        "shared-rate-limits": settings.rate_limit.storage_url is not None,
        "mail-server": settings.notify.smtp_url is not None,
        "tracing": not settings.tracing.sdk_disabled
        and bool(settings.tracing.exporter_otlp_endpoint or settings.tracing.exporter_otlp_traces_endpoint),
        "trusted-proxies": bool(settings.server.trusted_proxies),
        "previous-secret": settings.secret_previous is not None,
    }


def storage_kind(url: str | None) -> str:
    """The scheme of the object storage's URL; the state directory is `file`."""
    return "file" if url is None else urlsplit(url).scheme


async def deployment(
    session: ReadSession, settings: Settings, database: Database, query_login: QueryLogin
) -> DeploymentDocument:
    """What runs here."""
    now, facts = utc_now(), await database_facts(session)
    pools = {"write": database.writer, "read": database.reader, "load": database.loader}
    query = PoolFacts(size=settings.database.query_pool_size, in_use=query_login.in_use)
    return DeploymentDocument(
        version=version("spyne"),
        revision=settings.revision or revision_of(),
        process=ProcessFacts(
            started_at=STARTED_AT,
            uptime_seconds=(now - STARTED_AT) / timedelta(seconds=1),
            pid=os.getpid(),
            python=platform.python_version(),
            platform=f"{platform.system()} {platform.machine()}",
        ),
        migrations=MigrationFacts(head=head(), applied=facts.pop("migration")),
        database=DatabaseFacts.model_validate(facts),
        pools={name: _pool(engine) for name, engine in pools.items()} | {"query": query},
        storage=storage_kind(settings.storage_url),
        workers=[WorkerFacts.model_validate(worker) for worker in await workers(session)],
        features=features(settings),
    )


def _pool(engine: AsyncEngine) -> PoolFacts:
    pool = engine.pool
    assert isinstance(pool, QueuePool)
    most = pool.size() + max(pool._max_overflow, 0)  # noqa: SLF001 - no public reading of it
    return PoolFacts(size=most, in_use=pool.checkedout())
