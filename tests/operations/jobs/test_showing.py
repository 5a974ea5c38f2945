"""Jobs are shown to those who caused them and to those who run the service, page by page, without their payload."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.jobs import JobContext, JobDefinition
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind
from app.operations.housekeeping.jobs import SWEEP_JOB
from app.settings import Settings
from app.wiring import jobs
from tests.identities import Identities
from tests.operations.jobs.steps import ROOT, caller, listed, over, put, shown, working
from tests.queries import recorded

SECRET_TEXT = "hunter2-of-the-payload"
WATCH = "system_config"
"""The mode is looked at every 0.4 s beside all requests."""


async def test_a_job_is_shown_with_all_but_its_payload(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    actor = await caller(analyst)
    job_id = await put(resources, actor, payload={"password": SECRET_TEXT}, key="a key", priority=3)
    answer = await analyst.get(f"{ROOT}/{job_id}")
    found = answer.json()
    assert SECRET_TEXT not in answer.text + (await analyst.get(ROOT)).text
    assert (found["id"], found["name"], found["state"], found["key"]) == (job_id, SWEEP_JOB, "queued", "a key")
    assert (found["priority"], found["starts"], found["max_starts"], found["attempt"]) == (3, 0, 5, 0)
    assert (found["actor"], found["links"]) == (actor.label, {"self": f"{ROOT}/{job_id}"})
    empty = ("started_at", "heartbeat_at", "finished_at", "last_error", "cancel_requested_at", "percent_done")
    assert [found[name] for name in (*empty, "eta_seconds")] == [None] * 7
    assert found["progress"] == {}
    kept = await owner.fetchrow("SELECT actor_kind, actor_id FROM spyne.job_runs WHERE id = $1", job_id)
    assert tuple(kept) == ("user", actor.id)


async def test_a_running_job_says_how_far_it_is(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    job_id = await put(resources, await caller(analyst))
    await owner.execute(
        "UPDATE spyne.job_runs SET state = 'running', starts = 2, attempt = 3, last_error = 'unavailable: not now', "
        "started_at = now() - interval '60 seconds', heartbeat_at = now(), progress = $2 WHERE id = $1",
        job_id,
        json.dumps({"done": 300, "total": 1200, "unit": "rows"}),
    )
    found = await shown(analyst, job_id)
    assert (found["progress"], found["percent_done"]) == ({"done": 300, "total": 1200, "unit": "rows"}, 25.0)
    assert found["eta_seconds"] == pytest.approx(180, rel=0.2)
    assert (found["starts"], found["attempt"], found["last_error"]) == (2, 3, "unavailable: not now")


async def test_a_start_begins_with_no_progress_of_the_one_before(
    analyst: httpx.AsyncClient, resources: Resources
) -> None:
    seen: list[dict[str, Any]] = []
    job_id = await put(resources, await caller(analyst), "tests:twice")

    async def twice(context: JobContext) -> None:
        seen.append((await shown(analyst, job_id))["progress"])
        await context.progress(done=9, total=10, unit="things")
        if context.attempt == 1:
            raise ValueError(SECRET_TEXT)

    async with working(resources, [JobDefinition(name="tests:twice", handler=twice)]):
        found = await over(analyst, job_id)
    assert seen == [{}, {}]
    assert (found["state"], found["starts"], found["percent_done"], found["eta_seconds"]) == ("succeeded", 2, 100, 0)
    assert found["max_starts"] is None, "not a kind of this process"


async def test_why_a_job_failed_is_shown_without_data(analyst: httpx.AsyncClient, resources: Resources) -> None:
    async def failing(_: JobContext) -> None:
        raise ValueError(SECRET_TEXT)

    job_id = await put(resources, await caller(analyst), "tests:failing")
    async with working(resources, [JobDefinition(name="tests:failing", handler=failing, max_starts=1)]):
        found = await over(analyst, job_id)
    assert found["state"] == "failed"
    assert found["last_error"].startswith("ValueError at ")
    assert SECRET_TEXT not in json.dumps(found)


async def test_everybody_sees_his_own_and_an_admin_all(
    admin: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    identities: Identities,
    resources: Resources,
    owner: asyncpg.Connection,
) -> None:
    client_id = await identities.client("ANALYST")
    key = {"X-API-Key": await identities.key_of(client_id)}
    actors = [await caller(analyst), await caller(engineer), SYSTEM]
    of_analyst, of_engineer, of_system = [await put(resources, actor) for actor in actors]
    me = (await anonymous.get("/api/auth/me", headers=key)).json()
    of_client = await put(resources, Actor(ActorKind(me["kind"]), client_id, me["name"]))
    before = await put(resources, actors[0])
    await owner.execute("UPDATE spyne.job_runs SET actor_kind = NULL, actor_id = NULL WHERE id = $1", before)
    of_another_kind = await put(resources, actors[0])
    await owner.execute("UPDATE spyne.job_runs SET actor_kind = 'api_client' WHERE id = $1", of_another_kind)
    everything = [of_another_kind, before, of_client, of_system, of_engineer, of_analyst]
    assert await listed(admin, name=SWEEP_JOB) == everything, "newest first"
    assert await listed(analyst) == [of_analyst]
    assert await listed(engineer) == [of_engineer]
    assert [each["id"] for each in (await anonymous.get(ROOT, headers=key)).json()["items"]] == [of_client]
    for job_id in everything:
        assert (await admin.get(f"{ROOT}/{job_id}")).status_code == 200
        answer = await analyst.get(f"{ROOT}/{job_id}")
        assert answer.status_code == (200 if job_id == of_analyst else 404), job_id
    hidden, unknown = [await analyst.get(f"{ROOT}/{job_id}") for job_id in (of_engineer, uuid4())]
    same = ("type", "title", "status", "code", "detail")
    assert [hidden.json()[name] for name in same] == [unknown.json()[name] for name in same]
    assert unknown.json()["code"] == "job-not-found"
    assert [(await anonymous.request(*call)).status_code for call in (("GET", ROOT), ("GET", f"{ROOT}/{before}"))] == [
        401,
        401,
    ]


async def test_pages_and_filters(analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection) -> None:
    actor = await caller(analyst)
    ids = [await put(resources, actor, key=f"key {number % 2}") for number in range(5)]
    other = await put(resources, actor, "exports:tidy")
    newest = [other, *reversed(ids)]
    first = await analyst.get(ROOT, params={"limit": 4})
    assert [each["id"] for each in first.json()["items"]] == newest[:4]
    rest = await analyst.get(first.links["next"]["url"])
    assert ([each["id"] for each in rest.json()["items"]], rest.json()["next_cursor"]) == (newest[4:], None)
    await owner.execute("UPDATE spyne.job_runs SET state = 'failed' WHERE id = $1", ids[1])
    long_ago = datetime.now(UTC) - timedelta(days=3)
    await owner.execute("UPDATE spyne.job_runs SET queued_at = $2 WHERE id = $1", ids[0], long_ago)
    assert await listed(analyst, name="exports:tidy") == [other]
    assert await listed(analyst, name=SWEEP_JOB, state="queued") == [ids[4], ids[3], ids[2], ids[0]]
    assert await listed(analyst, state="failed") == [ids[1]]
    assert await listed(analyst, key="key 1") == [ids[3], ids[1]]
    assert await listed(analyst, until=long_ago.isoformat()) == []
    assert await listed(analyst, since=long_ago.isoformat(), until=(long_ago + timedelta(days=1)).isoformat()) == [
        ids[0]
    ]
    assert await listed(analyst, since=(long_ago + timedelta(seconds=1)).isoformat()) == newest[:5]


@pytest.mark.parametrize(
    "query", ["state=done", "since=yesterday", "since=5", "cursor=x", "limit=0", f"name={'n' * 201}"]
)
async def test_a_faulty_question_is_refused(analyst: httpx.AsyncClient, query: str) -> None:
    answer = await analyst.get(f"{ROOT}?{query}")
    assert (answer.status_code, len(answer.json()["faults"])) == (422, 1), answer.text


async def test_a_job_and_a_page_cost_one_statement_each(
    app: FastAPI, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    actor = await caller(analyst)
    for _ in range(5):
        job_id = await put(resources, actor)
    for path in (ROOT, f"{ROOT}/{job_id}"):
        counts = []
        for _ in range(3):  # the caller is looked up again twice a second
            with recorded(app.state.resources.database) as statements:
                assert (await analyst.get(path)).status_code == 200
            counts.append(len([statement for statement in statements if WATCH not in statement]))
        assert min(counts) == 1, path


async def test_the_listing_of_an_owner_is_found_by_an_index(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "INSERT INTO spyne.job_runs (id, name, payload, actor, actor_kind, actor_id) SELECT uuidv7(), 'x', '{}', 'x', "
        "'user', md5((n % 500)::text)::uuid FROM generate_series(1, 20000) n; ANALYZE spyne.job_runs"
    )
    plan = await owner.fetch(
        "EXPLAIN SELECT * FROM spyne.job_runs WHERE actor_kind = 'user' AND actor_id = md5('7')::uuid "
        "ORDER BY id DESC LIMIT 51"
    )
    assert "ix_job_runs_actor_id" in "".join(row[0] for row in plan)


def test_every_kind_has_a_name_of_its_own() -> None:
    names = [job.name for job in jobs(Settings())]
    assert len(names) == len(set(names))
