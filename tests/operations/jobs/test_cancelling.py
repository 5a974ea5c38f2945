"""The end of a job that somebody asks for: by whom, when, once; and in every mode."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, JobDefinition
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.housekeeping.jobs import SWEEP_JOB
from app.operations.jobs import service
from app.operations.jobs.kinds import JobKinds
from app.settings import Settings
from app.wiring import jobs
from tests.identities import Identities
from tests.operations.jobs.steps import REASON, ROOT, caller, cancel, over, put, shown, working
from tests.waiting import known_at_the_door


async def audited(owner: asyncpg.Connection, job_id: str) -> list[tuple[str, Any]]:
    """Who asked for the end of the job, and what is written of it."""
    rows = await owner.fetch(
        "SELECT actor_label, after FROM spyne.audit_log WHERE action = 'job:cancel' AND entity_id = $1 ORDER BY id",
        job_id,
    )
    return [(row["actor_label"], json.loads(row["after"])) for row in rows]


async def test_one_that_waits_is_never_started_and_asking_again_changes_nothing(
    analyst: httpx.AsyncClient, admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    actor, started = await caller(analyst), []

    async def handler(context: JobContext) -> None:
        started.append(context.run_id)

    job_id = await put(resources, actor)
    first = await cancel(analyst, job_id)
    assert (first["id"], first["state"], first["finished_at"]) == (job_id, "queued", None)
    assert first["cancel_requested_at"] is not None
    assert await cancel(analyst, job_id) == await cancel(admin, job_id) == first
    async with working(resources, [JobDefinition(name=SWEEP_JOB, handler=handler)]):
        found = await over(analyst, job_id)
    assert (found["state"], found["starts"], started) == ("cancelled", 0, [])
    assert await cancel(analyst, job_id) == found
    assert await audited(owner, job_id) == [(actor.label, {"state": "queued"} | REASON)]


async def test_one_that_runs_is_stopped(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    running, ended = asyncio.Event(), asyncio.Event()

    async def endless(_: JobContext) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    actor = await caller(analyst)
    async with working(resources, [JobDefinition(name=SWEEP_JOB, handler=endless)]):
        job_id = await put(resources, actor)
        await running.wait()
        assert (await cancel(analyst, job_id))["state"] == "running"
        found = await over(analyst, job_id)
    assert ended.is_set()
    assert (found["state"], found["last_error"]) == ("cancelled", "Cancelled on request.")
    assert await audited(owner, job_id) == [(actor.label, {"state": "running"} | REASON)]


@pytest.mark.parametrize("state", ["succeeded", "failed", "dead"])
@pytest.mark.parametrize("asked_before", [False, True])
async def test_one_that_is_over_is_left_as_it_is(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, state: str, asked_before: bool
) -> None:
    job_id = await put(resources, await caller(analyst))
    asked = "now()" if asked_before else "NULL"
    await owner.execute(
        f"UPDATE spyne.job_runs SET state = $2, finished_at = now(), cancel_requested_at = {asked} WHERE id = $1",
        job_id,
        state,
    )
    before = await shown(analyst, job_id)
    problem = await cancel(analyst, job_id, 409)
    assert (problem["code"], problem["state"]) == ("job-is-over", state)
    assert "only one that is queued or running can be cancelled" in problem["detail"]
    assert await shown(analyst, job_id) == before
    assert await audited(owner, job_id) == []


async def test_one_that_ends_while_it_is_asked_for_is_over(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, genuine = await put(resources, await caller(analyst)), service.cancel_job

    async def late(*arguments: Any) -> bool:
        await owner.execute("UPDATE spyne.job_runs SET state = 'succeeded', finished_at = now() WHERE id = $1", job_id)
        return await genuine(*arguments)

    monkeypatch.setattr(service, "cancel_job", late)
    problem = await cancel(analyst, job_id, 409)
    assert (problem["code"], problem["state"]) == ("job-is-over", "succeeded")
    assert await audited(owner, job_id) == []


async def test_two_at_once_are_both_answered(analyst: httpx.AsyncClient, resources: Resources) -> None:
    job_id = await put(resources, await caller(analyst))
    answers = await asyncio.gather(*(cancel(analyst, job_id) for _ in range(4)))
    assert {answer["state"] for answer in answers} == {"queued"}


async def test_only_the_owner_and_an_admin_may(
    admin: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    identities: Identities,
    resources: Resources,
    owner: asyncpg.Connection,
) -> None:
    of_analyst, of_system = [await put(resources, actor) for actor in (await caller(analyst), SYSTEM)]
    for job_id in (of_analyst, of_system, str(uuid4())):
        assert (await cancel(engineer, job_id, 404))["code"] == "job-not-found"
        assert (await anonymous.post(f"{ROOT}/{job_id}/cancel", json=REASON)).status_code == 401
    assert (await cancel(analyst, of_system, 404))["code"] == "job-not-found"
    sees = await identities.key_of(await identities.client("ADMIN"), ["system:read"])
    refused = await anonymous.post(f"{ROOT}/{of_system}/cancel", json=REASON, headers={"X-API-Key": sees})
    assert (refused.status_code, refused.json()["missing"]) == (403, ["system:write"])
    assert await owner.fetchval("SELECT count(*) FROM spyne.job_runs WHERE cancel_requested_at IS NOT NULL") == 0
    for job_id in (of_analyst, of_system):
        assert (await cancel(admin, job_id))["cancel_requested_at"] is not None
        assert [who for who, _ in await audited(owner, job_id)] == [(await caller(admin)).label]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": " "}, "/reason"),
        ({"reason": "r" * 2_001}, "/reason"),
        ({"reason": 5}, "/reason"),
        ({"reason": "why", "state": "succeeded"}, "/state"),
    ],
)
async def test_a_reason_is_needed_and_nothing_else(
    analyst: httpx.AsyncClient, resources: Resources, body: dict[str, Any], pointer: str
) -> None:
    job_id = await put(resources, await caller(analyst))
    answer = await analyst.post(f"{ROOT}/{job_id}/cancel", json=body)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["faults"]]) == (422, [pointer])
    assert (await shown(analyst, job_id))["cancel_requested_at"] is None


async def test_a_kind_that_this_process_does_not_know_is_not_cancelled_by_it(
    admin: httpx.AsyncClient, resources: Resources
) -> None:
    job_id = await put(resources, SYSTEM, "later:version")
    assert (await shown(admin, job_id))["max_starts"] is None
    problem = await cancel(admin, job_id, 409)
    assert (problem["code"], problem["name"]) == ("unknown-job-kind", "later:version")
    assert (await shown(admin, job_id))["cancel_requested_at"] is None


@pytest.mark.parametrize("mode", ["read_only", "maintenance"])
async def test_it_is_possible_in_every_mode(
    app: FastAPI,
    admin: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    resources: Resources,
    owner: asyncpg.Connection,
    mode: str,
) -> None:
    job_id = await put(resources, await caller(analyst))
    switched = await admin.put("/system/maintenance", json={"mode": mode} | REASON)
    assert switched.status_code == 200, switched.text
    await known_at_the_door(app, mode)
    assert (await cancel(analyst, job_id))["cancel_requested_at"] is not None
    assert len(await audited(owner, job_id)) == 1


STANDING_FOR = {
    "addons:generate": "request_id",
    "addons:validate": "run_id",
    "exports:make": "export_id",
    "ingestion:merge": "batch_id",
    "ingestion:run": "run_id",
    "retention:run": "run_id",
}
"""Kinds for which a domain keeps a record, with the field of the payload that names it."""


def test_the_kinds_for_which_something_stands() -> None:
    assert {job.name for job in jobs(Settings()) if job.record is not None} == STANDING_FOR.keys()


@pytest.mark.parametrize("name", sorted(job.name for job in jobs(Settings())))
async def test_every_kind_can_be_cancelled_by_an_admin(
    admin: httpx.AsyncClient, resources: Resources, name: str
) -> None:
    """The records of those that have some are gone here; test_records.py has them there."""
    payload = {STANDING_FOR[name]: new_id()} if name in STANDING_FOR else {}
    assert resources.extensions.of(JobKinds).get(name) is not None
    job_id = await put(resources, SYSTEM, name, payload=payload)
    assert (await cancel(admin, job_id))["cancel_requested_at"] is not None
