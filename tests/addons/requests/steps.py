"""Requests for add-ons, brought to where a test wants them: over HTTP, jobs started here and now."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx

from app.addons.requests.jobs import generate, validate
from app.addons.requests.tracking.workflow import RequestStatus
from app.kernel.db.database import OperationClass
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, JobState, Unwanted, runs
from app.kernel.runtime.resources import Resources
from tests.operations.exports.steps import LEASE

ROOT = "/api/addons/requests"
REASON = {"reason": "a test"}
LINES = "".join(
    f"2026-03-0{1 + n % 9}T12:0{n % 10}:00Z gw{n % 3} vpn[{100 + n}]: user=u{n} src=10.0.0.{n} action=login result=ok\n"
    for n in range(60)
).encode()
STARTS = 20

HANDLERS = {"addons:generate": generate, "addons:validate": validate}


def document(answer: httpx.Response, status: int) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


async def filed(client: httpx.AsyncClient, **more: Any) -> str:
    """The id of a new request."""
    wanted = {"title": "Add-on for the Acme VPN", "source_description": "Acme VPN 4.2 by syslog"} | more
    return str(document(await client.post(ROOT, json=wanted), 201)["id"])


async def sampled(client: httpx.AsyncClient, request_id: str, data: bytes = LINES, name: str = "vpn.log") -> Any:
    """The answer to an upload."""
    answer = await client.post(f"{ROOT}/{request_id}/samples", files={"file": (name, data)})
    return document(answer, 201)


async def submitted(client: httpx.AsyncClient) -> str:
    """The id of a request that waits for approval."""
    request_id = await filed(client)
    await sampled(client, request_id)
    document(await client.post(f"{ROOT}/{request_id}/submit"), 200)
    return request_id


async def approved(client: httpx.AsyncClient, approver: httpx.AsyncClient) -> str:
    """The id of a request whose generation waits."""
    request_id = await submitted(client)
    document(await approver.post(f"{ROOT}/{request_id}/approve", json=REASON), 200)
    return request_id


async def shown(client: httpx.AsyncClient, request_id: str) -> Any:
    """The request as it stands."""
    return document(await client.get(f"{ROOT}/{request_id}"), 200)


async def waiting_jobs(resources: Resources) -> list[tuple[UUID, str]]:
    """Id and name of the plane's jobs that wait, oldest first."""
    async with resources.database.read() as session:
        rows = await (await session.connection()).exec_driver_sql(
            "SELECT id, name FROM spyne.job_runs WHERE name IN ('addons:generate', 'addons:validate') "
            "AND state = 'queued' ORDER BY id"
        )
        return [(row.id, row.name) for row in rows]


async def started(resources: Resources, job_id: UUID, name: str) -> None:
    """Let a job start once, as a worker would, and end."""
    claim = await claimed(resources, job_id)
    if claim is None:
        return
    state = JobState.SUCCEEDED
    try:
        await HANDLERS[name](JobContext(resources, claim, OperationClass.WRITE))
    except Unwanted:
        state = JobState.CANCELLED
    async with resources.database.write(OperationClass.CONTROL) as session:
        await runs.finish(session, claim, state, None)


async def claimed(resources: Resources, job_id: UUID) -> runs.Claim | None:
    """The claim on a job, started."""
    async with resources.database.write(OperationClass.CONTROL) as session:
        return (await runs.claim(session, job_id, STARTS, LEASE, new_id())).claim


async def worked(resources: Resources) -> None:
    """Let every job of the plane start, and those that follow from them."""
    while jobs := await waiting_jobs(resources):
        for job_id, name in jobs:
            await started(resources, job_id, name)


async def completed(client: httpx.AsyncClient, approver: httpx.AsyncClient, resources: Resources) -> str:
    """The id of a request whose package can be downloaded."""
    request_id = await approved(client, approver)
    await worked(resources)
    found = await shown(client, request_id)
    assert found["status"] == RequestStatus.COMPLETED, found
    return request_id


Make = Callable[..., Any]
