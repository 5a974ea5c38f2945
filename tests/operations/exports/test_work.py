"""However an export ends, its row names an object that is there, or none, and no object is without a row that names it.

Each end that only an unlucky moment brings about is made certain here: somebody else acts within the worker's own step.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.catalog.tables.exporting import TableSource
from app.kernel.jobs import JobContext, enqueue
from app.kernel.ports.retention import RetentionTargets
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.exports import work
from app.operations.exports.expiry import expire_exports, tidy
from app.operations.exports.files.writing import Output
from app.operations.exports.jobs import TIDY_JOB
from app.operations.exports.problems import ExportBroken
from tests.operations.exports.steps import asked, content, export, made, plain_table, started

NUMBERS: dict[str, Any] = {"filter_params": {"table": "numbers"}}

Objects = Callable[[], Awaitable[list[str]]]


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.fixture(autouse=True)
async def numbers(admin: httpx.AsyncClient, open_for_data: None) -> None:  # noqa: ARG001 - for what it does
    await plain_table(admin, "numbers", 20)


@pytest.fixture
def objects(resources: Resources) -> Objects:
    async def keys() -> list[str]:
        uploads = resources.settings.home / "objects" / ".uploads"
        assert not uploads.exists() or list(uploads.iterdir()) == []
        return [info.key async for info in resources.storage.list("exports")]

    return keys


async def _shown(client: httpx.AsyncClient, shown: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(shown["links"]["self"])).json()
    return found


async def test_an_old_export_stays_while_its_file_does_and_both_go(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, objects: Objects
) -> None:
    """The file's time may be longer than that of the records: then the record waits for it."""
    shown, waiting = await export(analyst, resources, **NUMBERS), await asked(analyst, **NUMBERS)
    await owner.execute("UPDATE spyne.export_jobs SET created_at = created_at - interval '400 days'")
    target = resources.extensions.of(RetentionTargets).of("exports")
    cut_off = resources.clock() - timedelta(days=365)

    async def removed() -> int:
        step = await resources.database.run(lambda session: target.delete_some(session, cut_off, None, 100))
        assert not step.keys, "no object goes with the record alone"
        return step.amount.rows

    assert await removed() == 0
    await content(analyst, shown)
    await owner.execute("UPDATE spyne.export_jobs SET expires_at = now() WHERE id = $1", shown["id"])
    assert (await expire_exports(resources.database, resources.storage)).exports == 1
    assert await removed() == 1
    assert await objects() == []
    assert [row["id"] for row in await owner.fetch("SELECT id FROM spyne.export_jobs")] == [UUID(waiting["id"])]


def _before_completing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[Any]]) -> None:
    """Act when the file of an export is stored, and the export does not know yet."""
    completed = work.ExportWork._completed

    async def acting(self: work.ExportWork, *args: Any) -> None:
        await act()
        await completed(self, *args)

    monkeypatch.setattr(work.ExportWork, "_completed", acting)


async def test_an_export_that_is_ended_when_its_file_is_written_has_none(
    analyst: httpx.AsyncClient,
    resources: Resources,
    owner: asyncpg.Connection,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ways: dict[str, Callable[[str], Awaitable[Any]]] = {
        "cancelled": lambda id_: analyst.post(f"/system/exports/{id_}/cancel"),
        "failed": lambda id_: owner.execute("UPDATE spyne.export_jobs SET status = 'failed' WHERE id = $1", id_),
        "gone": lambda id_: owner.execute("DELETE FROM spyne.export_jobs WHERE id = $1", id_),
    }
    for way, end in ways.items():
        shown = await asked(analyst, **NUMBERS)
        stored: list[str] = []

        async def act(id_: str = shown["id"], end: Any = end, stored: list[str] = stored) -> None:
            stored += await objects()
            await end(id_)

        with monkeypatch.context() as patched:
            _before_completing(patched, act)
            await made(resources, shown["id"])
        assert len(stored) == 1, "the file was there"
        assert await objects() == [], way
        row = await owner.fetchrow("SELECT status, object_key FROM spyne.export_jobs WHERE id = $1", shown["id"])
        assert row is None if way == "gone" else tuple(row) == (way, None)


@pytest.mark.parametrize("committed", [True, False])
async def test_a_completion_of_which_nothing_is_heard_keeps_the_file_that_the_row_names(
    analyst: httpx.AsyncClient, resources: Resources, objects: Objects, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    apply, complete = JobContext.apply, work.ExportWork._complete

    async def lost(self: JobContext, step: Any) -> Any:
        if getattr(getattr(step, "func", None), "__func__", None) is not complete:
            return await apply(self, step)
        if committed:
            await apply(self, step)
        raise ConnectionResetError

    shown = await asked(analyst, **NUMBERS)
    monkeypatch.setattr(JobContext, "apply", lost)
    with pytest.raises(ConnectionResetError):
        await made(resources, shown["id"])
    found = await _shown(analyst, shown)
    if committed:
        assert await objects() == [found["object_key"]]
        await content(analyst, found)
    else:
        assert (found["status"], found["object_key"], await objects()) == ("running", None, [])


async def test_a_source_that_always_raises_fails_its_export_at_the_last_start(
    admin: httpx.AsyncClient,
    resources: Resources,
    owner: asyncpg.Connection,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    channel = {"name": "failures", "channel_type": "webhook", "target": "https://hooks.example.org/", "active": True}
    answer = await admin.post("/system/notify/channels", json=channel | {"event_filter": ["export:*"]})
    assert answer.status_code == 201, answer.text
    monkeypatch.setattr(TableSource, "content", broken)
    shown = await asked(admin, **NUMBERS)
    for starts in (work.STARTS - 2, work.STARTS - 1):  # before the last but one, and before the last
        assert (await _shown(admin, shown))["error_code"] is None
        await owner.execute("UPDATE spyne.job_runs SET starts = $1, heartbeat_at = NULL", starts)
        with pytest.raises(ZeroDivisionError):
            await made(resources, shown["id"])
    found = await _shown(admin, shown)
    assert (found["status"], found["error_code"], found["object_key"]) == ("failed", ExportBroken.code, None)
    assert await objects() == []
    entries = await owner.fetch("SELECT outcome, after FROM spyne.audit_log WHERE action = 'export:fail'")
    assert [(row["outcome"], json.loads(row["after"])["error_code"]) for row in entries] == [
        ("failure", ExportBroken.code)
    ]
    messages = await owner.fetch("SELECT event, payload FROM spyne.notification_outbox")
    assert [(row["event"], json.loads(row["payload"])["error_code"]) for row in messages] == [
        ("export:failed", ExportBroken.code)
    ]


async def test_progress_that_finds_the_export_cancelled_ends_the_writing(
    admin: httpx.AsyncClient,
    resources: Resources,
    owner: asyncpg.Connection,
    objects: Objects,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has told the job: the row alone says so. The writing itself would never end."""
    writing, ended = asyncio.Event(), asyncio.Event()

    async def endless(_resources: Any, _content: Any, _format: Any, output: Output, _progress: Any) -> None:
        await output.write(b"x" * 1_000)
        await output.finish()
        writing.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(work, "write_content", endless)
    monkeypatch.setattr(work, "PROGRESS_SECONDS", 0.01)
    shown = await asked(admin, **NUMBERS)
    async with asyncio.timeout(30):
        making = asyncio.create_task(made(resources, shown["id"]))
        await writing.wait()
        await owner.execute("UPDATE spyne.export_jobs SET status = 'cancelled' WHERE id = $1", shown["id"])
        await making
    assert ended.is_set()
    found = await _shown(admin, shown)
    assert (found["status"], found["object_key"], await objects()) == ("cancelled", None, [])


async def test_what_died_with_its_worker_is_tidied_up(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, objects: Objects
) -> None:
    """An export whose job is over fails; an object that none names goes once nobody can be writing it."""
    kept, waiting, stranded = await export(admin, resources, **NUMBERS), *[await asked(admin, **NUMBERS) for _ in "12"]
    await owner.execute(
        "UPDATE spyne.job_runs SET state = 'dead' WHERE id = (SELECT run_id FROM spyne.export_jobs WHERE id = $1)",
        stranded["id"],
    )
    day, hour = 24 * 3600.0, 3600.0
    ages = {
        kept["object_key"]: day + hour,
        f"exports/{waiting['id']}/1.csv": day + hour,
        f"exports/{kept['id']}/8.csv": day - hour,
        f"exports/{kept['id']}/9.csv": day + hour,
        f"exports/{stranded['id']}/1.csv": day + hour,
        "exports/nobody/1.csv": day + hour,
    }
    for key, age in ages.items():
        if key != kept["object_key"]:
            async with resources.storage.writer(key) as writer:
                await writer.write(b"x")
        written = resources.clock().timestamp() - age
        os.utime(resources.settings.home / "objects" / key, (written, written))
    async with resources.database.write() as session:
        run_id = await enqueue(session, TIDY_JOB, {}, actor=SYSTEM)
    await started(resources, run_id, tidy)
    assert set(await objects()) == set(list(ages)[:3])
    assert {name: (await _shown(admin, each))["status"] for name, each in (("kept", kept), ("waiting", waiting))} == {
        "kept": "completed",
        "waiting": "pending",
    }
    assert (await _shown(admin, stranded))["error_code"] == ExportBroken.code
    progress = json.loads(await owner.fetchval("SELECT progress FROM spyne.job_runs WHERE id = $1", run_id))
    assert progress == {"given_up": 1, "removed": 3}
