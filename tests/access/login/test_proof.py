"""Proving a password: it counts for the person as they are at its end, and costs the same whoever is asked for."""

from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher

from app.access.passwords import passwords
from app.access.users.service import UserService
from app.kernel.db.database import WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.identities import PASSWORD, Identities

NEW = "another sentence, quite long"

Meanwhile = Callable[[UserService, UUID], Awaitable[object]]


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


async def _by_token(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    form = {"grant_type": "password", "username": name, "password": password}
    return await client.post("/api/auth/token", data=form)


async def _by_session(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    return await client.post("/api/sessions", json={"username": name, "password": password})


async def _set_password(users: UserService, id_: UUID) -> None:
    await users.replace_password(SYSTEM, await users.lock(id_), NEW)


MEANWHILE: dict[str, Meanwhile] = {
    "the password is changed": _set_password,
    "the user is disabled": lambda users, id_: users.disable(SYSTEM, id_),
    "the user is removed": lambda users, id_: users.delete(SYSTEM, id_),
}


def _while_verifying(
    monkeypatch: pytest.MonkeyPatch, resources: Resources, change: Meanwhile, id_: UUID, *, after: bool
) -> list[bool]:
    """Make the change within the next verification, once: after the hash was read, before or after it is compared.

    Returns a list that what the verification has found is put into.
    """
    verify, found = passwords.verify, list[bool]()

    async def changed() -> None:
        async def work(session: WriteSession) -> None:
            await change(resources.build(UserService, session), id_)

        await resources.database.run(work)

    async def verified(password: str, encoded: str | None) -> tuple[bool, str | None]:
        monkeypatch.setattr(passwords, "verify", verify)
        if not after:
            await changed()
        answer = await verify(password, encoded)
        if after:
            await changed()
        found.append(answer[0])
        return answer

    monkeypatch.setattr(passwords, "verify", verified)
    return found


@pytest.mark.parametrize("what", MEANWHILE)
async def test_a_password_counts_for_nobody_who_changed_while_it_was_verified(
    anonymous: httpx.AsyncClient,
    identities: Identities,
    resources: Resources,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    for log_in, status in ((_by_token, 400), (_by_session, 401)):
        name, id_ = await identities.user("VIEWER")
        found = _while_verifying(monkeypatch, resources, MEANWHILE[what], id_, after=log_in is _by_token)
        answer = await log_in(anonymous, name)
        assert found == [True], "it was the right password when it was read"
        assert answer.status_code == status, answer.text
        wrong = await log_in(anonymous, "nobody-of-this-name")
        assert answer.json() | {"correlation_id": ""} == wrong.json() | {"correlation_id": ""}
    assert await owner.fetchval("SELECT count(*) FROM spyne.sessions") == 0
    assert await owner.fetchval("SELECT count(*) FROM spyne.users WHERE last_login_at IS NOT NULL") == 0
    logged_in = "SELECT count(*) FROM spyne.audit_log WHERE action = 'user:login' AND outcome = 'success'"
    assert await owner.fetchval(logged_in) == 0


async def test_ones_own_password_is_not_replaced_when_it_changed_while_the_old_one_was_verified(
    anonymous: httpx.AsyncClient, identities: Identities, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, id_ = await identities.user("VIEWER")
    token = (await _by_token(anonymous, name)).json()["access_token"]
    found = _while_verifying(monkeypatch, resources, _set_password, id_, after=False)
    answer = await anonymous.post(
        f"/api/users/{id_}/password",
        json={"password": "a third sentence, as long", "current_password": PASSWORD},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert found == [True]
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong-password")
    assert (await _by_token(anonymous, name, NEW)).status_code == 200


async def test_every_guess_costs_one_verification_whoever_it_is_for(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known, _), (disabled, disabled_id), (elsewhere, elsewhere_id) = [await identities.user("VIEWER") for _ in range(3)]
    await owner.execute("UPDATE spyne.users SET status = 'disabled' WHERE id = $1", disabled_id)
    await owner.execute(
        "UPDATE spyne.users SET auth_provider = 'oidc', provider_issuer = 'i', provider_subject = 's', "
        "password_hash = NULL WHERE id = $1",
        elsewhere_id,
    )
    await passwords.verify(PASSWORD, None)  # made once in a process: the hash that unknown users are held against
    spent: Counter[str] = Counter()

    def counting(name: str) -> None:
        plain = getattr(Argon2Hasher, name)

        def counted(hasher: Argon2Hasher, *args: object, **more: object) -> object:
            spent[name] += 1
            return plain(hasher, *args, **more)

        monkeypatch.setattr(Argon2Hasher, name, counted)

    counting("verify")
    counting("hash")
    guesses = [(known, PASSWORD), (known, "wrong"), ("nobody", PASSWORD), (disabled, PASSWORD), (disabled, "wrong")]
    for name, password in [*guesses, (elsewhere, PASSWORD)]:
        for log_in in (_by_token, _by_session):
            await owner.execute("DELETE FROM spyne.login_attempts")  # a guess that is held up costs none
            spent.clear()
            answer = await log_in(anonymous, name, password)
            assert answer.is_success is ((name, password) == (known, PASSWORD)), answer.text
            assert spent == {"verify": 1}, (name, password)
