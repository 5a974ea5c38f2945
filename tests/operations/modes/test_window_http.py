"""Windows over HTTP: planned, refused, called off; they begin and end by themselves, and are on record once."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.problems import Problem
from app.operations.modes.window_service import WindowService
from tests.waiting import eventually

PATH = "/system/maintenance/windows"
FAR = datetime(2099, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def window(starts_at: datetime, length: timedelta = HOUR, **more: Any) -> dict[str, Any]:
    times = {"starts_at": starts_at.isoformat(), "ends_at": (starts_at + length).isoformat()}
    return {"mode": "read_only", "reason": "a larger disk", **times, **more}


async def plan(admin: httpx.AsyncClient, wanted: dict[str, Any]) -> dict[str, Any]:
    answer = await admin.post(PATH, json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def write(admin: httpx.AsyncClient, name: str) -> httpx.Response:
    return await admin.post("/api/clients", json={"name": name, "roles": ["VIEWER"]})


@pytest.mark.parametrize(
    ("shift", "length", "status"),
    [
        (-HOUR, HOUR, 201),
        (HOUR, HOUR, 201),
        (timedelta(0), HOUR, 409),
        (-HOUR, HOUR + timedelta(seconds=1), 409),
        (HOUR - timedelta(microseconds=1), HOUR, 409),
        (-HOUR, 3 * HOUR, 409),
        (HOUR / 4, HOUR / 4, 409),
    ],
)
async def test_windows_may_touch_and_do_not_overlap(
    admin: httpx.AsyncClient, shift: timedelta, length: timedelta, status: int
) -> None:
    first = await plan(admin, window(FAR))
    answer = await admin.post(PATH, json=window(FAR + shift, length))
    assert answer.status_code == status
    if status == 409:
        assert (answer.json()["code"], answer.json()["window_id"]) == ("windows-overlap", first["id"])
        assert (await admin.delete(f"{PATH}/{first['id']}")).json()["state"] == "cancelled"
        await plan(admin, window(FAR + shift, length))


async def test_of_many_that_overlap_one_is_planned(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    wanted = [window(FAR + timedelta(minutes=minute)) for minute in range(8)]
    answers = await asyncio.gather(*(admin.post(PATH, json=each) for each in wanted))
    assert sorted(answer.status_code for answer in answers) == [201] + 7 * [409]
    assert await owner.fetchval("SELECT count(*) FROM spyne.maintenance_windows") == 1
    with pytest.raises(asyncpg.ExclusionViolationError):  # PostgreSQL holds it too, whoever writes
        await owner.execute(
            "INSERT INTO spyne.maintenance_windows (mode, starts_at, ends_at, reason, created_by)"
            " SELECT mode, starts_at, ends_at, reason, 'x' FROM spyne.maintenance_windows"
        )


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"starts_at": "2001-01-01T00:00:00Z"}, ["/starts_at", "/ends_at"]),
        ({"ends_at": "2098-01-01T00:00:00Z"}, ["/ends_at"]),
        ({"mode": "normal"}, ["/mode"]),
        ({"starts_at": "2099-01-01T00:00:00"}, ["/starts_at"]),
        ({"starts_at": 4070908800}, ["/starts_at"]),
        ({"reason": ""}, ["/reason"]),
        ({"recurrence": "weekly"}, ["/recurrence"]),
    ],
)
async def test_faults_are_told_by_pointer(
    admin: httpx.AsyncClient, change: dict[str, Any], pointers: list[str]
) -> None:
    answer = await admin.post(PATH, json=window(FAR) | change)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["faults"]] == pointers
    assert (await admin.get(PATH)).json()["items"] == []


async def test_a_window_begins_and_ends_by_itself(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    channel = {"name": "all", "channel_type": "webhook", "target": "https://hooks.example.org/x", "event_filter": ["*"]}
    assert (await admin.post("/system/notify/channels", json=channel)).status_code == 201
    starts_at = datetime.now(UTC) + timedelta(seconds=1.2)
    planned = await plan(admin, window(starts_at, timedelta(seconds=2.5)))
    before = await admin.get("/system/maintenance")
    assert (planned["state"], before.json()["mode"]) == ("planned", "normal")
    assert (await write(admin, "before")).status_code == 201
    with pytest.raises(Problem, match="a larger disk"):
        async with app.state.resources.database.write():  # begun before: its commit would come after
            await begun(admin)
    refused = await write(admin, "during")
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (
        503,
        "read-only",
        "a larger disk",
    )
    assert 1 <= int(refused.headers["Retry-After"]) <= 3
    now = await admin.get("/system/maintenance")
    assert (now.json()["mode"], now.json()["window_id"]) == ("read_only", planned["id"])
    assert now.headers["ETag"] != before.headers["ETag"]
    stale = {"If-Match": before.headers["ETag"]}
    assert (await admin.put("/system/maintenance", json={"mode": "normal"}, headers=stale)).status_code == 412
    assert [each["state"] for each in (await admin.get(PATH, params={"state": "running"})).json()["items"]] == [
        "running"
    ]
    await eventually_written(admin, 5)
    late = (datetime.now(UTC) - datetime.fromisoformat(planned["ends_at"])).total_seconds()
    assert 0 <= late <= 1.0

    async def on_record() -> bool:
        return bool(await owner.fetchval("SELECT left_at IS NOT NULL FROM spyne.maintenance_windows"))

    await eventually(on_record)

    async def again(session: WriteSession) -> None:
        await app.state.resources.build(WindowService, session).record_due()

    await asyncio.gather(*(app.state.resources.database.run(again, OperationClass.CONTROL) for _ in range(4)))
    announced = await owner.fetch("SELECT subject FROM spyne.notification_outbox ORDER BY id")
    assert [row["subject"] for row in announced] == ["A read_only window has begun", "A read_only window is over"]
    told = "SELECT action FROM spyne.audit_log WHERE entity_type = 'maintenance-window' ORDER BY id"
    rows = await owner.fetch(told)
    assert [row["action"].partition(":")[2] for row in rows] == ["create", "enter", "leave"]


async def running(admin: httpx.AsyncClient, length: timedelta = timedelta(seconds=30)) -> dict[str, Any]:
    planned = await plan(admin, window(datetime.now(UTC) + timedelta(seconds=1), length))
    await begun(admin)
    assert (await write(admin, "refused")).status_code == 503
    return planned


async def begun(admin: httpx.AsyncClient) -> None:
    async def read_only() -> bool:
        return bool((await admin.get("/system/maintenance")).json()["mode"] == "read_only")

    await eventually(read_only, what="the begin of the window")


async def eventually_written(admin: httpx.AsyncClient, within: float = 1.0) -> None:
    async def written() -> bool:
        return (await write(admin, f"written{time.monotonic()}")).status_code == 201

    await eventually(written, within)


async def test_a_window_that_is_called_off_while_it_runs_ends(admin: httpx.AsyncClient) -> None:
    planned = await running(admin)
    called_off = await admin.delete(f"{PATH}/{planned['id']}")
    assert (called_off.status_code, called_off.json()["state"]) == (200, "cancelled")
    assert (await admin.get("/system/maintenance")).json()["mode"] == "normal"
    await eventually_written(admin)
    again = await admin.delete(f"{PATH}/{planned['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "window-over")
    assert (await admin.delete(f"{PATH}/01890000-0000-7000-8000-000000000000")).status_code == 404


async def test_a_decision_by_hand_wins_while_the_window_runs(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await running(admin, timedelta(seconds=2.5))
    tag = (await admin.get("/system/maintenance")).headers["ETag"]
    normal = await admin.put("/system/maintenance", json={"mode": "normal"}, headers={"If-Match": tag})
    assert (normal.status_code, normal.json()["mode"]) == (200, "normal")
    await eventually_written(admin)
    strict = await admin.put("/system/maintenance", json={"mode": "maintenance", "reason": "by hand"})
    assert strict.json()["window_id"] is None

    async def over() -> bool:
        return bool(await owner.fetchval("SELECT left_at IS NOT NULL FROM spyne.maintenance_windows"))

    await eventually(over, what="the end of the window")  # the decision stays
    assert (await admin.get("/system/maintenance")).json()["mode"] == "maintenance"
