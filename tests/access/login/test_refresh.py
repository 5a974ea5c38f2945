"""Refresh tokens over HTTP: one renewal each, and what a second use brings about."""

import asyncio
import json
from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.clients.service import ClientService
from app.kernel.security.authorization import SYSTEM
from app.kernel.security.security_events import EventKind
from tests.access.ends import shut_out
from tests.access.sessions.steps import TOKEN, bearer, client_of, renew, tokens_of
from tests.identities import PASSWORD, Identities
from tests.waiting import eventually


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as made:
        yield made


async def _me(client: httpx.AsyncClient, tokens: dict[str, str]) -> httpx.Response:
    return await client.get("/api/auth/me", headers=bearer(tokens["access_token"]))


async def test_a_token_is_renewed_again_and_again(
    client: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("ANALYST")
    tokens = await tokens_of(client, name)
    seen = {tokens["refresh_token"]}
    for _ in range(3):
        answer = await renew(client, tokens["refresh_token"])
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json().keys() == tokens.keys()
        tokens = answer.json()
        seen.add(tokens["refresh_token"])
        assert (await _me(client, tokens)).json()["id"] == str(id_)
    assert len(seen) == 4
    rows = await owner.fetch("SELECT * FROM spyne.refresh_tokens ORDER BY id")
    assert [row["successor"] for row in rows] == [*(row["id"] for row in rows[1:]), None]
    assert await owner.fetchval("SELECT count(*) FROM spyne.sessions") == 1
    stored = await owner.fetchval("SELECT string_agg(t::text, ' ') FROM spyne.refresh_tokens t")
    assert not any(token in stored or token.encode().hex() in stored for token in seen)


async def test_a_used_token_ends_the_session(
    client: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("ANALYST")
    stolen, other = await tokens_of(client, name), await tokens_of(client, name)
    fresh = (await renew(client, stolen["refresh_token"])).json()
    reused = await renew(client, stolen["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    assert (await renew(client, fresh["refresh_token"])).json()["error"] == "invalid_grant"
    for ended in (stolen, fresh):
        await shut_out(client, bearer(ended["access_token"]))
    assert (await _me(client, other)).status_code == 200, "the person's other sessions go on"
    await renew(client, stolen["refresh_token"])
    (row,) = await owner.fetch("SELECT * FROM spyne.audit_log WHERE action = 'session:reuse'")
    assert (row["outcome"], row["actor_id"], row["client_address"]) == ("failure", id_, "192.0.2.7")
    (end,) = await owner.fetch("SELECT * FROM spyne.audit_log WHERE action = 'session:end'")
    assert json.loads(end["after"])["reason"] == "a refresh token was used twice"

    async def noted() -> bool:
        counted = "SELECT sum(count) FROM spyne.security_events WHERE kind = $1"
        return bool(await owner.fetchval(counted, EventKind.REFRESH_REUSE.value) == 1)

    await eventually(noted)


async def test_of_uses_at_once_one_wins(
    client: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("ANALYST")
    for _ in range(5):
        tokens = await tokens_of(client, name)
        answers = await asyncio.gather(*(renew(client, tokens["refresh_token"]) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        (won,) = [answer.json() for answer in answers if answer.status_code == 200]
        assert (await renew(client, won["refresh_token"])).status_code == 400, "the second use has ended the session"
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'session:reuse'") == 5


async def test_a_scope_can_only_become_narrower(client: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("ANALYST")
    tokens = await tokens_of(client, name, scope="query:run tables:read")
    wider = await renew(client, tokens["refresh_token"], scope="query:run contracts:read")
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    narrower = (await renew(client, tokens["refresh_token"], scope="query:run")).json()
    assert narrower["scope"] == "query:run"
    assert (await _me(client, narrower)).json()["permissions"] == ["query:run"]
    again = (await renew(client, narrower["refresh_token"])).json()
    assert again["scope"] == "query:run tables:read", "the session's own scope stays (RFC 6749 section 6)"
    everything = await tokens_of(client, name)
    assert (await renew(client, everything["refresh_token"], scope="users:admin")).json()["error"] == "invalid_scope"


async def test_a_token_belongs_to_the_client_that_asked_for_it(
    app: FastAPI, client: httpx.AsyncClient, identities: Identities
) -> None:
    name, _ = await identities.user("ANALYST")
    credentials = []
    for number in range(2):
        async with app.state.resources.database.write() as session:
            clients = app.state.resources.build(ClientService, session)
            made = await clients.create(SYSTEM, f"app-{number}", ["VIEWER"])
            issued = await clients.issue_key(SYSTEM, made.id)
        secret = next(part for part in (issued if isinstance(issued, tuple) else (issued,)) if isinstance(part, str))
        credentials.append({"client_id": f"app-{number}", "client_secret": secret})
    tokens = await tokens_of(client, name, **credentials[0])
    assert (await _me(client, tokens)).json()["name"] == name
    for wrong in ({}, credentials[1]):
        refused = await renew(client, tokens["refresh_token"], **wrong)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    bad = credentials[0] | {"client_secret": credentials[1]["client_secret"]}
    assert (await renew(client, tokens["refresh_token"], **bad)).json()["error"] == "invalid_client"
    assert (await renew(client, tokens["refresh_token"], **credentials[0])).status_code == 200
    own = await tokens_of(client, name)
    assert (await renew(client, own["refresh_token"], **credentials[0])).json()["error"] == "invalid_grant"
    assert (await renew(client, own["refresh_token"])).status_code == 200


async def test_hostile_refresh_tokens_are_refused(client: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("ANALYST")
    tokens = await tokens_of(client, name)
    good = tokens["refresh_token"]
    hostile = [
        "x",
        tokens["access_token"],
        good[:-1],
        good + "A",
        good + "=",
        f" {good}",
        f"{good}\n",
        good.upper(),
        good.replace("refresh", "session"),
        good.removeprefix("spy_refresh_"),
        "spy_refresh_" + "A" * 43,
        "spy_refresh_" + "é" * 43,
        "' OR 1=1 --",
        "A" * 1024,
    ]
    for position in range(len(good)):
        flipped = bytearray(good.encode())
        flipped[position] ^= 1 << (position % 7)
        hostile.append(flipped.decode("latin-1"))
    for text in hostile:
        refused = await renew(client, text)
        assert (refused.status_code, refused.json()["error"] in {"invalid_grant", "invalid_request"}) == (400, True), (
            text
        )
    for raw in (b"%00", b"%ff%fe", b"A" * 20_000, good.encode() + b"%00"):
        body = b"grant_type=refresh_token&refresh_token=" + raw
        answer = await client.post(TOKEN, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})
        assert answer.status_code == 400, raw
    twice = f"grant_type=refresh_token&refresh_token={good}&refresh_token={good}"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await client.post(TOKEN, content=twice, headers=form)).status_code == 400
    assert (await renew(client, good)).status_code == 200, "none of these has used it up"


async def test_tokens_end_with_their_time_their_session_and_their_person(
    client: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("ANALYST")
    late, old, disabled = [await tokens_of(client, name) for _ in range(3)]
    ids = [row["session_id"] for row in await owner.fetch("SELECT session_id FROM spyne.refresh_tokens ORDER BY id")]
    ends = await owner.fetch(
        "SELECT r.expires_at, s.ends_at, s.created_at FROM spyne.refresh_tokens r"
        " JOIN spyne.sessions s ON s.id = r.session_id"
    )
    for row in ends:
        assert row["expires_at"] == row["ends_at"], "a week is longer than the session may last"
        assert (row["ends_at"] - row["created_at"]).total_seconds() == 12 * 3600
    await owner.execute("UPDATE spyne.refresh_tokens SET expires_at = now() WHERE session_id = $1", ids[0])
    await owner.execute("UPDATE spyne.sessions SET ends_at = now() WHERE id = $1", ids[1])
    for ended in (late, old):
        assert (await renew(client, ended["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await _me(client, late)).status_code == 200
    await owner.execute("UPDATE spyne.users SET status = 'disabled' WHERE id = $1", id_)
    assert (await renew(client, disabled["refresh_token"])).json()["error"] == "invalid_grant"


async def test_a_service_has_no_refresh_token(client: httpx.AsyncClient, identities: Identities) -> None:
    key = await identities.api_key("VIEWER")
    caller = (await client.get("/api/auth/me", headers={"X-API-Key": key})).json()
    form = {"grant_type": "client_credentials", "client_id": caller["name"], "client_secret": key}
    answer = await client.post(TOKEN, data=form)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert PASSWORD not in answer.text
