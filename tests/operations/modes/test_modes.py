"""Which operations a mode admits, and switching modes: versioned, audited, in force everywhere within a second."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import OperationClass
from app.kernel.telemetry.metrics import REQUESTS_REFUSED
from app.main import create_app
from app.operations.modes.modes import Maintenance, MaintenanceInProgress, MaintenanceMode, ReadOnlyMode, refusal
from app.settings import Settings
from tests.conftest import SECRET, ClientOf
from tests.promises import promised

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READ, RECORD, WRITE, CONTROL = OperationClass.READ, OperationClass.RECORD, OperationClass.WRITE, OperationClass.CONTROL


@pytest.mark.parametrize(
    ("mode", "admitted"),
    [
        (MaintenanceMode.NORMAL, {READ, RECORD, WRITE, CONTROL}),
        (MaintenanceMode.READ_ONLY, {READ, RECORD, CONTROL}),
        (MaintenanceMode.MAINTENANCE, {READ, CONTROL}),
    ],
)
def test_what_a_mode_admits(mode: MaintenanceMode, admitted: set[OperationClass]) -> None:
    assert {kind for kind in OperationClass if Maintenance(mode).admits(kind)} == admitted


@pytest.mark.parametrize(
    ("until", "wait"),
    [
        (None, 30),
        (NOW + timedelta(seconds=90), 90),
        (NOW + timedelta(seconds=0.5), 1),
        (NOW + timedelta(seconds=90.001), 91),
        (NOW, 30),
        (NOW - timedelta(days=1), 30),
    ],
)
def test_a_refusal_advises_to_come_back_at_the_windows_end(until: datetime | None, wait: int) -> None:
    problem = refusal(Maintenance(MaintenanceMode.READ_ONLY, "moving", until), NOW)
    assert (problem.status, problem.headers["Retry-After"], problem.detail) == (503, str(wait), "moving")


@given(st.datetimes(timezones=st.just(UTC)))
def test_every_end_gives_a_wait_that_does_not_end_before_it(until: datetime) -> None:
    problem = refusal(Maintenance(MaintenanceMode.MAINTENANCE, None, until), NOW)
    assert isinstance(problem, MaintenanceInProgress)
    wait = int(problem.headers["Retry-After"])
    assert wait >= 1
    assert until <= NOW or wait >= (until - NOW).total_seconds()


def test_the_two_refusals_differ() -> None:
    assert isinstance(refusal(Maintenance(MaintenanceMode.READ_ONLY), NOW), ReadOnlyMode)
    assert isinstance(refusal(Maintenance(MaintenanceMode.MAINTENANCE), NOW), MaintenanceInProgress)


SWITCHES = {
    "/system/mode": ({"mode": "READ_ONLY"}, {"mode": "INGESTION_READY"}, "system:mode-change"),
    "/system/maintenance": (
        {"mode": "normal", "reason": None, "until": None},
        {"mode": "read_only", "reason": "a larger disk", "until": "2099-01-01T00:00:00Z"},
        "system:maintenance-change",
    ),
}


def told(answer: httpx.Response) -> dict[str, Any]:
    """The mode as it was sent: it comes from no window."""
    document: dict[str, Any] = answer.json()
    assert document.pop("window_id", None) is None
    return document


@pytest.mark.parametrize("path", SWITCHES)
async def test_a_switch_is_versioned_and_audited(
    path: str, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    before, after, action = SWITCHES[path]
    first = await admin.get(path)
    assert (first.status_code, told(first)) == (200, before)
    switched = await admin.put(path, json=after, headers={"If-Match": first.headers["ETag"]})
    assert (switched.status_code, told(switched)) == (200, after)
    assert switched.headers["ETag"] != first.headers["ETag"]
    read = await admin.get(path)
    assert (told(read), read.headers["ETag"]) == (after, switched.headers["ETag"])
    stale = await admin.put(path, json=before, headers={"If-Match": first.headers["ETag"]})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition-failed")
    assert stale.headers["ETag"] == switched.headers["ETag"]
    assert told(await admin.get(path)) == after
    either = f"{first.headers['ETag']}, {switched.headers['ETag']}"
    assert (await admin.put(path, json=before, headers={"If-Match": either})).status_code == 200
    assert (await admin.put(path, json=before, headers={"If-Match": "*"})).status_code == 200
    entries = await owner.fetch("SELECT actor_kind, entity_type FROM spyne.audit_log WHERE action = $1", action)
    assert [tuple(entry) for entry in entries] == [("user", "system")] * 3, "a refused switch is none"


@pytest.mark.parametrize("path", SWITCHES)
async def test_of_two_switches_that_have_read_the_same_one_wins(path: str, admin: httpx.AsyncClient) -> None:
    before, after, _ = SWITCHES[path]
    await admin.put(path, json=before)
    tag = (await admin.get(path)).headers["ETag"]
    answers = await asyncio.gather(*(admin.put(path, json=after, headers={"If-Match": tag}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize("path", SWITCHES)
async def test_everybody_sees_and_only_admins_switch(
    path: str, as_role: ClientOf, anonymous: httpx.AsyncClient
) -> None:
    _, after, _ = SWITCHES[path]
    assert (await anonymous.get(path)).status_code == 401
    assert (await anonymous.put(path, json=after)).status_code == 401
    for role in ("VIEWER", "ANALYST", "ENGINEER"):
        client = await as_role(role)
        assert (await client.get(path)).status_code == 200
        assert (await client.put(path, json=after)).status_code == 403


async def test_back_to_normal_forgets_reason_and_end(admin: httpx.AsyncClient) -> None:
    answer = await admin.put("/system/maintenance", json=SWITCHES["/system/maintenance"][1] | {"mode": "normal"})
    assert told(answer) == {"mode": "normal", "reason": None, "until": None}


@pytest.fixture
async def second(settings: Settings, urls: DatabaseUrls) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """Another process's application on the same database."""
    application = create_app(settings, urls, SECRET)
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://second.test") as client,
    ):
        yield application, client


async def test_a_switch_is_in_force_everywhere_within_a_second(
    admin: httpx.AsyncClient, second: tuple[FastAPI, httpx.AsyncClient], owner: asyncpg.Connection
) -> None:
    """The other application's sessions refuse at once; its door knows within a second."""
    application, other = second
    other.headers["Authorization"] = admin.headers["Authorization"]
    client = {"name": "late", "roles": ["VIEWER"]}
    for mode, code in (("read_only", "read-only"), ("maintenance", "maintenance")):
        await admin.put("/system/maintenance", json={"mode": mode, "reason": "moving"})
        answer = await other.post("/api/clients", json=client)
        assert answer.status_code == 503, "the session factory refuses"
        assert answer.json()["code"] in {code, "read-only"}, "the door may still tell of the mode before"
        assert answer.headers["Retry-After"] == "30"
        await promised(lambda mode=mode: application.state.doors.current().mode == mode, what=f"{mode} at the door")  # type: ignore[misc]
        refused = REQUESTS_REFUSED.labels(mode)._value.get()
        answer = await other.post("/api/clients", json={"not even": "valid"})
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert REQUESTS_REFUSED.labels(mode)._value.get() == refused + 1, "the door refuses before anything is read"
        assert (await other.get("/api/tables")).status_code == 200
    assert await owner.fetchval("SELECT count(*) FROM spyne.api_clients") == 0
    assert (await other.put("/system/maintenance", json={"mode": "normal"})).status_code == 200, "always possible"

    async def open_again() -> bool:
        return (await admin.post("/api/clients", json=client)).status_code == 201

    await promised(open_again)
