"""`GET /metrics` in Prometheus text, and the gauges that only the running process can fill.

On the API's port it is for who may see the system; scrapers have a port of their own: see serving.py beside this.
"""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CollectorRegistry

from app.audit.seals.sealing import standing
from app.kernel.db.database import Database
from app.kernel.db.failures import FAILURES
from app.kernel.http.routes import StrictRoute
from app.kernel.jobs import depths, oldest_waiting_seconds, workers_seen
from app.kernel.jobs.models import OPEN_STATES
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.storage.free_space import disk_usage
from app.kernel.telemetry.metrics import (
    BUILD,
    CONTENT_TYPE,
    DISK_FREE,
    DISK_SIZE,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    WORKERS_SEEN,
    WRITES_FAILING,
    EventLoopLag,
    exposition,
    pool_metrics,
)
from app.operations.health.checkup import WORKER_SEEN_WITHIN
from app.operations.notifications.delivery.background import measure_waiting
from app.operations.permissions import CanSeeSystem

QUEUE_SECONDS = 1.0
"""A scrape does not wait longer for the database."""

LAG_SECONDS = 0.5
"""Between two measures of how late the timers of the event loop are."""

router = APIRouter(tags=["health"], route_class=StrictRoute)


def process_gauges(resources: Resources) -> CollectorRegistry:
    """The gauges of this process's pools; sets up those of its version and disk."""
    database = resources.database
    BUILD.labels(version("spyne")).set(1)
    DISK_FREE.set_function(lambda: disk_usage(resources.settings.home).free)
    DISK_SIZE.set_function(lambda: disk_usage(resources.settings.home).total)
    failures = database.write_failures, resources.storage.write_failures
    WRITES_FAILING.set_function(lambda: any(each.recent() is not None for each in failures))
    return pool_metrics({"write": database.writer, "read": database.reader, "load": database.loader})


def _measuring_lag(_: Resources) -> AbstractAsyncContextManager[None]:
    return repeating("event-loop-lag", EventLoopLag(LAG_SECONDS).look, LAG_SECONDS, begin_after=0.0)


BACKGROUND = (BackgroundTask("event-loop-lag", _measuring_lag, LAG_SECONDS, in_api=True, in_worker=True),)


async def _measure_queue(database: Database) -> None:
    async with database.read() as session:
        found = await depths(session)
        QUEUE_OLDEST.set(await oldest_waiting_seconds(session))
        WORKERS_SEEN.set(await workers_seen(session, WORKER_SEEN_WITHIN))
    for state in OPEN_STATES:
        QUEUE_DEPTH.labels(state.value).set(found.get(state.value, 0))


async def refresh(database: Database) -> None:
    """Ask the database for the facts of its gauges: jobs, seals, notifications; takes a few seconds at most.

    A gauge is left as it was when the database does not answer, so that the rest is still reported.
    """
    for measure in (_measure_queue, standing, measure_waiting):
        with contextlib.suppress(*FAILURES):
            async with asyncio.timeout(QUEUE_SECONDS):
                await measure(database)


@router.get("/metrics", operation_id="get_metrics", response_class=PlainTextResponse)
async def get_metrics(request: Request, _: CanSeeSystem) -> Response:
    """Every metric of this process, for Prometheus. Labels are bounded; they name contracts, also of SHADOW."""
    await refresh(request.app.state.resources.database)
    return Response(exposition(request.app.state.gauges), media_type=CONTENT_TYPE)
