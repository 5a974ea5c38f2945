"""Events are written down, counted together, bounded; rules answer them; decoys tell who asked for them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from app.kernel.security.security_events import EventKind, SecurityEvents
from app.operations.security.recording import forget, write_down
from tests.operations.security.conftest import ROOT, At, client_at, settled, within_a_second

ADDRESS = "93.184.216.34"
HONEYPOTS = f"{ROOT}/honeypots"
ANSWERED = 3.0
"""Seconds until an event has been written down, and its response is in force: no promise, but not long."""


async def events(admin: httpx.AsyncClient, **params: str) -> list[dict[str, Any]]:
    answer = await admin.get(f"{ROOT}/events", params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def rule(admin: httpx.AsyncClient, kind: str, threshold: int, seconds: int = 60) -> None:
    body = {
        "event_kind": kind, "threshold": threshold, "window_seconds": 60, "block_seconds": seconds, "enabled": True
    }  # fmt: skip
    assert (await admin.put(f"{ROOT}/responses", json={"rules": [body]})).status_code == 200


def blocked(client: httpx.AsyncClient) -> Any:
    async def asked() -> bool:
        return (await client.get("/api/tables")).status_code == 403

    return asked


async def test_a_flood_is_one_row_over_all_processes(
    app: FastAPI, second: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for each in (app, second):
        for _ in range(500):
            each.state.resources.events.note(EventKind.CSRF, address=ADDRESS, subject="user:1", detail={"a": 1})
        for _ in range(300):
            each.state.resources.events.note("of-my-own")
        await asyncio.gather(*(write_down(each.state.resources) for _ in range(3)))
    counted = await owner.fetch(
        "SELECT kind, sum(count)::int AS n, count(*)::int AS r FROM spyne.security_events GROUP BY 1"
    )
    assert {(row["kind"], row["n"]) for row in counted} == {("csrf", 1000), ("of-my-own", 600)}
    assert all(row["r"] <= 2 for row in counted), "one row, or two where a minute ended meanwhile"
    (first, *_) = await events(admin, kind="csrf")
    assert (first["address"], first["subject"], first["detail"]) == (ADDRESS, "user:1", {"a": 1})
    assert first["first_at"] <= first["last_at"]


async def test_events_are_filtered_and_paged(app: FastAPI, admin: httpx.AsyncClient) -> None:
    resources: Resources = app.state.resources
    for number in range(6):
        resources.events.note("x", address=f"93.184.216.{number}", subject="user:1" if number % 2 else None)
    resources.events.note("y", address=ADDRESS)
    await write_down(resources)
    assert len(await events(admin)) == 7
    assert len(await events(admin, kind="x")) == 6
    assert [each["kind"] for each in await events(admin, address=ADDRESS)] == ["y"]
    assert len(await events(admin, subject="user:1")) == 3
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert await events(admin, since=soon) == []
    assert len(await events(admin, until=soon)) == 7
    seen, cursor = [], None
    while cursor is None or cursor:
        params = {"limit": "2", "kind": "x"} | ({"cursor": cursor} if cursor else {})
        page = (await admin.get(f"{ROOT}/events", params=params)).json()
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"] or ""
    assert len(set(seen)) == len(seen) == 6


async def test_events_wait_while_they_cannot_be_written(resources: Resources, owner: asyncpg.Connection) -> None:
    resources.events.note("x", address=ADDRESS)
    await owner.execute("ALTER TABLE spyne.security_events RENAME TO elsewhere")
    with pytest.raises(Exception, match="security_events"):
        await write_down(resources)
    resources.events.note("x", address=ADDRESS)
    await owner.execute("ALTER TABLE spyne.elsewhere RENAME TO security_events")
    assert await write_down(resources) >= 1
    assert await owner.fetchval("SELECT sum(count) FROM spyne.security_events") == 2


async def test_too_many_events_are_forgotten_but_not_those_under_a_hold(
    resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.execute(
        "INSERT INTO spyne.security_events (kind, address, minute, first_at, last_at, count, detail) "
        "SELECT 'x', n::text, now(), now() - n * interval '1 day', now() - n * interval '1 day', 1, '{}' "
        "FROM generate_series(0, 199) AS n"
    )
    await owner.execute(
        "INSERT INTO spyne.retention_holds (category, filter, reason, made_by) "
        """VALUES ('security_events', '{"address": "7"}', 'case', 'ada')"""
    )
    assert await forget(resources) == 0
    monkeypatch.setattr("app.operations.security.recording.EVENTS_KEPT", 10)
    assert await forget(resources) == 189
    assert await owner.fetchval("SELECT count(*) FROM spyne.security_events WHERE address = '7'") == 1
    assert await owner.fetchval("SELECT count(*) FROM spyne.security_events") == 11


async def test_a_rule_answers_events_and_is_undone(
    app: FastAPI, second: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await rule(admin, "honeypot-hit", 3)
    await admin.post(HONEYPOTS, json={"kind": "route", "label": "decoy", "path": "/wp-login.php"})
    async with client_at(app, ADDRESS) as here, client_at(second, ADDRESS) as there:
        await settled(here, there)
        await here.get("/wp-login.php")
        await there.post("/WP-Login.php/")
        for each in (app, second):
            await write_down(each.state.resources)
        assert (await here.get("/api/tables")).status_code == 401, "two are not three"
        await here.get("/wp-login.php")
        await within_a_second(blocked(there), ANSWERED)
        await within_a_second(blocked(here))
        (action,) = (await admin.get(f"{ROOT}/actions")).json()["items"]
        assert (action["made_by"], action["created_by"], action["target"]) == ("rule", "honeypot-hit", ADDRESS)
        assert action["event_kind"] == "honeypot-hit"
        (block,) = (await admin.get(f"{ROOT}/blocks")).json()["items"]
        lasts = datetime.fromisoformat(block["expires_at"]) - datetime.fromisoformat(block["created_at"])
        assert timedelta(seconds=55) < lasts < timedelta(seconds=65)
        assert (await admin.post(f"{ROOT}/actions/{action['id']}/undo")).status_code == 200

        async def back() -> bool:
            return (await here.get("/api/tables")).status_code == 401

        await within_a_second(back)
    entries = await owner.fetch("SELECT actor_kind FROM spyne.audit_log WHERE action = 'block:create'")
    assert [entry["actor_kind"] for entry in entries] == ["system"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.7", "fe80::1", "nonsense", None])
async def test_a_rule_never_blocks_what_many_may_share(
    address: str | None, app: FastAPI, admin: httpx.AsyncClient
) -> None:
    await rule(admin, "x", 1)
    app.state.resources.events.note("x", address=address)
    await write_down(app.state.resources)
    assert (await admin.get(f"{ROOT}/blocks")).json()["items"] == []


async def test_a_rule_never_blocks_who_is_never_blocked(app: FastAPI, admin: httpx.AsyncClient) -> None:
    policy = (await admin.get(f"{ROOT}/policy")).json()
    await admin.put(f"{ROOT}/policy", json=policy | {"never_blocked": ["93.184.0.0/16"]})
    await rule(admin, "x", 1)
    await settled(admin)
    for address in (ADDRESS, "2a00:1450:4001:81b::200e"):
        app.state.resources.events.note("x", address=address)
    await write_down(app.state.resources)
    targets = [each["target"] for each in (await admin.get(f"{ROOT}/blocks")).json()["items"]]
    assert targets == ["2a00:1450:4001:81b::/64"]


async def test_a_forged_address_is_neither_told_nor_blocked(admin: httpx.AsyncClient, at: At) -> None:
    """Nobody gets another's address blocked by naming it in a header."""
    await rule(admin, "honeypot-hit", 1)
    await admin.post(HONEYPOTS, json={"kind": "route", "label": "decoy", "path": "/.env"})
    await settled(admin)
    names = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP")
    await at("9.9.9.9", **dict.fromkeys(names, "8.8.8.8")).get("/.env")
    await within_a_second(blocked(at("9.9.9.9")), ANSWERED)
    assert [each["address"] for each in await events(admin, kind="honeypot-hit")] == ["9.9.9.9"]
    assert (await at("8.8.8.8").get("/api/tables")).status_code == 401


async def test_a_decoy_address_is_like_every_unknown_one(admin: httpx.AsyncClient, at: At) -> None:
    client = at(ADDRESS)
    before = await client.get("/wp-login.php")
    made = await admin.post(HONEYPOTS, json={"kind": "route", "label": "decoy", "path": "/wp-login.php"})
    assert (made.status_code, made.json()["key"]) == (201, None)
    await settled(admin)
    after, other = await client.get("/wp-login.php"), await client.get("/no-such-page")

    def told(answer: httpx.Response) -> tuple[Any, ...]:
        return answer.status_code, answer.json() | {"correlation_id": ""}, sorted(answer.headers)

    assert told(before) == told(after) == told(other)

    async def known() -> bool:
        return bool(await events(admin, kind="honeypot-hit"))

    await within_a_second(known, ANSWERED)
    (event,) = await events(admin, kind="honeypot-hit")
    assert (event["address"], event["detail"]) == (ADDRESS, {"path": "/wp-login.php", "method": "GET"})
    assert (
        await admin.post(HONEYPOTS, json={"kind": "route", "label": "x", "path": "/WP-login.php/"})
    ).status_code == 409
    (listed,) = (await admin.get(HONEYPOTS)).json()["items"]
    assert (await admin.delete(f"{HONEYPOTS}/{listed['id']}")).status_code == 204
    assert (await admin.delete(f"{HONEYPOTS}/{listed['id']}")).status_code == 404
    assert (
        await admin.post(HONEYPOTS, json={"kind": "route", "label": "x", "path": "/wp-login.php"})
    ).status_code == 201


@pytest.mark.parametrize(
    "path", ["/api/tables", "/API/TABLES/any", "/health", "/docs/assets/x", "/system/security/blocks/"]
)
async def test_a_decoy_never_shadows_an_operation(path: str, admin: httpx.AsyncClient) -> None:
    answer = await admin.post(HONEYPOTS, json={"kind": "route", "label": "decoy", "path": path})
    assert (answer.status_code, answer.json()["code"]) == (409, "real-route")


@pytest.mark.parametrize(
    "body",
    [{"kind": "route"}, {"kind": "route", "path": "x"}, {"kind": "route", "path": "/"}, {"kind": "key", "path": "/x"}],
)
async def test_faulty_decoys_are_refused(body: dict[str, str], admin: httpx.AsyncClient) -> None:
    answer = await admin.post(HONEYPOTS, json=body | {"label": "decoy"})
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (422, "/path")


async def test_a_decoy_key_is_like_every_unknown_one_and_blocks(
    admin: httpx.AsyncClient, second: FastAPI, owner: asyncpg.Connection
) -> None:
    made = (await admin.post(HONEYPOTS, json={"kind": "key", "label": "in the wiki"})).json()
    key = made["key"]
    assert key.startswith(f"spy_{made['prefix']}_")
    assert "key" not in (await admin.get(HONEYPOTS)).json()["items"][0], "shown once"
    audit = await owner.fetchval("SELECT after::text FROM spyne.audit_log WHERE action = 'honeypot:create'")
    assert key not in audit
    assert key[17:] not in audit
    unknown = "spy_abcdefghijkl_" + "x" * 43
    async with client_at(second, ADDRESS) as client:
        await settled(client)
        answers = [await client.get("/api/tables", headers={"X-API-Key": each}) for each in (key, unknown)]
        documents = [answer.json() | {"correlation_id": ""} for answer in answers]
        assert documents[0] == documents[1]
        assert {answer.status_code for answer in answers} == {401}
        await within_a_second(blocked(client), ANSWERED)
    (event,) = await events(admin, kind="decoy-key")
    assert (event["address"], event["count"], event["detail"]) == (ADDRESS, 1, {"prefix": made["prefix"]})


async def test_a_decoy_key_is_noticed_as_a_clients_secret_too(admin: httpx.AsyncClient, at: At) -> None:
    key = (await admin.post(HONEYPOTS, json={"kind": "key", "label": "in the wiki"})).json()["key"]
    await settled(admin)
    form = {"grant_type": "client_credentials", "client_id": "backup", "client_secret": key}
    answer = await at("9.9.9.9").post("/api/auth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")

    async def known() -> bool:
        return bool(await events(admin, kind="decoy-key", address="9.9.9.9"))

    await within_a_second(known, ANSWERED)


async def test_refused_requests_are_counted_together(app: FastAPI, admin: httpx.AsyncClient, at: At) -> None:
    await admin.post(f"{ROOT}/blocks", json={"kind": "address", "target": ADDRESS, "reason": "scans"})
    client = at(ADDRESS)
    await within_a_second(blocked(client))
    for _ in range(50):
        assert (await client.get("/api/tables")).status_code == 403
    await write_down(app.state.resources)
    rows = await events(admin, kind="blocked-request")
    assert len(rows) <= 2
    assert sum(row["count"] for row in rows) >= 50
    assert isinstance(app.state.resources.events, SecurityEvents)
