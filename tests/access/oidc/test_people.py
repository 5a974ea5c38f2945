"""Who a person is here after a log-in at the provider, and what they may do."""

import asyncio
import json

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.oidc.mapping import mapped_roles, text, usernames
from app.access.users.service import UserService
from app.kernel.security.authorization import SYSTEM
from tests.access.oidc.conftest import Browser, NewBrowser, RunningProvider, problem
from tests.identities import Identities

MAPPING = {"data-team": ("ENGINEER",), "operators": ("ADMIN", "VIEWER")}


async def roles_in(owner: asyncpg.Connection) -> list[str]:
    return sorted(row[0] for row in await owner.fetch("SELECT role FROM spyne.user_roles"))


async def role_changes(owner: asyncpg.Connection) -> list[tuple[list[str], list[str]]]:
    rows = await owner.fetch(
        "SELECT before->'roles' AS was, after->'roles' AS now FROM spyne.audit_log "
        "WHERE action = 'user:set-roles' ORDER BY id"
    )
    return [(sorted(json.loads(row["was"])), sorted(json.loads(row["now"]))) for row in rows]


@pytest.mark.parametrize("changes", [{"roles_claim": "groups", "role_mapping": MAPPING}])
async def test_roles_follow_the_claim_at_every_log_in(
    browser: Browser, provider: RunningProvider, owner: asyncpg.Connection, identities: Identities
) -> None:
    await identities.user("ADMIN")
    await browser.log_in()
    assert (await browser.me())["roles"] == ["ENGINEER"]
    assert await role_changes(owner) == []
    await browser.log_in()
    assert await role_changes(owner) == []  # nothing changed, nothing is told
    steps = [
        (["operators", "data-team", 7, "unknown"], ["ADMIN", "ENGINEER", "VIEWER"]),
        ("operators", ["ADMIN", "VIEWER"]),
        ([], []),
        (["data-team"], ["ENGINEER"]),
        ("__deleted__", []),  # providers leave the claim out when there is nothing to tell
    ]
    for groups, roles in steps:
        provider.plan(claims={"groups": groups})
        await browser.log_in()
        assert (await browser.me())["roles"] == roles, groups
    changed = await role_changes(owner)
    assert [now for _, now in changed] == [roles for _, roles in steps]
    assert changed[0][0] == ["ENGINEER"]


@pytest.mark.parametrize("changes", [{"roles_claim": "groups", "role_mapping": MAPPING}])
async def test_roles_given_here_give_way_to_the_mapping(browser: Browser, app: FastAPI, identities: Identities) -> None:
    await identities.user("ADMIN")
    await browser.log_in("bob")
    user_id = (await browser.me())["id"]
    await app.state.resources.database.run(
        lambda session: app.state.resources.build(UserService, session).set_roles(
            SYSTEM, user_id, ["KNOWLEDGE_MANAGER"]
        )
    )
    await browser.log_in("bob")
    assert (await browser.me())["roles"] == ["ADMIN", "VIEWER"]


@pytest.mark.parametrize("changes", [{"roles_claim": "groups", "role_mapping": MAPPING}])
async def test_the_provider_does_not_take_the_last_admin_away(
    browser: Browser, provider: RunningProvider, identities: Identities
) -> None:
    await browser.log_in("bob")
    provider.plan(claims={"groups": ["data-team"]})
    await browser.log_in("bob")
    assert (await browser.me())["roles"] == ["ADMIN", "ENGINEER"]
    await identities.user("ADMIN")
    await browser.log_in("bob")
    assert (await browser.me())["roles"] == ["ENGINEER"]


@pytest.mark.parametrize("changes", [{"default_roles": ("VIEWER",)}])
async def test_without_a_claim_roles_are_given_here(browser: Browser, app: FastAPI, owner: asyncpg.Connection) -> None:
    await browser.log_in()
    assert await roles_in(owner) == ["VIEWER"]
    user_id = (await browser.me())["id"]
    await app.state.resources.database.run(
        lambda session: app.state.resources.build(UserService, session).set_roles(SYSTEM, user_id, ["ANALYST"])
    )
    await browser.log_in()
    assert await roles_in(owner) == ["ANALYST"]


async def test_a_new_person_may_do_nothing_yet(browser: Browser) -> None:
    await browser.log_in()
    assert (await browser.me())["permissions"] == []
    assert (await browser.http.get("/api/tables")).status_code == 403


async def test_no_local_account_is_taken_over(
    browser: Browser, app: FastAPI, identities: Identities, anonymous: httpx.AsyncClient
) -> None:
    resources = app.state.resources
    await resources.database.run(
        lambda session: resources.build(UserService, session).create(
            SYSTEM, "admin", "correct horse battery staple", ["ADMIN"], email="admin@example.org"
        )
    )
    await browser.log_in("admin")
    me = await browser.me()
    assert (me["name"], me["roles"]) == ("admin-2", [])
    form = {"grant_type": "password", "username": "admin-2", "password": ""}
    for password in ("x", "open sesame"):
        answer = await anonymous.post("/api/auth/token", data=form | {"password": password})
        assert answer.status_code in {400, 401}, answer.text
    assert identities is not None


async def test_names_are_made_fit_and_unique(new_browser: NewBrowser, provider: RunningProvider) -> None:
    names = []
    for username, claims in [
        ("bob", {}),
        ("nameless", {}),
        ("ada", {"preferred_username": "bob o'neil!"}),
        ("admin", {"preferred_username": 7}),
    ]:
        provider.plan(claims=claims)
        browser = new_browser()
        assert (await browser.log_in(username)).status_code == 303
        names.append((await browser.me())["name"])
    assert names == ["bob-o-neil-", "person", "bob-o-neil--2", "person-2"]


async def test_people_are_not_told_by_name_or_mail(new_browser: NewBrowser, provider: RunningProvider) -> None:
    first, second = new_browser(), new_browser()
    await first.log_in()
    provider.plan(claims={"preferred_username": "Ada.Lovelace", "email": "ada@example.org", "sub": "somebody else"})
    await second.log_in()
    assert (await first.me())["id"] != (await second.me())["id"]
    provider.plan(claims={"preferred_username": "countess", "email": "new@example.org"})
    third = new_browser()
    await third.log_in()
    assert (await third.me())["id"] == (await first.me())["id"]


async def test_a_disabled_person_is_refused(browser: Browser, app: FastAPI, owner: asyncpg.Connection) -> None:
    await browser.log_in()
    user_id = (await browser.me())["id"]
    await owner.execute("UPDATE spyne.users SET status = 'disabled' WHERE id = $1", user_id)
    answer = await browser.log_in()
    problem(answer, 403, "oidc-person-refused")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    last = await owner.fetchrow("SELECT action, outcome, after FROM spyne.audit_log ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert (last["action"], last["outcome"], json.loads(last["after"])["reason"]) == (
        "user:login",
        "failure",
        "disabled",
    )
    assert app is not None


@pytest.mark.parametrize("changes", [{"create_users": False}])
async def test_unknown_people_are_refused_where_none_are_made(
    browser: Browser, owner: asyncpg.Connection, provider: RunningProvider
) -> None:
    problem(await browser.log_in(), 403, "oidc-person-refused")
    assert await owner.fetchval("SELECT count(*) FROM spyne.users") == 0
    provider.plan(claims={"sub": "known"})
    await owner.execute(
        "INSERT INTO spyne.users (username, auth_provider, provider_issuer, provider_subject) "
        "VALUES ('known', 'oidc', $1, 'known')",
        provider.issuer,
    )
    assert (await browser.log_in()).status_code == 303


async def test_a_person_who_logs_in_twice_at_once_for_the_first_time_is_one(
    new_browser: NewBrowser, owner: asyncpg.Connection
) -> None:
    browsers = [new_browser() for _ in range(4)]
    urls = [browser.at_provider(await browser.begin()) for browser in browsers]
    answers = await asyncio.gather(*(b.http.get(url) for b, url in zip(browsers, urls, strict=True)))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert await owner.fetchval("SELECT count(*) FROM spyne.users") == 1
    assert await owner.fetchval("SELECT count(*) FROM spyne.sessions") == 4


def test_roles_come_from_the_named_claim_or_from_within_an_object() -> None:
    mapping = {"a": ["VIEWER"], "b": ["ADMIN", "VIEWER"]}
    assert mapped_roles({"groups": ["a"]}, None, mapping) is None
    for claims, claim, roles in [
        ({"groups": ["a", "b", "c"]}, "groups", {"VIEWER", "ADMIN"}),
        ({"groups": "a"}, "groups", {"VIEWER"}),
        ({"groups": {"a": 1}}, "groups", set()),
        ({}, "groups", set()),
        ({"realm": {"roles": ["b"]}}, "realm.roles", {"ADMIN", "VIEWER"}),
        ({"realm": ["b"]}, "realm.roles", set()),
        ({"https://x.example/roles": ["a"]}, "https://x.example/roles", {"VIEWER"}),
        ({"realm.roles": ["a"], "realm": {"roles": ["b"]}}, "realm.roles", {"VIEWER"}),
        ({"groups": ["A", "a "]}, "groups", set()),
    ]:
        assert mapped_roles(claims, claim, mapping) == roles, (claims, claim)


def test_names_fit_whatever_the_provider_says() -> None:
    for wanted, name in [
        ("Ada", "ada"),
        ("a@b.example", "a@b.example"),
        ("  .-_x", "x"),
        ("\uff21\uff24\uff2d\uff29\uff2e", "admin"),
        ("Ünal", "nal"),
        ("名前", "person"),
        ("", "person"),
        ("x" * 500, "x" * 56),
        ("a\x00b", "a-b"),
    ]:
        names = usernames({"preferred_username": wanted})
        assert next(names) == name
        assert next(names) == f"{name}-2"


def test_texts_are_bounded() -> None:
    assert text({"name": "x" * 1000}, "name") == "x" * 200
    for value in (None, 7, "", "a\x00", ["x"]):
        assert text({"name": value}, "name") is None
