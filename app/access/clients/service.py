"""Use cases of service clients and their keys, each change audited in its own transaction.

What is changed here counts in every process within a second: authenticators look at the database again that often.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from app.access.clients.actions import ClientAction
from app.access.clients.repository import ClientWrites
from app.access.clients.rules import CHANGEABLE, DEFAULT_GRACE, KeyRevoked, KeyTimes, action_of, check_scopes, rotation
from app.access.credentials.keys import fresh_key
from app.access.faults import check_all, faulty
from app.access.models import ApiClient, ApiKey
from app.access.naming import NameTaken, checked_name, normalised_name
from app.access.roles import checked_roles
from app.access.subject_repository import SubjectReads
from app.audit.log.diffs import changed_fields
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret


class IssuedKey(NamedTuple):
    """A fresh key. Its text is a secret, which cannot be shown again."""

    key: ApiKey
    text: str


class ClientService:
    """Administers service clients within one transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret, clock: Clock) -> None:
        self._clients = ClientWrites(session)
        self._subjects = SubjectReads(session)
        self._audit = AuditTrail(session, secret)
        self._clock = clock

    async def create(
        self,
        actor: Actor,
        name: str,
        roles: Iterable[str],
        description: str = "",
        requests_per_minute: int | None = None,
    ) -> ApiClient:
        """The new service client, who holds the roles.

        Raises:
            InvalidName: the name has characters that names may not have.
            UnknownRole: one of the roles does not exist.
            InvalidRequest: both.
            NameTaken: there is such a client.
        """
        wanted = list(roles)
        check_all(lambda: checked_name(name, "/name"), lambda: checked_roles(wanted))
        values = {"description": description, "requests_per_minute": requests_per_minute}
        client = await self._clients.insert(
            values | {"name": checked_name(name, "/name"), "made_by": sorted(actor.people)}
        )
        if client is None:
            raise NameTaken(f"There is a client {checked_name(name, '/name')} already.")
        client.roles = checked_roles(wanted)
        after = values | {"name": client.name, "roles": client.roles}
        await self._audit.append(actor, ClientAction.CREATE, "client", client.id, client.name, after=after)
        return client

    async def find(self, name: str) -> ApiClient | None:
        """The service client of that name, or None."""
        return await self._clients.by_name(normalised_name(name))

    async def change(
        self, actor: Actor, client_id: UUID, wanted: Mapping[str, Any], if_match: str | None = None
    ) -> Tagged[ApiClient]:
        """The client with the wanted fields of `CHANGEABLE`; while it is disabled none of its credentials counts.

        Raises:
            NotFound: there is no such client.
            PreconditionFailed: the client has changed since.
        """
        assert wanted.keys() <= set(CHANGEABLE)
        client = await self._clients.lock_whole(client_id)
        check_if_match(if_match, etag(client.version))
        after = changed_fields({name: getattr(client, name) for name in CHANGEABLE}, wanted)
        if after:
            before = {name: getattr(client, name) for name in after}
            for name, value in after.items():
                setattr(client, name, value)
            client.version += 1
            client.updated_at = self._clock()
            await self._audit.append(
                actor, action_of(after), "client", client_id, client.name, before=before, after=after
            )
        return Tagged(client, etag(client.version))

    async def disable(self, actor: Actor, client_id: UUID) -> None:
        """Let none of the client's credentials count. Raises `NotFound`."""
        await self.change(actor, client_id, {"status": "disabled"})

    async def issue_key(
        self,
        actor: Actor,
        client_id: UUID,
        expires_at: datetime | None = None,
        *,
        scopes: Sequence[str] | None = None,
        label: str = "",
    ) -> IssuedKey:
        """A fresh key of the client.

        Args:
            actor: who issues it.
            client_id: whose key.
            expires_at: not valid from then on; never when absent.
            scopes: permissions that it is narrowed to; all that the client's roles give, now and later, when absent.
            label: what it is for.

        Raises:
            NotFound: there is no such client.
            ScopeNotHeld: no role of the client allows one of the scopes.
            InvalidRequest: the expiry is not in the future.
        """
        client = await self._clients.lock(client_id)
        status = await self._subjects.client(client_id)
        assert status is not None
        check_all(
            lambda: self._check_future(expires_at),
            lambda: check_scopes(scopes, frozenset(permission.value for permission in status.permissions)),
        )
        kept = None if scopes is None else sorted({str(scope) for scope in scopes})
        issued = await self._add_key(actor, client_id, expires_at=expires_at, scopes=kept, label=label)
        await self._note_issue(actor, issued.key, client)
        return issued

    async def rotate_key(
        self,
        actor: Actor,
        client_id: UUID,
        key_id: UUID,
        grace: timedelta = DEFAULT_GRACE,
        expires_at: datetime | None = None,
    ) -> tuple[IssuedKey, ApiKey]:
        """A fresh key with the same scopes, and the old one, which goes on for the grace.

        Raises:
            NotFound: there is no such client, or no such key of it.
            KeyRevoked, KeyRotated, KeyExpired: the key cannot be rotated any more.
            InvalidRequest: the expiry is not in the future.
        """
        self._check_future(expires_at)
        client = await self._clients.lock(client_id)
        old = await self._clients.lock_key(client_id, key_id)
        times = KeyTimes(old.created_at, old.expires_at, old.revoked_at, rotated=old.rotated_to is not None)
        ends = rotation(times, self._clock(), grace, expires_at)
        fresh = await self._add_key(
            actor, client_id, expires_at=ends.new_expires_at, scopes=old.scopes, label=old.label
        )
        before = {"expires_at": old.expires_at, "rotated_to": None}
        old.expires_at, old.rotated_to = ends.old_expires_at, fresh.key.id
        after = {"expires_at": old.expires_at, "rotated_to": old.rotated_to}
        await self._audit.append(
            actor, ClientAction.KEY_ROTATE, "api_key", key_id, old.prefix, before=before, after=after
        )
        await self._note_issue(actor, fresh.key, client)
        return fresh, old

    async def revoke_key(self, actor: Actor, client_id: UUID, key_id: UUID) -> None:
        """End a key, and every token that was issued for it. Raises `NotFound` and `KeyRevoked`."""
        key = await self._clients.lock_key(client_id, key_id)
        if key.revoked_at is not None:
            raise KeyRevoked(f"It was revoked at {key.revoked_at.isoformat()}.")
        key.revoked_at = self._clock()
        action, was, now = ClientAction.KEY_REVOKE, {"revoked_at": None}, {"revoked_at": key.revoked_at}
        await self._audit.append(actor, action, "api_key", key_id, key.prefix, before=was, after=now)

    async def _add_key(self, actor: Actor, client_id: UUID, **values: Any) -> IssuedKey:
        while True:  # a prefix that is taken is drawn again
            fresh = fresh_key()
            drawn = {"client_id": client_id, "prefix": fresh.prefix, "digest": fresh.digest}
            drawn["made_by"] = sorted(actor.people)
            key = await self._clients.add_key(drawn | values)
            if key is not None:
                return IssuedKey(key, fresh.text)

    async def _note_issue(self, actor: Actor, key: ApiKey, client: ApiClient) -> None:
        after = {name: getattr(key, name) for name in ("prefix", "label", "scopes", "expires_at")}
        after["client"] = client.name
        await self._audit.append(actor, ClientAction.KEY_ISSUE, "api_key", key.id, key.prefix, after=after)

    def _check_future(self, expires_at: datetime | None) -> None:
        if expires_at is not None and expires_at <= self._clock():
            raise faulty("/expires_at", "past", "The expiry is not in the future.")
