"""Log-ins at a real provider: the way of one browser, what binds it, and who one is afterwards."""

import asyncio
import re
import secrets
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.oidc.attempt import COOKIE, KEY, Attempt, opened, sealed
from app.access.oidc.provider import OidcProvider
from app.kernel.clock import utc_now
from tests.access.oidc.conftest import HERE, Browser, NewBrowser, RunningProvider, problem
from tests.conftest import SECRET
from tests.waiting import eventually

SESSION = "__Host-spyne_session"
BEGIN, CALLBACK = "/api/auth/oidc/login", "/api/auth/oidc/callback"


async def test_a_person_logs_in_and_is_known(
    browser: Browser, provider: RunningProvider, owner: asyncpg.Connection
) -> None:
    answer = await browser.log_in(return_to="/docs?tab=1#top")
    assert answer.status_code == 303, answer.text
    assert (answer.headers["Location"], answer.headers["Cache-Control"]) == ("/docs?tab=1#top", "no-store")
    cookies = answer.headers.get_list("Set-Cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [COOKIE, SESSION]
    assert all({"Path=/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; ")) for cookie in cookies)
    assert "Max-Age=0" in cookies[0]
    me = await browser.me()
    assert (me["kind"], me["name"], me["roles"], me["permissions"]) == ("user", "ada.lovelace", [], [])
    row = await owner.fetchrow("SELECT * FROM spyne.users")
    assert row is not None
    assert (row["auth_provider"], row["provider_issuer"], row["email"], row["display_name"], row["password_hash"]) == (
        "oidc",
        provider.issuer,
        "ada@example.org",
        "Ada Lovelace",
        None,
    )
    assert row["last_login_at"] is not None
    actions = await owner.fetch("SELECT action, outcome FROM spyne.audit_log ORDER BY id")
    assert [tuple(each) for each in actions] == [
        ("user:create", "success"),
        ("session:open", "success"),
        ("user:login", "success"),
    ]


async def test_the_same_person_is_the_same_user(new_browser: NewBrowser) -> None:
    ids = set()
    for _ in range(3):
        browser = new_browser()
        assert (await browser.log_in()).status_code == 303
        ids.add((await browser.me())["id"])
    assert len(ids) == 1


async def test_every_accepted_algorithm(browser: Browser, provider: RunningProvider) -> None:
    for algorithm in ("RS256", "ES256", "PS256", "EdDSA"):
        provider.register(algorithm)
        assert (await browser.log_in()).status_code == 303, algorithm


@pytest.mark.parametrize("changes", [{"algorithms": ("ES256",)}])
async def test_an_algorithm_that_is_not_accepted(browser: Browser) -> None:
    problem(await browser.log_in(), 401, "oidc-invalid-id-token")


async def test_the_request_to_the_provider_is_code_with_pkce_bound_to_the_browser(browser: Browser) -> None:
    url = httpx.URL(await browser.begin())
    asked = dict(url.params)
    shown = "response_type client_id redirect_uri scope state nonce code_challenge code_challenge_method"
    assert asked.keys() == set(shown.split())
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == f"{HERE}{CALLBACK}"
    cookie = browser.http.cookies[COOKIE]
    for secret in ("state", "nonce", "code_challenge"):
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", asked[secret])
        assert asked[secret] not in cookie
    attempt = opened([(b"cookie", f"{COOKIE}={cookie}".encode())], [SECRET.key(KEY)])
    assert attempt is not None
    assert (attempt.state, attempt.nonce) == (asked["state"], asked["nonce"])
    again = httpx.URL(await browser.begin()).params
    assert not {again[name] for name in ("state", "nonce", "code_challenge")} & set(asked.values())


async def test_the_provider_enforces_pkce(browser: Browser, provider: RunningProvider) -> None:
    url = httpx.URL(await browser.begin())
    for name in ("code_challenge", "code_challenge_method"):
        url = url.copy_remove_param(name)
    assert "code_challenge" in provider.http.get(url).text
    other = httpx.URL(await browser.begin()).copy_set_param("code_challenge", "A" * 43)
    problem(await browser.http.get(browser.at_provider(str(other))), 400, "oidc-code-refused")


async def test_a_callback_is_taken_once(browser: Browser, new_browser: NewBrowser, owner: asyncpg.Connection) -> None:
    url = browser.at_provider(await browser.begin())
    kept = browser.http.cookies[COOKIE]
    assert (await browser.http.get(url)).status_code == 303
    problem(await browser.http.get(url), 400, "oidc-login-not-begun")  # the cookie is gone
    thief = new_browser()
    header = {"Cookie": f"{COOKIE}={kept}"}
    problem(await thief.http.get(url, headers=header), 400, "oidc-login-not-begun")  # and a copy of it is of no use
    assert await owner.fetchval("SELECT count(*) FROM spyne.sessions") == 1


async def test_a_callback_is_taken_once_of_many_at_once(browser: Browser, app: FastAPI) -> None:
    url = browser.at_provider(await browser.begin())
    header = {"Cookie": f"{COOKIE}={browser.http.cookies[COOKIE]}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        answers = await asyncio.gather(*(client.get(url, headers=header) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400]


async def test_another_browser_cannot_end_the_log_in(browser: Browser, new_browser: NewBrowser) -> None:
    url = browser.at_provider(await browser.begin())
    other = new_browser()
    problem(await other.http.get(url), 400, "oidc-login-not-begun")
    await other.begin()
    problem(await other.http.get(url), 400, "oidc-login-not-begun")
    assert (await browser.http.get(url)).status_code == 303  # which it can still do itself


def cookie_with(value: str) -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={value}"}


async def test_states_and_cookies_that_are_not_the_attempts(browser: Browser, app: FastAPI) -> None:
    url = httpx.URL(browser.at_provider(await browser.begin()))
    good = browser.http.cookies[COOKIE]
    state = url.params["state"]
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    attempt = opened([(b"cookie", f"{COOKIE}={good}".encode())], [SECRET.key(KEY)])
    assert attempt is not None
    own = SECRET.key(KEY)
    old = sealed(replace(attempt, began_at=attempt.began_at - 601), own)
    later = sealed(replace(attempt, began_at=attempt.began_at + 60), own)
    foreign = sealed(attempt, secrets.token_bytes(32))
    states = ["", state[:-1], state + "A", state.swapcase(), "A" * 43, f"{state} ", f"{state}\x00", "é" * 43]
    first, last = ("B" if good[0] == "A" else "A"), ("BBBB" if good.endswith("AAAA") else "AAAA")
    values = ["", good[:-2], good[:-4] + last, first + good[1:], f"{good}=", f'"{good}"', "A" * 5000, "é", "{}"]
    values += [made.partition("=")[2].partition(";")[0] for made in (old, later, foreign)]
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
        for wrong in states:
            answer = await client.get(url.copy_set_param("state", wrong), headers=cookie_with(good))
            assert answer.status_code in {400, 422}, wrong
        answer = await client.get(url.copy_remove_param("state"), headers=cookie_with(good))
        problem(answer, 400, "oidc-login-not-begun")
        for value in values:
            header = [(b"Cookie", f"{COOKIE}={value}".encode())]
            problem(await client.get(url, headers=header), 400, "oidc-login-not-begun")
        twice = {"Cookie": f"{COOKIE}={good}; {COOKIE}={good}"}
        problem(await client.get(url, headers=twice), 400, "oidc-login-not-begun")
        assert (await client.get(url, headers=cookie_with(good))).status_code == 303


def test_an_attempt_is_over_after_ten_minutes_and_shows_no_secret() -> None:
    now = utc_now()
    attempt = Attempt.begun("/", now)
    assert not attempt.is_over(now)
    assert attempt.is_over(attempt.ends_at)
    assert attempt.state not in repr(attempt)
    assert attempt.verifier not in repr(attempt)


async def test_a_code_is_good_once_at_the_provider(browser: Browser, new_browser: NewBrowser) -> None:
    first = httpx.URL(browser.at_provider(await browser.begin()))
    assert (await browser.http.get(first)).status_code == 303
    other = new_browser()
    second = httpx.URL(other.at_provider(await other.begin()))
    answer = await other.http.get(second.copy_set_param("code", first.params["code"]))
    problem(answer, 400, "oidc-code-refused")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


async def test_answers_of_another_provider(browser: Browser, provider: RunningProvider) -> None:
    for wrong in ("https://evil.example", provider.issuer + "/", provider.issuer.upper(), ""):
        url = httpx.URL(browser.at_provider(await browser.begin()))
        assert url.params["iss"] == provider.issuer  # RFC 9207
        problem(await browser.http.get(url.copy_set_param("iss", wrong)), 400, "oidc-invalid-callback")
    url = httpx.URL(browser.at_provider(await browser.begin())).copy_remove_param("iss")
    assert (await browser.http.get(url)).status_code == 303  # the provider does not promise it


async def test_a_provider_that_promises_to_name_itself_must(browser: Browser, provider: RunningProvider) -> None:
    provider.plan(metadata={"authorization_response_iss_parameter_supported": True})
    url = httpx.URL(browser.at_provider(await browser.begin())).copy_remove_param("iss")
    problem(await browser.http.get(url), 400, "oidc-invalid-callback")


async def test_a_callback_without_code(browser: Browser) -> None:
    url = httpx.URL(browser.at_provider(await browser.begin()))
    problem(await browser.http.get(url.copy_remove_param("code")), 400, "oidc-invalid-callback")


ERRORS = {
    "access_denied": (403, "oidc-login-denied"),
    "login_required": (403, "oidc-login-denied"),
    "temporarily_unavailable": (503, "oidc-provider-away"),
    "server_error": (502, "oidc-provider-fault"),
    "invalid_scope": (502, "oidc-provider-fault"),
    "<script>alert(2)</script>": (502, "oidc-provider-fault"),
}


async def test_what_the_provider_says_is_not_repeated(browser: Browser, provider: RunningProvider) -> None:
    for error, expected in ERRORS.items():
        provider.plan(error=error)
        answer = await browser.log_in()
        problem(answer, *expected)
        assert "alert" not in answer.text + str(answer.headers)


@pytest.mark.parametrize("changes", [{"issuer": None}])
async def test_without_a_provider_there_is_nothing_here(anonymous: httpx.AsyncClient) -> None:
    for path in (BEGIN, f"{BEGIN}?return_to=//evil.example", CALLBACK, f"{CALLBACK}?state=x&code=y"):
        problem(await anonymous.get(path), 404, "oidc-not-configured")


async def test_a_new_log_in_ends_the_browsers_old_session(browser: Browser, owner: asyncpg.Connection) -> None:
    assert (await browser.log_in()).status_code == 303
    assert (await browser.log_in("bob")).status_code == 303
    rows = await owner.fetch("SELECT method, ended_at IS NULL AS live FROM spyne.sessions ORDER BY id")
    assert [tuple(row) for row in rows] == [("oidc", False), ("oidc", True)]
    assert (await browser.me())["name"] == "bob-o-neil-"


async def test_no_database_session_is_open_while_the_provider_is_asked(
    browser: Browser, client_side: OidcProvider, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = app.state.resources.database
    questions: list[object] = []
    asked = client_side._http.request

    def nothing_is_open() -> bool:
        return database.writer.pool.checkedout() + database.reader.pool.checkedout() == 0

    async def watched(*args: Any, **kwargs: Any) -> Any:
        # Background tasks look into the database now and then; a session of the log-in itself would wait for this.
        await eventually(nothing_is_open, 10)
        questions.append(args)
        return await asked(*args, **kwargs)

    monkeypatch.setattr(client_side._http, "request", watched)
    assert (await browser.log_in()).status_code == 303
    assert len(questions) == 3  # discovery, code, keys
