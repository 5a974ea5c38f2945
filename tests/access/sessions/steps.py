"""Logging in and asking, as the tests of sessions do."""

from dataclasses import dataclass

import httpx
from fastapi import FastAPI

from app.kernel.security.credential_headers import SESSION_COOKIE
from tests.identities import PASSWORD

TOKEN = "/api/auth/token"
SESSIONS = "/api/sessions"


def client_of(app: FastAPI, address: str = "192.0.2.7") -> httpx.AsyncClient:
    """Somebody at this address; cookies are sent by hand, as the test's address is no secure one."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 5))
    return httpx.AsyncClient(transport=transport, base_url="http://spyne.test")


@dataclass(frozen=True)
class Page:
    """A browser page with a session."""

    client: httpx.AsyncClient
    id: str
    secret: str
    csrf: str

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"{SESSION_COOKIE}={self.secret}"}

    @property
    def writing(self) -> dict[str, str]:
        return self.cookie | {"X-CSRF-Token": self.csrf}

    async def me(self) -> httpx.Response:
        return await self.client.get("/api/auth/me", headers=self.cookie)


def secret_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].partition(";")[0].partition("=")[2]


async def log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
    return await client.post(SESSIONS, json={"username": name, "password": password}, headers=headers)


async def page_of(client: httpx.AsyncClient, name: str, **headers: str) -> Page:
    answer = await log_in(client, name, **headers)
    assert answer.status_code == 201, answer.text
    return Page(client, answer.json()["id"], secret_of(answer), answer.json()["csrf_token"])


async def tokens_of(client: httpx.AsyncClient, name: str, **more: str) -> dict[str, str]:
    form = {"grant_type": "password", "username": name, "password": PASSWORD} | more
    answer = await client.post(TOKEN, data=form)
    assert answer.status_code == 200, answer.text
    body: dict[str, str] = answer.json()
    return body


async def renew(client: httpx.AsyncClient, refresh_token: str, **more: str) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": "refresh_token", "refresh_token": refresh_token} | more)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
