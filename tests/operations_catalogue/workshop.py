"""Tools by which sound requests are prepared: names and moments that nobody had before, and the hands of an admin."""

import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx

from tests.authorization.holders import Holder
from tests.identities import PASSWORD


class Workshop:
    """Makes things by the hands of an admin, and of whoever is to own them."""

    def __init__(
        self, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection, *people: str
    ) -> None:
        """Takes the names of two people: one who logs in, and one whose sessions are things to be ended."""
        self.admin = admin
        self.anonymous = anonymous
        self.owner = owner
        self.person, self.other_person = people
        self.maintenance = "normal"
        self._numbers = itertools.count()
        self._kept: dict[tuple[str, str], str] = {}

    @property
    def resources(self) -> Any:
        """What the process behind the admin's client was opened with."""
        transport: Any = self.admin._transport
        return transport.app.state.resources

    @property
    def login(self) -> dict[str, str]:
        """The form by which somebody logs in who holds none of the credentials."""
        return {"grant_type": "password", "username": self.person, "password": PASSWORD}

    async def as_admin(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The document that an admin is answered, with this status."""
        answer = await self.admin.request(method, path, **more)
        assert answer.status_code == status, (method, path, answer.text)
        return answer.json()

    async def as_holder(self, path: str, body: dict[str, Any], holder: Holder) -> httpx.Response:
        """The answer to a POST of the holder's, who is hindered by nothing."""
        headers = dict(holder.headers if holder.unhindered is None else holder.unhindered)
        return await self.anonymous.post(path, headers=headers, json=body)

    async def kept(self, kind: str, key: str, make: Callable[[], Awaitable[str]], *, fresh: bool) -> str:
        """A thing of this kind, the same for the same key unless it is to be fresh."""
        if fresh:
            return await make()
        if (kind, key) not in self._kept:
            self._kept[kind, key] = await make()
        return self._kept[kind, key]

    def name(self, stem: str) -> str:
        """A name that nobody had before."""
        return f"{stem}{next(self._numbers):05}"  # none is a part of another

    def number(self) -> int:
        """A number that nobody had before."""
        return next(self._numbers)

    def address(self) -> str:
        """An address that no request had before."""
        return f"2001:db8::{next(self._numbers):x}"

    def hour(self) -> tuple[str, str]:
        """An hour of the far future, which no other shares time with: its beginning and its end."""
        day = datetime(2100, 1, 1, tzinfo=UTC) + timedelta(days=next(self._numbers))
        return day.isoformat(), (day + timedelta(hours=1)).isoformat()
