"""Use cases of service clients and their keys, each change audited in its own transaction.

What is changed here counts in every process within a second: authenticators look at the database again that often.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access.actions import AccessAction
from app.access.clients.repository import ClientReads, ClientRepository
from app.access.keys import fresh_key
from app.access.models import ApiClient, ApiKey
from app.access.naming import NameTaken, checked_name, normalised_name
from app.access.roles import checked_roles
from app.audit.service import AuditTrail
from app.kernel.authorization import Actor
from app.kernel.database import ReadSession, WriteSession
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, Fault, InvalidRequest
from app.kernel.resources import Resources


class KeyRevoked(Conflict):
    """The key was revoked before."""

    code, title = "key-revoked", "The key is revoked already"


@dataclass(frozen=True, slots=True)
class ClientView:
    """A client with what belongs to it."""

    client: ApiClient
    roles: frozenset[str]
    keys: Sequence[ApiKey]


class ClientReading:
    """Answers questions about clients."""

    def __init__(self, session: ReadSession) -> None:
        self._clients = ClientReads(session)

    async def page(self, request: PageRequest) -> Page[ClientView]:
        """One page of the clients, newest first."""
        page = await self._clients.page(self._clients.base(), request)
        ids = [client.id for client in page.items]
        roles, keys = await self._clients.roles(ids), await self._clients.keys(ids)
        views = [ClientView(c, roles[c.id], [key for key in keys if key.client_id == c.id]) for c in page.items]
        return Page(items=views, next_cursor=page.next_cursor)


class ClientService:
    """Administers service clients within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._clients = ClientRepository(session)
        self._audit = AuditTrail(session, resources.secret)
        self._clock = resources.clock

    async def create(self, actor: Actor, name: str, roles: Iterable[str], description: str = "") -> ApiClient:
        """The new service client, who holds the roles. Raises `InvalidName`, `UnknownRole` and `NameTaken`."""
        name, held = checked_name(name, "/name"), checked_roles(roles)
        client = await self._clients.insert(name, description)
        if client is None:
            raise NameTaken(f"There is a client {name} already.")
        await self._clients.replace_roles(client.id, held)
        after = {"name": name, "description": description, "roles": held}
        await self._audit.append(actor, AccessAction.CLIENT_CREATE, "client", client.id, name, after=after)
        return client

    async def find(self, name: str) -> ApiClient | None:
        """The service client of that name, or None."""
        return await self._clients.by_name(normalised_name(name))

    async def disable(self, actor: Actor, client_id: UUID) -> None:
        """End every credential of the client. Raises `NotFound`."""
        client = await self._clients.lock(client_id)
        before, client.status = client.status, "disabled"
        action, was, now = AccessAction.CLIENT_DISABLE, {"status": before}, {"status": client.status}
        await self._audit.append(actor, action, "client", client_id, client.name, before=was, after=now)

    async def issue_key(self, actor: Actor, client_id: UUID, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
        """A fresh key of the client and its text, which cannot be shown again.

        Raises:
            NotFound: there is no such client.
            InvalidRequest: the expiry is not in the future.
        """
        if expires_at is not None and expires_at <= self._clock():
            message = "The expiry is not in the future."
            raise InvalidRequest(message, faults=[Fault(pointer="/expires_at", code="past", message=message)])
        client = await self._clients.lock(client_id)
        key = None
        while key is None:  # a prefix that is taken is drawn again
            fresh = fresh_key()
            key = await self._clients.add_key(client_id, fresh.prefix, fresh.digest, expires_at)
        after = {"prefix": key.prefix, "client": client.name, "expires_at": expires_at}
        await self._audit.append(actor, AccessAction.KEY_ISSUE, "api_key", key.id, key.prefix, after=after)
        return key, fresh.text

    async def revoke_key(self, actor: Actor, client_id: UUID, key_id: UUID) -> None:
        """End a key, and every token that was issued for it. Raises `NotFound` and `KeyRevoked`."""
        key = await self._clients.lock_key(client_id, key_id)
        if key.revoked_at is not None:
            raise KeyRevoked(f"It was revoked at {key.revoked_at.isoformat()}.")
        key.revoked_at = self._clock()
        action, was, now = AccessAction.KEY_REVOKE, {"revoked_at": None}, {"revoked_at": key.revoked_at}
        await self._audit.append(actor, action, "api_key", key_id, key.prefix, before=was, after=now)
