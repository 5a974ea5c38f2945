"""Everybody who may knock: one credential each, and the column of the matrix that tells what it opens."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import httpx
from fastapi import FastAPI

from app.access.credentials.tokens import AccessTokens
from app.access.subjects import user_subject
from app.kernel.clock import utc_now
from tests.authorization.matrix import ANONYMOUS, NO_TOKEN, ONE_TIME, ROLES
from tests.identities import PASSWORD, Identities
from tests.waiting import eventually

NARROW = "tables:read contracts:read joins:read query:run flags:evaluate"
"""What a VIEWER may, as OAuth2 scopes; written down here once more, since the matrix takes nothing from the code."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks: the headers that it sends, and the column that says what it is answered."""

    name: str
    column: str
    headers: Mapping[str, str]
    unhindered: Mapping[str, str] | None = None
    """With which it has made things of its own, when its headers alone would not do."""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Registrar:
    """Makes the holders, through the service where it can be done there."""

    def __init__(self, app: FastAPI, anonymous: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
        self._resources = app.state.resources
        self._identities = Identities(self._resources)
        self._anonymous = anonymous
        self._owner = owner
        self._numbers = itertools.count()
        self._admin: dict[str, str] = {}

    async def all(self) -> list[Holder]:
        """Every holder; nobody's credential was used before, so that nothing about it is remembered."""
        self._admin = bearer(await self._identities.token("ADMIN"))
        holders = [Holder("nobody", ANONYMOUS, {})]
        for role in ROLES:
            holders.append(Holder(f"person: {role}", role, bearer(await self._identities.token(role))))
            holders.append(Holder(f"service: {role}", role, await self._key(role)))
        return [
            *holders,
            *[Holder(f"session: {role}", role, await self._session(role)) for role in ("VIEWER", "ENGINEER", "ADMIN")],
            *await self._narrowed(),
            *await self._hindered(),
            *await self._ended(),
        ]

    async def _narrowed(self) -> list[Holder]:
        name, _ = await self._identities.user("ADMIN")
        login = {"grant_type": "password", "username": name, "password": PASSWORD, "scope": NARROW}
        key = await self._key("ADMIN")
        secret = {"grant_type": "client_credentials", "client_id": await self._client_of(key), "scope": NARROW}
        return [
            Holder("narrowed token of a person", "VIEWER", bearer(await self._token(login))),
            Holder(
                "narrowed token of a service",
                "VIEWER",
                bearer(await self._token(secret | {"client_secret": key["X-API-Key"]})),
            ),
            Holder("narrowed key", "VIEWER", await self._key("ADMIN", scopes=NARROW.split())),
        ]

    async def _hindered(self) -> list[Holder]:
        """Valid credentials of an ADMIN, in circumstances that close most of what they open."""
        session = await self._session("ADMIN")
        _, new = await self._identities.user("ADMIN")
        tokens = AccessTokens(self._resources.secret, self._resources.settings.access)
        await self._owner.execute("UPDATE spyne.users SET must_change_password = true WHERE id = $1", new)
        return [
            Holder("session without its CSRF token", NO_TOKEN, {"Cookie": session["Cookie"]}, session),
            Holder("one-time password", ONE_TIME, bearer(tokens.issue(user_subject(new), utc_now()).text)),
        ]

    async def _ended(self) -> list[Holder]:
        """Credentials of those who were ADMIN, and are not valid any more."""
        _, disabled = await self._identities.user("ADMIN")
        tokens = AccessTokens(self._resources.secret, self._resources.settings.access)
        now = utc_now()
        of_disabled = tokens.issue(user_subject(disabled), now).text
        await self._owner.execute("UPDATE spyne.users SET status = 'disabled' WHERE id = $1", disabled)
        _, id_ = await self._identities.user("ADMIN")
        expired = tokens.issue(user_subject(id_), now - timedelta(days=2)).text
        revoked = tokens.issue(user_subject(id_), now)
        await self._owner.execute(
            "INSERT INTO spyne.revoked_tokens (jti, subject, expires_at) VALUES ($1, $2, $3)",
            revoked.claims.jti,
            user_subject(id_),
            revoked.claims.expires_at,
        )
        sound = tokens.issue(user_subject(id_), now).text
        expired_key, revoked_key, key_of_disabled = [await self._key("ADMIN") for _ in range(3)]
        await self._change(
            expired_key, "UPDATE spyne.api_keys SET expires_at = now() - interval '1 s' WHERE prefix = $1"
        )
        await self._change(revoked_key, "UPDATE spyne.api_keys SET revoked_at = now() WHERE prefix = $1")
        await self._change(
            key_of_disabled,
            "UPDATE spyne.api_clients SET status = 'disabled' "
            "WHERE id = (SELECT client_id FROM spyne.api_keys WHERE prefix = $1)",
        )
        altered_key = await self._key("ADMIN")
        ended, whole = await self._session("ADMIN"), await self._session("ADMIN")
        answer = await self._anonymous.post("/api/auth/logout", headers=ended)
        assert answer.status_code == 204, answer.text
        await eventually(lambda: self._refused(ended), what="the end of a session, which may take a second")
        _, removed = await self._identities.user("ADMIN")
        of_removed = tokens.issue(user_subject(removed), now).text
        answer = await self._anonymous.delete(f"/api/users/{removed}", headers=self._admin)
        assert answer.status_code == 204, answer.text
        return [
            Holder("disabled user", ANONYMOUS, bearer(of_disabled)),
            Holder("removed user", ANONYMOUS, bearer(of_removed)),
            Holder("ended session", ANONYMOUS, ended),
            Holder("altered cookie", ANONYMOUS, whole | {"Cookie": altered(whole["Cookie"])}),
            Holder("expired token", ANONYMOUS, bearer(expired)),
            Holder("revoked token", ANONYMOUS, bearer(revoked.text)),
            Holder("altered token", ANONYMOUS, bearer(altered(sound))),
            Holder("expired key", ANONYMOUS, expired_key),
            Holder("revoked key", ANONYMOUS, revoked_key),
            Holder("key of a disabled client", ANONYMOUS, key_of_disabled),
            Holder("altered key", ANONYMOUS, {"X-API-Key": altered(altered_key["X-API-Key"])}),
        ]

    async def _key(self, role: str, scopes: list[str] | None = None) -> dict[str, str]:
        key = {"X-API-Key": await self._identities.api_key(role)}
        if scopes is None:
            return key
        address = f"/api/clients/{await self._client_of(key)}/keys"
        answer = await self._anonymous.post(address, json={"scopes": scopes}, headers=self._admin)
        assert answer.status_code == 201, answer.text
        return {"X-API-Key": answer.json()["key"]}

    async def _session(self, role: str) -> dict[str, str]:
        """The cookie of a fresh person's session, and its token."""
        name, _ = await self._identities.user(role)
        answer = await self._anonymous.post("/api/sessions", json={"username": name, "password": PASSWORD})
        assert answer.status_code == 201, answer.text
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
        self._anonymous.cookies.clear()  # it would go with everybody's requests
        return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}

    async def _client_of(self, key: Mapping[str, str]) -> str:
        found = "SELECT client_id::text FROM spyne.api_keys WHERE prefix = $1"
        return str(await self._owner.fetchval(found, prefix(key)))

    async def _change(self, key: Mapping[str, str], statement: str) -> None:
        await self._owner.execute(statement, prefix(key))

    async def _refused(self, headers: Mapping[str, str]) -> bool:
        return (await self._anonymous.get("/api/auth/me", headers=headers)).status_code == 401

    async def _token(self, form: Mapping[str, str]) -> str:
        answer = await self._anonymous.post("/api/auth/token", data=dict(form))
        assert answer.status_code == 200, answer.text
        assert answer.json()["scope"] == " ".join(sorted(NARROW.split()))
        return str(answer.json()["access_token"])


def prefix(key: Mapping[str, str]) -> str:
    return key["X-API-Key"].split("_")[1]


def altered(text: str) -> str:
    """Another text of the same form: one character in the middle of the last part is another."""
    place = len(text) - 20
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
