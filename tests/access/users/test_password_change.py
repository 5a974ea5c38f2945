"""Changing passwords over HTTP: whose, with what, and what it ends."""

import asyncio
import json
import logging
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.access.ends import shut_out
from tests.access.sessions.steps import page_of
from tests.access.users.test_http import bearer, last_entry, logged_in, made
from tests.conftest import ClientOf
from tests.identities import PASSWORD, Identities
from tests.waiting import known_at_the_door

NEW = "another sentence, quite long"
GUESSES = 3


async def changed(client: httpx.AsyncClient, id_: Any, headers: dict[str, str] | None = None, **body: str) -> Any:
    return await client.post(f"/api/users/{id_}/password", json=body, headers=headers)


async def status(client: httpx.AsyncClient, headers: dict[str, str]) -> int:
    return (await client.get("/api/auth/me", headers=headers)).status_code


async def test_ones_own_with_the_current_one(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("VIEWER")
    first, second = await bearer(anonymous, name), await bearer(anonymous, name)
    assert {await status(anonymous, headers) for headers in (first, second)} == {200}
    answer = await changed(anonymous, id_, first, password=NEW, current_password=PASSWORD)
    assert (answer.status_code, answer.json()) == (200, {"one_time_password": None})
    assert answer.headers["cache-control"] == "no-store"
    entry = await last_entry(owner)
    assert (entry["action"], entry["actor_id"], entry["outcome"]) == ("user:set-password", id_, "success")
    assert all(entry[side]["password"].startswith("hmac-sha256:") for side in ("before", "after"))
    await shut_out(anonymous, first, second)
    assert (await logged_in(anonymous, name)).status_code == 400
    assert await status(anonymous, await bearer(anonymous, name, NEW)) == 200


async def test_of_ones_sessions_the_one_in_which_it_was_done_goes_on(
    app: FastAPI, anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    del app
    name, id_ = await identities.user("VIEWER")
    here, elsewhere = await page_of(anonymous, name), await page_of(anonymous, name)
    assert [(await page.me()).status_code for page in (here, elsewhere)] == [200, 200]
    answer = await changed(anonymous, id_, here.writing, password=NEW, current_password=PASSWORD)
    assert answer.status_code == 200, answer.text
    await shut_out(anonymous, elsewhere.cookie)
    assert (await here.me()).status_code == 200
    listed = await anonymous.get("/api/sessions", headers=here.cookie)
    assert [item["id"] for item in listed.json()["items"]] == [here.id]


async def test_an_admin_changes_anothers_and_ends_all_of_their_sessions(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    name, id_ = await identities.user("VIEWER")
    page, headers = await page_of(anonymous, name), await bearer(anonymous, name)
    assert ((await page.me()).status_code, await status(anonymous, headers)) == (200, 200)
    answer = await changed(admin, id_)
    one_time = answer.json()["one_time_password"]
    assert (answer.status_code, len(one_time)) == (200, 24)
    await shut_out(anonymous, page.cookie, headers)
    assert (await admin.get(f"/api/users/{id_}")).json()["must_change_password"]
    assert (await logged_in(anonymous, name, one_time)).status_code == 200
    assert (await changed(admin, id_, password=NEW)).json() == {"one_time_password": None}
    assert not (await admin.get(f"/api/users/{id_}")).json()["must_change_password"]


async def test_who_may_not(
    as_role: ClientOf, anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    _, other = await identities.user("VIEWER")
    name, own = await identities.user("ADMIN")
    engineer, headers = await as_role("ENGINEER"), await bearer(anonymous, name)
    before = await owner.fetchval("SELECT string_agg(password_hash, ' ' ORDER BY id) FROM spyne.users")
    refused = await changed(engineer, other, password=NEW)
    assert (refused.status_code, refused.json()["missing"]) == (403, ["users:admin"])
    assert (await changed(anonymous, other, password=NEW)).status_code == 401
    incomplete = await changed(anonymous, own, headers)
    assert [fault["pointer"] for fault in incomplete.json()["faults"]] == ["/current_password", "/password"]
    assert [f["pointer"] for f in (await changed(anonymous, own, headers, password=NEW)).json()["faults"]] == [
        "/current_password"
    ]
    same = await changed(anonymous, own, headers, password=PASSWORD, current_password=PASSWORD)
    assert [(fault["pointer"], fault["code"]) for fault in same.json()["faults"]] == [("/password", "unchanged")]
    key = {"X-API-Key": await identities.api_key("VIEWER")}
    assert (await changed(anonymous, own, key, password=NEW, current_password=PASSWORD)).status_code == 403
    assert before == await owner.fetchval("SELECT string_agg(password_hash, ' ' ORDER BY id) FROM spyne.users")


async def test_a_person_of_another_provider_has_no_password_here(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    id_ = await owner.fetchval(
        "INSERT INTO spyne.users (username, auth_provider, provider_issuer, provider_subject) "
        "VALUES ('eve', 'oidc', 'i', 's') RETURNING id"
    )
    refused = await changed(admin, id_, password=NEW)
    assert (refused.status_code, refused.json()["code"]) == (409, "no-local-password")


async def test_guesses_of_the_current_password_count_as_failed_log_ins(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("VIEWER")
    headers = await bearer(anonymous, name)
    for number in range(GUESSES):
        wrong = await changed(anonymous, id_, headers, password=NEW, current_password=f"guess {number}")
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-password")
    rows = await owner.fetch(
        "SELECT after FROM spyne.audit_log WHERE action = 'user:set-password' AND outcome = 'failure'"
    )
    assert [json.loads(row["after"]) for row in rows] == [{"reason": "wrong password"}] * GUESSES
    locked = await changed(anonymous, id_, headers, password=NEW, current_password=PASSWORD)
    assert (locked.status_code, locked.json()["code"]) == (429, "too-many-failures")
    assert int(locked.headers["retry-after"]) > 0
    assert (await logged_in(anonymous, name)).status_code == 400, "one lock for both"


async def test_guesses_at_once_are_no_more_than_in_turn(anonymous: httpx.AsyncClient, identities: Identities) -> None:
    name, id_ = await identities.user("VIEWER")
    headers = await bearer(anonymous, name)
    answers = await asyncio.gather(
        *(changed(anonymous, id_, headers, password=NEW, current_password=f"guess {n}") for n in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [403] * GUESSES + [429] * (12 - GUESSES)


async def test_of_two_changes_at_once_one_is_made(anonymous: httpx.AsyncClient, identities: Identities) -> None:
    name, id_ = await identities.user("VIEWER")
    headers = await bearer(anonymous, name)
    answers = await asyncio.gather(
        *(changed(anonymous, id_, headers, password=f"{NEW} {n}", current_password=PASSWORD) for n in range(GUESSES))
    )  # one more who comes too late with the former password would lock the account
    won = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert len(won) == 1, [answer.text for answer in answers]
    assert (await logged_in(anonymous, name, f"{NEW} {won[0]}")).status_code == 200


async def test_a_log_in_during_the_change_gives_nothing_that_lasts(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    name, id_ = await identities.user("VIEWER")
    first, change, *rest = await asyncio.gather(
        logged_in(anonymous, name), changed(admin, id_, password=NEW), *(logged_in(anonymous, name) for _ in range(4))
    )
    assert change.status_code == 200
    tokens = [answer.json()["access_token"] for answer in (first, *rest) if answer.status_code == 200]
    await shut_out(anonymous, *({"Authorization": f"Bearer {token}"} for token in tokens))


async def test_a_one_time_password_opens_nothing_but_its_change(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, identities: Identities, document: dict[str, Any]
) -> None:
    answer = await made(admin, "ada", "ADMIN")
    person = answer.json()
    assert person["must_change_password"]
    assert len(person["one_time_password"]) == 24
    assert "one_time_password" not in (await admin.get(answer.headers["location"])).json()
    headers = await bearer(anonymous, "ada", person["one_time_password"])
    _, other = await identities.user("VIEWER")
    wrong = []
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            if not described.get("security") or described["operationId"] in {"get_caller", "log_out"}:
                continue
            asked = path.replace("{user_id}", str(other)).replace("{", "").replace("}", "")
            refused = await anonymous.request(method, asked, headers=headers)
            if (refused.status_code, refused.json().get("code")) != (403, "password-change-needed"):
                wrong.append((method, path, refused.status_code))
    assert wrong == []
    assert await status(anonymous, headers) == 200
    done = await changed(anonymous, person["id"], headers, password=NEW, current_password=person["one_time_password"])
    assert done.status_code == 200, done.text
    fresh = await bearer(anonymous, "ada", NEW)
    assert (await anonymous.get("/api/users", headers=fresh)).status_code == 200


async def test_logging_out_is_open_with_a_one_time_password(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    person = (await made(admin, "ada")).json()
    headers = await bearer(anonymous, "ada", person["one_time_password"])
    assert (await anonymous.post("/api/auth/logout", headers=headers)).status_code == 204


async def test_an_admin_with_a_one_time_password_gets_through_a_maintenance(
    app: FastAPI, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    person = (await made(admin, "ada", "ADMIN")).json()
    await admin.put("/system/maintenance", json={"mode": "maintenance", "reason": "test"})
    await known_at_the_door(app, "maintenance")
    one_time = person["one_time_password"]
    headers = await bearer(anonymous, "ada", one_time)
    assert (await changed(anonymous, person["id"], headers, password=NEW, current_password=one_time)).status_code == 200
    headers = await bearer(anonymous, "ada", NEW)
    ended = await anonymous.put("/system/maintenance", json={"mode": "normal"}, headers=headers)
    assert ended.status_code == 200


async def test_no_secret_is_written_down(
    admin: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    owner: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    person = (await made(admin, "ada")).json()
    client = (await admin.post("/api/clients", json={"name": "loader", "roles": ["VIEWER"]})).json()
    issued = (await admin.post(f"/api/clients/{client['id']}/keys", json={})).json()
    rotated = (await admin.post(f"/api/clients/{client['id']}/keys/{issued['id']}/rotate", json={})).json()
    headers = await bearer(anonymous, "ada", person["one_time_password"])
    typed = "a wrong one, typed by mistake"
    await changed(anonymous, person["id"], headers, password=NEW, current_password=typed)
    await changed(anonymous, person["id"], headers, password=NEW, current_password=person["one_time_password"])
    secrets = [person["one_time_password"], typed, NEW, issued["key"].split("_", 2)[2], rotated["key"].split("_", 2)[2]]
    rows = [dict(row) for row in await owner.fetch("SELECT * FROM spyne.audit_log")]
    told = json.dumps(rows, default=str) + caplog.text + "".join(capfd.readouterr())
    assert "user:set-password" in told
    assert [secret for secret in secrets if secret in told] == []
