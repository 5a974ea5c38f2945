"""ID tokens that cannot be relied on, as a provider in error or in other hands would issue them."""

import time
from typing import Any

import asyncpg
import pytest

from app.access.oidc.provider import OidcProvider
from tests.access.oidc.conftest import Browser, NewBrowser, RunningProvider, problem
from tests.access.oidc.provider import CLIENT_ID, DELETED


def now() -> int:
    return int(time.time())


def wrong_claims(issuer: str) -> dict[str, dict[str, Any]]:
    """By what is wrong; times are relative to now."""
    at = now()
    return {
        "aud another": {"aud": "another"},
        "aud others": {"aud": ["another", "third"]},
        "aud ours among others, no azp": {"aud": [CLIENT_ID, "another"]},
        "aud ours among others, azp another": {"aud": [CLIENT_ID, "another"], "azp": "another"},
        "aud another, azp ours": {"aud": "another", "azp": CLIENT_ID},
        "aud others, azp ours": {"aud": ["another", "third"], "azp": CLIENT_ID},
        "aud empty": {"aud": []},
        "aud number": {"aud": 7},
        "aud missing": {"aud": DELETED},
        "azp another": {"azp": "another"},
        "azp list": {"azp": [CLIENT_ID]},
        "iss another": {"iss": "https://evil.example"},
        "iss with a slash": {"iss": f"{issuer}/"},
        "iss list": {"iss": [issuer]},
        "iss missing": {"iss": DELETED},
        "exp beyond the leeway": {"exp": at - 70},
        "exp text": {"exp": str(at + 300)},
        "exp true": {"exp": True},
        "exp null": {"exp": None},
        "exp missing": {"exp": DELETED},
        "iat beyond the leeway": {"iat": at + 90},
        "iat missing": {"iat": DELETED},
        "iat text": {"iat": "now"},
        "nbf beyond the leeway": {"nbf": at + 90},
        "nonce another": {"nonce": "A" * 43},
        "nonce empty": {"nonce": ""},
        "nonce missing": {"nonce": DELETED},
        "nonce list": {"nonce": ["A" * 43]},
        "sub missing": {"sub": DELETED},
        "sub empty": {"sub": ""},
        "sub number": {"sub": 7},
        "sub too long": {"sub": "x" * 256},
        "sub not ASCII": {"sub": "é"},
        "sub with a line break": {"sub": "a\nb"},
        "at_hash another": {"at_hash": "A" * 22},
        "at_hash empty": {"at_hash": ""},
        "at_hash number": {"at_hash": 7},
    }


FORGERIES = [
    "none", "HS256 by PEM", "HS256 by DER", "HS256 by the client secret", "cut", "flipped", "JWE", "crit",
]  # fmt: skip


async def test_tokens_that_say_something_wrong(
    browser: Browser, provider: RunningProvider, owner: asyncpg.Connection
) -> None:
    cases = wrong_claims(provider.issuer)
    for name, claims in cases.items():
        provider.plan(claims=claims)
        answer = await browser.log_in()
        assert answer.status_code == 401, name
        problem(answer, 401, "oidc-invalid-id-token")
        assert "WWW-Authenticate" in answer.headers
    assert await owner.fetchval("SELECT count(*) FROM spyne.users") == 0
    rows = await owner.fetch("SELECT after->>'reason' AS reason, outcome FROM spyne.audit_log")
    assert len(rows) == len(cases)
    assert {row["outcome"] for row in rows} == {"failure"}
    assert all(row["reason"].startswith("ID token: ") for row in rows)


async def test_tokens_that_are_signed_wrongly(browser: Browser, provider: RunningProvider) -> None:
    for how in FORGERIES:
        provider.plan(forge=how)
        answer = await browser.log_in()
        assert answer.status_code == 401, how
        problem(answer, 401, "oidc-invalid-id-token")


async def test_within_the_leeway_clocks_may_differ(new_browser: NewBrowser, provider: RunningProvider) -> None:
    at = now()
    for claims in ({"exp": at - 30}, {"iat": at + 30}, {"nbf": at + 30}, {"nbf": at - 10}):
        provider.plan(claims=claims)
        assert (await new_browser().log_in()).status_code == 303, claims


@pytest.mark.parametrize("changes", [{"leeway_seconds": 0}])
async def test_without_a_leeway_they_may_not(browser: Browser, provider: RunningProvider) -> None:
    for claims in ({"exp": now() - 1}, {"iat": now() + 5}):
        provider.plan(claims=claims)
        problem(await browser.log_in(), 401, "oidc-invalid-id-token")


async def test_audiences_beside_ours_need_us_as_the_authorized_party(
    browser: Browser, provider: RunningProvider
) -> None:
    for claims in ({"aud": CLIENT_ID}, {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID}, {"azp": CLIENT_ID}):
        provider.plan(claims=claims)
        assert (await browser.log_in()).status_code == 303, claims


async def test_keys_of_the_provider_change_while_people_log_in(
    new_browser: NewBrowser, provider: RunningProvider
) -> None:
    assert (await new_browser().log_in()).status_code == 303
    fetched = provider.seen("jwks")
    assert (await new_browser().log_in()).status_code == 303
    assert provider.seen("jwks") == fetched  # kept
    provider.tell("_rotate")
    assert (await new_browser().log_in()).status_code == 303  # a kid that was not known
    assert provider.seen("jwks") == fetched + 1
    provider.plan(claims={"x": 1}, retired=True)  # signed by the key that is gone
    for _ in range(3):
        problem(await new_browser().log_in(), 401, "oidc-invalid-id-token")
    assert provider.seen("jwks") == fetched + 1  # not fetched again for every one of them


async def test_unknown_keys_make_the_set_be_fetched_twice_a_minute_at_most(
    browser: Browser, provider: RunningProvider, client_side: OidcProvider
) -> None:
    provider.plan(claims={"x": 1}, kid="nobody's")
    before = provider.seen("jwks")
    for _ in range(3):
        problem(await browser.log_in(), 401, "oidc-invalid-id-token")
    assert provider.seen("jwks") == before + 2  # the first fetch, and the one for the unknown key
    client_side._sought_at -= 30
    problem(await browser.log_in(), 401, "oidc-invalid-id-token")
    assert provider.seen("jwks") == before + 3


async def test_a_token_without_kid_is_verified_by_the_only_key_that_can_be_meant(
    browser: Browser, provider: RunningProvider
) -> None:
    provider.plan(claims={"x": 1}, kid=None)
    assert (await browser.log_in()).status_code == 303


async def test_what_was_fetched_is_kept_for_a_bounded_time(
    new_browser: NewBrowser, provider: RunningProvider, client_side: OidcProvider
) -> None:
    for _ in range(3):
        assert (await new_browser().log_in()).status_code == 303
    documents, keys = provider.seen("openid-configuration"), provider.seen("jwks")
    client_side._keys.at -= 601
    client_side._metadata.at -= 3601
    assert (await new_browser().log_in()).status_code == 303
    assert provider.seen("openid-configuration") == documents + 1
    assert provider.seen("jwks") == keys + 1


async def test_a_session_is_not_for_whom_no_token_vouches(browser: Browser, provider: RunningProvider) -> None:
    provider.plan(forge="none")
    answer = await browser.log_in()
    assert [cookie.partition("=")[0] for cookie in answer.headers.get_list("Set-Cookie")] == ["__Host-spyne_oidc"]
    assert (await browser.http.get("/api/auth/me")).status_code == 401
