"""`GET /metrics` in Prometheus text, and the gauges that only the running process can fill."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry

from app.kernel.database import Database
from app.kernel.metrics import CONTENT_TYPE, exposition, pool_metrics, watch_event_loop

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


@router.get("/metrics", operation_id="metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Every metric of this process, for Prometheus; labels are bounded and hold no data."""
    return Response(exposition(request.app.state.gauges), media_type=CONTENT_TYPE)
