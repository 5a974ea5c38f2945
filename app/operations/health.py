"""Health: alive (the event loop turns), ready (database, schema, workers), and a summary.

No check tells anything that a stranger should not know; there is no credential on these routes, so that load
balancers can ask.
"""

import asyncio
from datetime import timedelta
from importlib.metadata import version
from typing import Literal

from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.database import ReadSession
from app.kernel.jobs import workers_seen
from app.kernel.migrations import StaleSchemaError, require_head
from app.kernel.resources import Resources, ResourcesDep
from app.operations.schemas import Health

READY_SECONDS = 1.0
"""A database that needs longer than this to answer two single-row reads is not ready (operations.md, health)."""

WORKER_SEEN_WITHIN = timedelta(seconds=30)
"""Three leases of a job: a worker that is silent for longer is taken for gone."""

router = APIRouter(prefix="/health", tags=["health"])


async def _check_database(resources: Resources) -> dict[str, str]:
    async with resources.database.read() as session:
        return {"database": "ok", "migrations": await _migrations(session), "workers": await _workers(session)}


async def _migrations(session: ReadSession) -> str:
    try:
        await require_head(session)
    except StaleSchemaError as error:
        return str(error)
    return "ok"


async def _workers(session: ReadSession) -> str:
    return "ok" if await workers_seen(session, WORKER_SEEN_WITHIN) else "none seen"


async def check(resources: Resources) -> Health:
    """What is well and what is not, within `READY_SECONDS`."""
    try:
        checks = await asyncio.wait_for(_check_database(resources), READY_SECONDS)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        checks = {"database": type(error).__name__}
    essential = [checks.get("database"), checks.get("migrations")]
    status: Literal["ok", "degraded", "failing"] = "ok"
    if any(found != "ok" for found in essential):
        status = "failing"
    elif checks["workers"] != "ok":
        status = "degraded"
    return Health(status=status, checks=checks, version=version("spyne"), time=resources.clock())


@router.get("", operation_id="health")
async def health(resources: ResourcesDep) -> Health:
    """The summary, always 200: what is well and what is not."""
    return await check(resources)


@router.get("/live", operation_id="health_live")
async def live(resources: ResourcesDep) -> Health:
    """200 as long as the event loop turns."""
    return Health(status="ok", time=resources.clock(), version=None)


@router.get("/ready", operation_id="health_ready", responses={503: {"model": Health, "description": "Not ready"}})
async def ready(resources: ResourcesDep, response: Response) -> Health:
    """200 when requests can be served, if need be without workers; 503 when the database or its schema is not there."""
    found = await check(resources)
    if found.status == "failing":
        response.status_code = 503
    return found
