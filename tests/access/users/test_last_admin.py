"""There is always an active admin, whatever is tried, and however much of it at once."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.identities import Identities

Taking = Callable[[httpx.AsyncClient, UUID], Coroutine[Any, Any, httpx.Response]]

TAKINGS: dict[str, Taking] = {
    "disable": lambda client, id_: client.patch(f"/api/users/{id_}", json={"status": "disabled"}),
    "delete": lambda client, id_: client.delete(f"/api/users/{id_}"),
    "strip": lambda client, id_: client.put(f"/api/users/{id_}/roles", json={"roles": ["VIEWER"]}),
}
ADMINS = (
    "SELECT count(*) FROM spyne.users u JOIN spyne.user_roles r ON r.user_id = u.id "
    "WHERE r.role = 'ADMIN' AND u.status = 'active'"
)


async def _service(app: FastAPI) -> httpx.AsyncClient:
    """A service that administers; it is no person, so it does not count."""
    key = await Identities(app.state.resources).api_key("ADMIN")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers={"X-API-Key": key})


@pytest.mark.parametrize("taking", TAKINGS)
async def test_the_last_admin_stays(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection, taking: str
) -> None:
    _, last = await identities.user("ADMIN", "VIEWER")
    _, other = await identities.user("ADMIN")
    await owner.execute("UPDATE spyne.users SET status = 'disabled' WHERE id = $1", other)
    async with await _service(app) as service:
        refused = await TAKINGS[taking](service, last)
        assert (refused.status_code, refused.json()["code"]) == (409, "last-admin")
        assert (await service.put(f"/api/users/{last}/roles", json={"roles": ["ADMIN"]})).status_code == 200
        assert (await service.patch(f"/api/users/{other}", json={"status": "active"})).status_code == 200
        taken = await TAKINGS[taking](service, last)
        assert taken.status_code in {200, 204}
    assert await owner.fetchval(ADMINS) == 1


@pytest.mark.parametrize("first", TAKINGS)
@pytest.mark.parametrize("second", TAKINGS)
async def test_two_admins_who_take_each_other_away_at_once(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection, first: str, second: str
) -> None:
    (_, one), (_, other) = await identities.user("ADMIN"), await identities.user("ADMIN")
    async with await _service(app) as service:
        answers = await asyncio.gather(TAKINGS[first](service, one), TAKINGS[second](service, other))
    assert sorted(answer.status_code for answer in answers)[1] == 409, [answer.text for answer in answers]
    assert await owner.fetchval(ADMINS) == 1


async def test_of_many_admins_one_remains_after_everybody_tried_everything(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection
) -> None:
    people = [(await identities.user("ADMIN"))[1] for _ in range(6)]
    async with await _service(app) as service:
        tries = [taking(service, id_) for id_ in people for taking in TAKINGS.values()]
        answers = await asyncio.gather(*tries)
    assert {answer.status_code for answer in answers} <= {200, 204, 404, 409}
    assert await owner.fetchval(ADMINS) == 1
