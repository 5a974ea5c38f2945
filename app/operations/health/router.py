"""Health: alive (the event loop turns), ready (database, schema, not shutting down), and a summary.

No check reveals anything that a stranger should not know; there is no credential on these routes, so that load
balancers can ask.
"""

from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from app.kernel.clock import Clock
from app.kernel.runtime.resources import ResourcesDep
from app.operations.health.checkup import CheckResults, Checkup, HealthStatus, overall
from app.operations.health.schemas import Health, HealthCheck

router = APIRouter(prefix="/health", tags=["health"])


class HealthResponse(JSONResponse):
    """JSON of the media type that draft-inadarei-api-health-check names."""

    media_type = "application/health+json"


async def _checkup(request: Request) -> Checkup:
    checkup: Checkup = request.app.state.checkup
    return checkup


CheckupDep = Annotated[Checkup, Depends(_checkup)]

_FAILING: dict[int | str, dict[str, Any]] = {
    200: {"model": Health, "description": "Requests are served; `degraded` says that something needs a look"},
    503: {"model": Health, "description": "Requests cannot be served, or the process is shutting down"},
}


def _answer(results: CheckResults, clock: Clock) -> HealthResponse:
    verdict = overall(results)
    checks = {
        name: HealthCheck(status=found.verdict.value, detail=found.detail, duration_ms=found.milliseconds)
        for name, found in results.items()
    }
    shown = Health(status=verdict.value, checks=checks, version=version("spyne"), time=clock())
    headers = {"Cache-Control": "no-store"}
    return HealthResponse(shown.model_dump(mode="json"), 503 if verdict is HealthStatus.FAILING else 200, headers)


@router.get("", operation_id="health", response_class=HealthResponse, responses=_FAILING)
async def health(resources: ResourcesDep, checkup: CheckupDep) -> HealthResponse:
    """The summary: every check, what it found and how long it took; at most a second old."""
    return _answer(await checkup.summary(), resources.clock)


@router.get("/live", operation_id="health_live", response_class=HealthResponse, responses={200: {"model": Health}})
async def live(resources: ResourcesDep) -> HealthResponse:
    """200 as long as the event loop turns."""
    return _answer({}, resources.clock)


@router.get("/ready", operation_id="health_ready", response_class=HealthResponse, responses=_FAILING)
async def ready(resources: ResourcesDep, checkup: CheckupDep) -> HealthResponse:
    """200 when requests can be served, if need be without workers; 503 without database or schema, and at the end."""
    return _answer(await checkup.readiness(), resources.clock)
