"""Sessions over HTTP: cookies, their CSRF token, the list, logging out and ending."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.security.credential_headers import SESSION_COOKIE
from tests.access.ends import shut_out
from tests.access.sessions.steps import SESSIONS, bearer, client_of, log_in, page_of, tokens_of
from tests.conftest import ClientOf
from tests.identities import PASSWORD, Identities

LOGOUT = "/api/auth/logout"


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


async def test_a_browser_logs_in_and_is_told_who_it_is(
    browser: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("ENGINEER")
    answer = await log_in(browser, f" {name.upper()} ", **{"User-Agent": "Mozilla/5.0 " + "x" * 1000})
    assert answer.status_code == 201, answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{SESSION_COOKIE}=spy_session_")
    assert set(cookie.split("; ")[1:]) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["user_id"], body["username"]) == (str(id_), name)
    page = await page_of(browser, name)
    me = (await page.me()).json()
    assert (me["id"], me["credential"]["kind"], me["credential"]["id"]) == (str(id_), "session", page.id)
    assert me["csrf_token"] == page.csrf
    assert me["roles"] == ["ENGINEER"]
    row = await owner.fetchrow("SELECT * FROM spyne.sessions WHERE id = $1::uuid", body["id"])
    assert (row["kind"], row["method"], row["client_address"]) == ("browser", "local", "192.0.2.7")
    assert len(row["user_agent"]) == 256
    assert page.secret.encode() not in bytes(row["digest"])
    opened = await owner.fetch("SELECT * FROM spyne.audit_log WHERE action = 'session:open'")
    assert [one["actor_id"] for one in opened] == [id_, id_]


async def test_a_bearer_caller_has_no_csrf_token(browser: httpx.AsyncClient, identities: Identities) -> None:
    me = await browser.get("/api/auth/me", headers=bearer(await identities.token("VIEWER")))
    assert me.json()["csrf_token"] is None


async def test_a_wrong_password_is_told_like_an_unknown_name(
    browser: httpx.AsyncClient, identities: Identities
) -> None:
    name, _ = await identities.user("VIEWER")
    wrong, unknown = await log_in(browser, name, "wrong"), await log_in(browser, "nobody", "wrong")
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong-password")
    same = {"title", "status", "code", "detail"}
    assert {key: wrong.json()[key] for key in same} == {key: unknown.json()[key] for key in same}
    assert "set-cookie" not in wrong.headers
    for _ in range(2):
        await log_in(browser, name, "wrong")
    locked = await log_in(browser, name)
    assert (locked.status_code, locked.json()["code"]) == (429, "too-many-guesses")
    assert 290 <= int(locked.headers["retry-after"]) <= 300


async def test_a_log_in_gives_a_fresh_session_and_ends_the_one_that_the_browser_had(
    browser: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("VIEWER")
    planted = await page_of(browser, name)
    fresh = await page_of(browser, name, **planted.cookie)
    assert fresh.id != planted.id
    assert fresh.secret != planted.secret
    assert fresh.csrf != planted.csrf
    await shut_out(browser, planted.cookie)
    assert (await fresh.me()).status_code == 200
    reason = await owner.fetchval("SELECT end_reason FROM spyne.sessions WHERE id = $1::uuid", planted.id)
    assert reason == "replaced by a new log-in"


OTHER_SITES: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://spyne.test:81"},
    {"Origin": "http://spyne.test.evil.example"},
    {"Origin": "http://spyne.test@evil.example"},
    {"Origin": "file://spyne.test"},
    {"Origin": "http://"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
]
OUR_SITE: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "http://spyne.test"},
    {"Origin": "HTTP://SPYNE.test:80"},
]


async def test_a_change_needs_the_sessions_token_and_our_own_site(
    app: FastAPI, browser: httpx.AsyncClient, identities: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, id_ = await identities.user("ADMIN")
    told: list[tuple[str, str | None]] = []
    note = app.state.resources.events.note

    def noted(kind: str, **facts: Any) -> None:
        told.append((kind, facts.get("subject")))
        note(kind, **facts)

    monkeypatch.setattr(app.state.resources.events, "note", noted)
    page, other = await page_of(browser, name), await page_of(browser, name)
    made = {"name": "made", "roles": ["VIEWER"]}
    for token in ("", "x", other.csrf, page.csrf + "A", page.csrf.lower(), page.secret, "é", page.csrf[:-1]):
        headers = [(b"cookie", page.cookie["Cookie"].encode()), (b"x-csrf-token", token.encode())]
        refused = await browser.post("/api/clients", json=made, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf"), token
    bare = await browser.post("/api/clients", json=made, headers=page.cookie)
    assert (bare.status_code, bare.json()["code"]) == (403, "csrf")
    twice = [*page.writing.items(), ("X-CSRF-Token", page.csrf)]
    assert (await browser.post("/api/clients", json=made, headers=twice)).status_code == 403
    for elsewhere in OTHER_SITES:
        refused = await browser.post("/api/clients", json=made, headers=page.writing | elsewhere)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf"), elsewhere
    assert set(told) == {("csrf", f"user:{id_}")}
    for number, here in enumerate(OUR_SITE):
        taken = await browser.post("/api/clients", json=made | {"name": f"c{number}"}, headers=page.writing | here)
        assert taken.status_code == 201, (here, taken.text)


async def test_a_log_in_from_another_site_is_refused(browser: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("VIEWER")
    for elsewhere in OTHER_SITES:
        refused = await log_in(browser, name, **elsewhere)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf"), elsewhere
    for here in OUR_SITE:
        assert (await log_in(browser, name, **here)).status_code == 201, here
    body = json.dumps({"username": name, "password": PASSWORD})
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        form = await browser.post(SESSIONS, content=body, headers={"Content-Type": media})
        assert 400 <= form.status_code < 500, "a form of another site cannot send JSON"


async def test_what_is_shown_on_purpose_counts_alone(browser: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("VIEWER")
    page, token, key = await page_of(browser, name), await identities.token("ADMIN"), await identities.api_key("ADMIN")
    for number, shown in enumerate((bearer(token), {"X-API-Key": key})):
        both = page.cookie | shown
        assert (await browser.get("/api/auth/me", headers=both)).json()["roles"] == ["ADMIN"]
        made = {"name": f"c{number}", "roles": ["VIEWER"]}
        assert (await browser.post("/api/clients", json=made, headers=both)).status_code == 201, "no CSRF token needed"
    wrong = page.cookie | bearer("nonsense")
    assert (await browser.get("/api/auth/me", headers=wrong)).status_code == 401, "the cookie does not stand in"
    two = page.cookie | bearer(token) | {"X-API-Key": key}
    assert (await browser.get("/api/auth/me", headers=two)).status_code == 400


async def test_hostile_cookies_are_refused(browser: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("VIEWER")
    page, other = await page_of(browser, name), await page_of(browser, name)
    good = f"{SESSION_COOKIE}={page.secret}"
    for value in (
        f"{good}; {SESSION_COOKIE}={other.secret}",
        f"{good}; {good}",
        f"{good}; {SESSION_COOKIE}=",
        f"{SESSION_COOKIE}=; {good}",
    ):
        refused = await browser.get("/api/auth/me", headers={"Cookie": value})
        assert (refused.status_code, refused.json()["code"]) == (400, "two-credentials"), value
    two_headers = [("Cookie", good), ("Cookie", f"{SESSION_COOKIE}={other.secret}")]
    assert (await browser.get("/api/auth/me", headers=two_headers)).status_code == 400
    digest_text = page.secret.removeprefix("spy_session_")
    for value in (
        f"spyne_session={page.secret}",
        f"__Secure-spyne_session={page.secret}",
        f"__host-spyne_session={page.secret}",
        f"x{good}",
        f"{SESSION_COOKIE}",
        f"{SESSION_COOKIE}=",
        f'{SESSION_COOKIE}="{page.secret}"',
        f"{SESSION_COOKIE}={digest_text}",
        f"{SESSION_COOKIE}=spy_refresh_{digest_text}",
        f"{SESSION_COOKIE}={page.secret}=",
        f"{SESSION_COOKIE}={page.secret}%00",
        f"{SESSION_COOKIE}={page.secret.upper()}",
        f"{SESSION_COOKIE}={'A' * 7000}",
        f"{SESSION_COOKIE}={page.id}",
        "",
        ";;;=;",
    ):
        refused = await browser.get("/api/auth/me", headers={"Cookie": value})
        assert refused.status_code == 401, (value, refused.text)
    raw = [(b"cookie", good.encode() + b"\x00"), (b"cookie", b"\xff\xfe=1")]
    assert (await browser.get("/api/auth/me", headers=raw)).status_code in {400, 401}
    beside = f"theme=dark; {good}; other={SESSION_COOKIE}"
    assert (await browser.get("/api/auth/me", headers={"Cookie": beside})).status_code == 200


async def test_every_flipped_bit_of_a_cookie_is_refused(browser: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("VIEWER")
    page = await page_of(browser, name)
    secret = page.secret.encode()
    for position in range(len(secret)):
        flipped = bytearray(secret)
        flipped[position] ^= 1 << (position % 7)
        cookie = (b"cookie", SESSION_COOKIE.encode() + b"=" + bytes(flipped))
        answer = await browser.get("/api/auth/me", headers=[cookie])
        assert answer.status_code in {400, 401}, bytes(flipped)
    assert (await page.me()).status_code == 200


async def test_logging_out_ends_the_session_everywhere(
    browser: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("VIEWER")
    page, kept = await page_of(browser, name), await page_of(browser, name)
    assert (await browser.post(LOGOUT, headers=page.cookie)).status_code == 403, "needs the CSRF token"
    out = await browser.post(LOGOUT, headers=page.writing)
    assert out.status_code == 204, out.text
    assert out.headers["set-cookie"].startswith(f"{SESSION_COOKIE}=; Max-Age=0;")
    await shut_out(browser, page.cookie)
    assert (await kept.me()).status_code == 200
    row = await owner.fetchrow("SELECT * FROM spyne.audit_log WHERE action = 'session:end'")
    assert (row["verb"], row["entity_id"]) == ("LOGOUT", page.id)


async def test_logging_out_with_a_token_ends_it_and_its_session(
    browser: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("VIEWER")
    tokens = await tokens_of(browser, name)
    out = await browser.post(LOGOUT, headers=bearer(tokens["access_token"]))
    assert out.status_code == 204
    assert "set-cookie" not in out.headers
    await shut_out(browser, bearer(tokens["access_token"]))
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await browser.post("/api/auth/token", data=form)).json()["error"] == "invalid_grant"
    assert await owner.fetchval("SELECT count(*) FROM spyne.revoked_tokens") == 1
    key = await identities.api_key("ADMIN")
    refused = await browser.post(LOGOUT, headers={"X-API-Key": key})
    assert (refused.status_code, refused.json()["code"]) == (409, "no-session")
    assert (await browser.get("/api/auth/me", headers={"X-API-Key": key})).status_code == 200


async def test_people_see_and_end_their_own_sessions(
    browser: httpx.AsyncClient, identities: Identities, admin: httpx.AsyncClient, as_role: ClientOf
) -> None:
    name, id_ = await identities.user("VIEWER")
    page, other = await page_of(browser, name), await page_of(browser, name)
    tokens = await tokens_of(browser, name, scope="tables:read")
    listed = (await browser.get(SESSIONS, headers=page.cookie)).json()["items"]
    assert [(one["kind"], one["current"]) for one in listed] == [
        ("token", False),
        ("browser", False),
        ("browser", True),
    ]
    assert listed[0]["scope"] == ["tables:read"]
    assert {one["username"] for one in listed} == {name}
    with_token = (await browser.get(SESSIONS, headers=bearer(tokens["access_token"]))).json()["items"]
    assert [one["current"] for one in with_token] == [True, False, False]
    stranger = await as_role("VIEWER")
    assert (await stranger.get(SESSIONS)).json()["items"] == []
    for asked in ({"user_id": str(id_)}, {"all": "true"}):
        assert (await stranger.get(SESSIONS, params=asked)).status_code == 403
        assert len((await admin.get(SESSIONS, params=asked)).json()["items"]) == 3
    assert (await stranger.delete(f"{SESSIONS}/{other.id}")).status_code == 404
    assert (await other.me()).status_code == 200
    own = await browser.get(SESSIONS, params={"user_id": str(id_)}, headers=page.cookie)
    assert len(own.json()["items"]) == 3
    ended = await browser.delete(f"{SESSIONS}/{other.id}", headers=page.writing)
    assert ended.status_code == 204
    await shut_out(browser, other.cookie)
    assert (await admin.delete(f"{SESSIONS}/{page.id}")).status_code == 204
    await shut_out(browser, page.cookie)
    assert [one["kind"] for one in (await admin.get(SESSIONS, params={"all": "true"})).json()["items"]] == ["token"]
    assert (await admin.delete(f"{SESSIONS}/{id_}")).status_code == 404


async def test_sessions_open_and_end_in_maintenance(
    browser: httpx.AsyncClient, identities: Identities, admin: httpx.AsyncClient
) -> None:
    name, _ = await identities.user("ADMIN")
    switched = await admin.put("/system/maintenance", json={"mode": "maintenance", "reason": "test"})
    assert switched.status_code == 200, switched.text
    page = await page_of(browser, name)
    assert (await browser.post(LOGOUT, headers=page.writing)).status_code == 204


async def test_idle_and_old_sessions_are_over(
    browser: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("VIEWER")
    idle, old, young = [await page_of(browser, name) for _ in range(3)]
    sql = "UPDATE spyne.sessions SET {} WHERE id = $1::uuid"
    await owner.execute(sql.format("last_seen_at = last_seen_at - interval '62 minutes'"), idle.id)
    await owner.execute(sql.format("created_at = created_at - interval '12 hours'"), old.id)
    await owner.execute(sql.format("last_seen_at = last_seen_at - interval '59 minutes'"), young.id)
    assert (await idle.me()).status_code == (await old.me()).status_code == 401
    assert (await young.me()).status_code == 200


async def test_a_changed_password_ends_all_other_sessions(browser: httpx.AsyncClient, identities: Identities) -> None:
    name, id_ = await identities.user("VIEWER")
    page, other = await page_of(browser, name), await page_of(browser, name)
    change = {"current_password": PASSWORD, "password": "another horse battery staple"}
    changed = await browser.post(f"/api/users/{id_}/password", json=change, headers=page.writing)
    assert changed.status_code in {200, 204}, changed.text
    await shut_out(browser, other.cookie)
    assert (await page.me()).status_code == 200
    assert (await log_in(browser, name)).status_code == 401
    again = await log_in(browser, name, "another horse battery staple")
    listed = (await browser.get(SESSIONS, headers={"Cookie": again.headers["set-cookie"].partition(";")[0]})).json()
    assert {one["id"] for one in listed["items"]} == {again.json()["id"], page.id}
