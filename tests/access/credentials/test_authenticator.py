"""The authenticator against the real database, as two processes have it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from fastapi import Request
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from app.access.credentials.authenticator import (
    Directory,
    DirectoryAuthenticator,
    InvalidSession,
    LeastRecentlyUsed,
    TwoCredentials,
    UnknownKey,
)
from app.access.credentials.keys import fresh_key
from app.access.credentials.tokens import CURRENT_KEY, AccessTokens, InvalidToken
from app.access.subject_status import SubjectStatus
from app.access.subjects import user_subject
from app.kernel.clock import utc_now
from app.kernel.db.database import Database
from app.kernel.problems import Unauthenticated
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind, Permission
from app.kernel.security.credential_headers import SCOPE_KEY, SESSION_COOKIE, read_credential
from app.settings import DatabaseSettings
from tests.access.administration import change
from tests.access.credentials.hostile_tokens import hostile_tokens
from tests.promises import promised

PASSWORD = "correct horse battery staple"
WITHIN_SECONDS = 1.0
"""What is promised; measured from the commit of the change."""


def _request(*headers: tuple[str, str]) -> Request:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    found = {SCOPE_KEY: shown} if (shown := read_credential(raw)) is not None else {}  # as the door does
    return Request({"type": "http", "method": "GET", "headers": raw, "client": ("192.0.2.7", 5), **found})


def _bearer(token: str) -> Request:
    return _request(("authorization", f"Bearer {token}"))


def _key(text: str) -> Request:
    return _request(("x-api-key", text))


@pytest.fixture
def authenticator(resources: Resources) -> DirectoryAuthenticator:
    return DirectoryAuthenticator(resources.database, resources.secret, resources.settings.access)


@pytest.fixture
def another(resources: Resources) -> DirectoryAuthenticator:
    """As another process on the same database has it."""
    return DirectoryAuthenticator(resources.database, resources.secret, resources.settings.access)


async def _user(resources: Resources, *roles: str) -> tuple[UUID, str]:
    user = await change(resources, lambda access: access.users.create(SYSTEM, "ada", PASSWORD, roles))
    tokens = AccessTokens(resources.secret, resources.settings.access)
    return user.id, tokens.issue(user_subject(user.id), utc_now()).text


async def _client_with_key(resources: Resources, *roles: str) -> tuple[UUID, UUID, str]:
    client = await change(resources, lambda access: access.clients.create(SYSTEM, "loader", roles))
    key, text = await change(resources, lambda access: access.clients.issue_key(SYSTEM, client.id))
    return client.id, key.id, text


async def _refused_in_time(call: Callable[[], Awaitable[Actor]]) -> float:
    """Seconds until the call is refused, as promised; every call before must succeed."""

    async def refused() -> bool:
        with contextlib.suppress(Unauthenticated):
            await call()
            return False
        return True

    return await promised(refused, WITHIN_SECONDS, 0.01)


async def test_a_token_and_a_key_give_their_holders(
    resources: Resources, authenticator: DirectoryAuthenticator
) -> None:
    user_id, token = await _user(resources, "ANALYST", "APPROVER")
    client_id, key_id, text = await _client_with_key(resources, "ENGINEER")
    person, service = await authenticator(_bearer(token)), await authenticator(_key(text))
    assert (person.kind, person.id, person.label) == (ActorKind.USER, user_id, "ada")
    assert person.roles == {"ANALYST", "APPROVER"}
    assert Permission.QUERY_OVERRIDE_JOINS in person.permissions
    assert (service.kind, service.id, service.label) == (ActorKind.CLIENT, client_id, "loader")
    assert service.credential_id == str(key_id)
    assert Permission.INGESTION_WRITE in service.permissions
    assert Permission.TABLES_PROMOTE not in service.permissions


async def test_every_hostile_token_is_refused(resources: Resources, authenticator: DirectoryAuthenticator) -> None:
    for name, token in hostile_tokens(resources.secret.key(CURRENT_KEY), utc_now()).items():
        with pytest.raises(InvalidToken):
            print(name, await authenticator(_bearer(token.decode("latin-1"))))
    assert len(authenticator._by_token) == 0


NO_CREDENTIALS: list[tuple[list[tuple[str, str]], type[Exception]]] = [
    ([], Unauthenticated),
    ([("authorization", "")], InvalidToken),
    ([("authorization", "Bearer")], InvalidToken),
    ([("authorization", "Bearer ")], InvalidToken),
    ([("authorization", "Basic YTpi")], InvalidToken),
    ([("x-api-key", "")], UnknownKey),
    ([("x-api-key", "\xff\x00")], UnknownKey),
    ([("x-api-key", fresh_key().text)], UnknownKey),
    ([("authorization", f"Bearer {fresh_key().text}")], InvalidToken),
    ([("x-user-role", "ADMIN")], Unauthenticated),
    ([("authorization", "Bearer a"), ("authorization", "Bearer b")], TwoCredentials),
    ([("authorization", "Bearer a"), ("x-api-key", "b")], TwoCredentials),
    ([("x-api-key", "a"), ("x-api-key", "a")], TwoCredentials),
    ([("cookie", f"{SESSION_COOKIE}=a"), ("cookie", f"{SESSION_COOKIE}=b")], TwoCredentials),
    ([("cookie", f"{SESSION_COOKIE}=a")], InvalidSession),
    ([("cookie", "a=b")], Unauthenticated),
]


async def test_what_is_no_credential_is_refused(authenticator: DirectoryAuthenticator) -> None:
    for headers, refusal in NO_CREDENTIALS:
        with pytest.raises(refusal):
            print(headers, await authenticator(_request(*headers)))
    assert len(authenticator._by_token) == len(authenticator._by_key) == 0


async def test_a_key_with_another_secret_is_refused(
    resources: Resources, authenticator: DirectoryAuthenticator
) -> None:
    _, _, text = await _client_with_key(resources, "ENGINEER")
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    with pytest.raises(UnknownKey):
        await authenticator(_key(wrong))
    assert await authenticator(_key(text))


async def test_disabling_a_user_counts_everywhere_within_a_second(
    resources: Resources, authenticator: DirectoryAuthenticator, another: DirectoryAuthenticator
) -> None:
    user_id, token = await _user(resources, "ENGINEER")
    await asyncio.gather(authenticator(_bearer(token)), another(_bearer(token)))
    await change(resources, lambda access: access.users.disable(SYSTEM, user_id))
    await asyncio.gather(
        _refused_in_time(lambda: authenticator(_bearer(token))), _refused_in_time(lambda: another(_bearer(token)))
    )
    await change(resources, lambda access: access.users.enable(SYSTEM, user_id))
    fresh = AccessTokens(resources.secret, resources.settings.access).issue(user_subject(user_id), utc_now(), epoch=1)

    async def let_in() -> bool:
        with contextlib.suppress(Unauthenticated):
            return bool(await authenticator(_bearer(fresh.text)))
        return False

    await promised(let_in, WITHIN_SECONDS)
    with pytest.raises(InvalidToken):  # it was ended, not suspended
        await authenticator(_bearer(token))


async def test_a_changed_role_counts_everywhere_within_a_second(
    resources: Resources, authenticator: DirectoryAuthenticator, another: DirectoryAuthenticator
) -> None:
    await change(resources, lambda access: access.users.create(SYSTEM, "root", PASSWORD, ["ADMIN"]))
    user_id, token = await _user(resources, "ADMIN")
    for process in (authenticator, another):
        assert (await process(_bearer(token))).may(Permission.USERS_ADMIN)
    await change(resources, lambda access: access.users.set_roles(SYSTEM, user_id, ["VIEWER"]))

    async def changed(process: DirectoryAuthenticator) -> bool:
        actor = await process(_bearer(token))
        assert actor.roles == {"VIEWER"}
        return not actor.may(Permission.USERS_ADMIN)

    await asyncio.gather(*(promised(partial(changed, each), WITHIN_SECONDS) for each in (authenticator, another)))


async def test_revoking_a_key_counts_everywhere_and_ends_its_tokens(
    resources: Resources, authenticator: DirectoryAuthenticator, another: DirectoryAuthenticator
) -> None:
    client_id, key_id, text = await _client_with_key(resources, "ENGINEER")
    tokens = AccessTokens(resources.secret, resources.settings.access)
    token = tokens.issue(f"client:{client_id}", utc_now(), key_id=key_id).text
    for process in (authenticator, another):
        await process(_key(text))
        await process(_bearer(token))
    await change(resources, lambda access: access.clients.revoke_key(SYSTEM, client_id, key_id))
    await asyncio.gather(
        _refused_in_time(lambda: authenticator(_key(text))),
        _refused_in_time(lambda: another(_key(text))),
        _refused_in_time(lambda: authenticator(_bearer(token))),
        _refused_in_time(lambda: another(_bearer(token))),
    )


async def test_a_revoked_token_is_refused_and_others_of_the_user_are_not(
    resources: Resources, authenticator: DirectoryAuthenticator
) -> None:
    user_id, token = await _user(resources, "VIEWER")
    tokens = AccessTokens(resources.secret, resources.settings.access)
    kept = tokens.issue(user_subject(user_id), utc_now()).text
    claims = tokens.verify(token.encode(), utc_now())
    await authenticator(_bearer(token))
    await change(
        resources, lambda access: access.tokens.revoke(SYSTEM, ActorKind.USER, user_id, claims.jti, claims.expires_at)
    )
    await _refused_in_time(lambda: authenticator(_bearer(token)))
    assert await authenticator(_bearer(kept))


async def test_a_remembered_token_and_key_end_at_their_time(resources: Resources) -> None:
    user_id, token = await _user(resources, "VIEWER")
    client_id, _, _ = await _client_with_key(resources, "VIEWER")
    now = utc_now()
    _, text = await change(
        resources, lambda access: access.clients.issue_key(SYSTEM, client_id, now + timedelta(seconds=60))
    )
    times = [now]
    authenticator = DirectoryAuthenticator(
        resources.database, resources.secret, resources.settings.access, lambda: times[-1]
    )
    assert (await authenticator(_bearer(token))).id == user_id
    assert (await authenticator(_key(text))).id == client_id
    times.append(now + timedelta(seconds=60))
    with pytest.raises(UnknownKey):
        await authenticator(_key(text))
    times.append(now + timedelta(seconds=resources.settings.access.token_lifetime_seconds))
    with pytest.raises(InvalidToken):
        await authenticator(_bearer(token))


async def test_a_token_for_a_user_who_never_was_is_refused(
    resources: Resources, authenticator: DirectoryAuthenticator
) -> None:
    tokens = AccessTokens(resources.secret, resources.settings.access)
    with pytest.raises(InvalidToken):
        await authenticator(_bearer(tokens.issue(user_subject(UUID(int=1)), utc_now()).text))


async def test_warm_requests_ask_the_database_nothing(
    resources: Resources, authenticator: DirectoryAuthenticator
) -> None:
    _, token = await _user(resources, "VIEWER")
    statements: list[str] = []
    event.listen(
        resources.database.reader.sync_engine,
        "before_cursor_execute",
        lambda _c, _u, statement, *_: statements.append(statement),
    )
    await asyncio.gather(*(authenticator(_bearer(token)) for _ in range(50)))
    assert len(statements) == 1, "fifty at once share one look"
    for _ in range(100):
        await authenticator(_bearer(token))
    assert len(statements) == 1


async def test_a_database_that_is_away_is_not_a_refusal(
    resources: Resources, authenticator: DirectoryAuthenticator
) -> None:
    _, token = await _user(resources, "VIEWER")
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none", DatabaseSettings(pool_timeout_seconds=1))
    working, authenticator._database = authenticator._database, away
    for request in (_bearer(token), _key(fresh_key().text)):
        with pytest.raises((OSError, DBAPIError, OperationalError, InterfaceError)):
            await authenticator(request)
    authenticator._database = working
    assert await authenticator(_bearer(token)), "the failure was not remembered"
    await away.dispose()


async def test_whoever_is_cancelled_leaves_the_look_to_the_others() -> None:
    looks: list[str] = []
    go = asyncio.Event()
    found = SubjectStatus(
        label="ada", active=True, roles=frozenset(), permissions=frozenset(), revoked=frozenset(), keys={}
    )

    async def load(subject: str) -> SubjectStatus:
        looks.append(subject)
        await go.wait()
        return found

    directory = Directory(load, 10)
    first, second = asyncio.create_task(directory.status("s")), asyncio.create_task(directory.status("s"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await second is found
    assert await directory.status("s") is found
    assert looks == ["s"]


async def test_a_failing_look_fails_all_who_wait_and_is_tried_again() -> None:
    answers: list[Exception | None] = [ConnectionError("away"), None]

    async def load(_: str) -> None:
        await asyncio.sleep(0)
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    directory = Directory(load, 10)
    failures = await asyncio.gather(*(directory.status("s") for _ in range(3)), return_exceptions=True)
    assert [type(failure) for failure in failures] == [ConnectionError] * 3
    assert await directory.status("s") is None
    assert answers == []


def test_the_least_recently_used_goes_first() -> None:
    kept: LeastRecentlyUsed[int] = LeastRecentlyUsed(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (len(kept), kept.get("a"), kept.get("b"), kept.get("c")) == (2, 1, None, 3)
