"""`GET /metrics` in Prometheus text, and the gauges that only the running process can fill."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import SQLAlchemyError

from app.audit.sealing import FAILURES as UNANSWERED
from app.audit.sealing import standing
from app.kernel.database import Database
from app.kernel.jobs import depths
from app.kernel.jobs.models import OPEN_STATES
from app.kernel.metrics import CONTENT_TYPE, QUEUE_DEPTH, exposition, pool_metrics, watch_event_loop
from app.operations.notifications.attending import measure_waiting

QUEUE_SECONDS = 1.0
"""A scrape does not wait longer for the database."""

router = APIRouter(tags=["health"])


@asynccontextmanager
async def measuring(database: Database) -> AsyncIterator[CollectorRegistry]:
    """The gauges of this process's pools; the lag of its event loop is watched while the block runs."""
    task = asyncio.create_task(watch_event_loop(), name="event-loop-lag")
    try:
        yield pool_metrics({"write": database.writer, "read": database.reader, "load": database.loader})
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _measure_queue(database: Database) -> None:
    """How many jobs wait and run; left as it was when the database does not say, so that the rest is still told."""
    try:
        async with asyncio.timeout(QUEUE_SECONDS), database.read() as session:
            found = await depths(session)
    except (SQLAlchemyError, OSError):
        return
    for state in OPEN_STATES:
        QUEUE_DEPTH.labels(state.value).set(found.get(state.value, 0))


async def _measure_audit(database: Database) -> None:
    """Seals and waiting rows of the audit log; left as they were when the database does not say."""
    with contextlib.suppress(*UNANSWERED):
        async with asyncio.timeout(QUEUE_SECONDS):
            await standing(database)


async def _measure_outbox(database: Database) -> None:
    """How long notifications have waited; left as it was when the database does not say."""
    with contextlib.suppress(*UNANSWERED):
        async with asyncio.timeout(QUEUE_SECONDS):
            await measure_waiting(database)


@router.get("/metrics", operation_id="metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Every metric of this process, for Prometheus; labels are bounded and hold no data."""
    await _measure_queue(request.app.state.resources.database)
    await _measure_audit(request.app.state.resources.database)
    await _measure_outbox(request.app.state.resources.database)
    return Response(exposition(request.app.state.gauges), media_type=CONTENT_TYPE)
