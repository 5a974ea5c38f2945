"""When keys were used last: noted in memory, written together."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.credentials.last_used import KeysLastUsed, write_last_used
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.main import create_app
from app.settings import Settings
from tests.conftest import SECRET
from tests.identities import Identities
from tests.queries import recorded

NOW = datetime(2026, 5, 4, 12, 0, 31, 5, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)


def test_uses_are_to_the_minute_and_written_once() -> None:
    uses = KeysLastUsed()
    uses.note(B, NOW)
    uses.note(A, NOW - timedelta(hours=1))
    uses.note(A, NOW)
    assert list(uses.take().items()) == [
        (A, NOW.replace(second=0, microsecond=0)),
        (B, NOW.replace(second=0, microsecond=0)),
    ]
    uses.note(A, NOW + timedelta(seconds=20))
    assert uses.take() == {}
    uses.note(A, NOW + timedelta(seconds=40))
    assert list(uses.take()) == [A]


def test_what_could_not_be_written_is_written_later() -> None:
    uses = KeysLastUsed()
    uses.note(A, NOW)
    taken = uses.take()
    uses.give_back(taken)
    assert uses.take() == taken


@given(
    st.lists(st.tuples(st.sampled_from([A, B]), st.integers(0, 600)) | st.sampled_from(["take", "fail"]), max_size=30)
)
def test_the_last_use_of_every_key_is_written_in_the_end(steps: list[tuple[UUID, int] | str]) -> None:
    uses, last, written = KeysLastUsed(), dict[UUID, datetime](), dict[UUID, datetime]()
    seconds = 0
    for each in [*steps, "take"]:
        if isinstance(each, tuple):
            seconds += each[1]
            last[each[0]] = NOW + timedelta(seconds=seconds)
            uses.note(each[0], last[each[0]])
        else:
            taken = uses.take()
            if each == "fail":
                uses.give_back(taken)
            else:
                written |= taken
    assert written == {key: at.replace(second=0, microsecond=0) for key, at in last.items()}


async def _last(owner: asyncpg.Connection) -> list[datetime | None]:
    return [row[0] for row in await owner.fetch("SELECT last_used_at FROM spyne.api_keys ORDER BY id")]


def _uses(resources: Resources) -> KeysLastUsed:
    assert isinstance(resources.authenticator, DirectoryAuthenticator)
    return resources.authenticator.keys_last_used


async def test_requests_write_nothing_and_the_background_task_one_statement(
    app: FastAPI, anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    resources: Resources = app.state.resources
    keys = [await identities.api_key("VIEWER") for _ in range(3)]
    unused = await identities.api_key("VIEWER")
    with recorded(resources.database) as statements:
        for key in keys * 4:
            assert (await anonymous.get("/api/auth/me", headers={"X-API-Key": key})).status_code == 200
    assert not [statement for statement in statements if "UPDATE" in statement]
    assert await _last(owner) == [None] * 4, unused
    with recorded(resources.database) as statements:
        assert await write_last_used(resources, _uses(resources)) == 3
    assert len([statement for statement in statements if "UPDATE" in statement]) == 1
    *used, never = await _last(owner)
    assert never is None
    assert all(at is not None and at.second == 0 and abs(datetime.now(UTC) - at) < timedelta(minutes=2) for at in used)
    assert await write_last_used(resources, _uses(resources)) == 0


async def test_a_token_of_a_key_is_a_use_of_it(
    app: FastAPI, anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    key = await identities.api_key("VIEWER")
    name = await owner.fetchval("SELECT name FROM spyne.api_clients")
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": key}
    token = (await anonymous.post("/api/auth/token", data=form)).json()["access_token"]
    assert (await anonymous.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200
    assert await write_last_used(app.state.resources, _uses(app.state.resources)) == 1


async def test_nothing_is_written_while_the_shield_is_up_and_all_of_it_after(
    app: FastAPI,
    admin: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    identities: Identities,
    owner: asyncpg.Connection,
) -> None:
    resources: Resources = app.state.resources
    key = await identities.api_key("VIEWER")
    await admin.put("/system/maintenance", json={"mode": "read_only", "reason": "test"})
    assert (await anonymous.get("/api/auth/me", headers={"X-API-Key": key})).status_code == 200
    assert await write_last_used(resources, _uses(resources)) == 0
    assert await _last(owner) == [None]
    await admin.put("/system/maintenance", json={"mode": "normal"})
    assert await write_last_used(resources, _uses(resources)) == 1


async def test_a_key_that_is_being_changed_does_not_hold_up_the_others(
    resources: Resources, owner: asyncpg.Connection
) -> None:
    identities = Identities(resources)
    for _ in range(2):
        await identities.api_key("VIEWER")
    first, second = [row[0] for row in await owner.fetch("SELECT id FROM spyne.api_keys ORDER BY id")]
    uses = KeysLastUsed()
    for id_ in (first, second, uuid4()):
        uses.note(id_, NOW)
    async with owner.transaction():
        await owner.execute("SELECT 1 FROM spyne.api_keys WHERE id = $1 FOR UPDATE", first)
        async with asyncio.timeout(5):
            await write_last_used(resources, uses)
    assert await _last(owner) == [None, NOW.replace(second=0, microsecond=0)]


async def test_the_end_of_a_process_writes_what_is_left(
    settings: Settings, urls: DatabaseUrls, owner: asyncpg.Connection
) -> None:
    application = create_app(settings, urls, SECRET)
    async with application.router.lifespan_context(application):
        key = await Identities(application.state.resources).api_key("VIEWER")
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://spyne.test") as client:
            assert (await client.get("/api/auth/me", headers={"X-API-Key": key})).status_code == 200
    assert await _last(owner) != [None]


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=5)])
async def test_a_slower_process_does_not_turn_the_time_back(
    resources: Resources, owner: asyncpg.Connection, later: timedelta
) -> None:
    await Identities(resources).api_key("VIEWER")
    id_ = await owner.fetchval("SELECT id FROM spyne.api_keys")
    for at in (NOW + later, NOW):
        uses = KeysLastUsed()
        uses.note(id_, at)
        await write_last_used(resources, uses)
    assert await _last(owner) == [(NOW + later).replace(second=0, microsecond=0)]
