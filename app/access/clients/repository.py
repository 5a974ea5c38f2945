"""All SQL of service clients and their keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Uuid, column, delete, or_, select, update
from sqlalchemy import values as sql_values
from sqlalchemy.dialects.postgresql import insert

from app.access.models import ApiClient, ApiKey, ClientRole
from app.kernel.db.repository import Reading, Writing


class ClientReads(Reading[ApiClient]):
    """Finds service clients and what belongs to them."""

    model = ApiClient

    async def roles(self, client_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
        """The roles of each client."""
        statement = select(ClientRole.client_id, ClientRole.role).where(ClientRole.client_id.in_(client_ids))
        held: dict[UUID, set[str]] = {id_: set() for id_ in client_ids}
        for client_id, role in (await self.session.execute(statement)).all():
            held[client_id].add(role)
        return {id_: frozenset(roles) for id_, roles in held.items()}

    async def keys(self, client_ids: Sequence[UUID]) -> Sequence[ApiKey]:
        """The clients' keys, revoked ones too, oldest first."""
        return await self.all(select(ApiKey).where(ApiKey.client_id.in_(client_ids)).order_by(ApiKey.id))

    async def expiring(self, now: datetime, before: datetime) -> Sequence[tuple[ApiKey, str]]:
        """Keys in use that expire by then and that none is to replace, each with its client's name."""
        statement = (
            select(ApiKey, ApiClient.name)
            .join(ApiClient, ApiClient.id == ApiKey.client_id)
            .where(ApiClient.status == "active", ApiKey.revoked_at.is_(None), ApiKey.rotated_to.is_(None))
            .where(ApiKey.expires_at > now, ApiKey.expires_at <= before)
            .order_by(ApiKey.expires_at, ApiKey.id)
        )
        return [(key, name) for key, name in (await self.session.execute(statement)).all()]


class ClientRepository(Writing[ApiClient], ClientReads):
    """Makes, finds and changes service clients and their keys."""

    async def by_name(self, name: str) -> ApiClient | None:
        """The client of that name, or None."""
        return await self.maybe(self.base().where(ApiClient.name == name))

    async def insert(self, values: Mapping[str, Any]) -> ApiClient | None:
        """The new client, or None when the name is taken."""
        statement = (
            insert(ApiClient)
            .values(values)
            .on_conflict_do_nothing(index_elements=[ApiClient.name])
            .returning(ApiClient)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock(self, client_id: UUID) -> ApiClient:
        """The client, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(select(ApiClient).where(ApiClient.id == client_id).with_for_update())

    async def replace_roles(self, client_id: UUID, roles: frozenset[str]) -> None:
        """Let the client hold exactly these roles."""
        await self.session.execute(delete(ClientRole).where(ClientRole.client_id == client_id))
        if roles:
            rows = [{"client_id": client_id, "role": role} for role in roles]
            await self.session.execute(insert(ClientRole).values(rows))

    async def add_key(self, values: Mapping[str, Any]) -> ApiKey | None:
        """The new key, or None when its prefix is taken."""
        statement = (
            insert(ApiKey).values(values).on_conflict_do_nothing(index_elements=[ApiKey.prefix]).returning(ApiKey)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_key(self, client_id: UUID, key_id: UUID) -> ApiKey:
        """The client's key, which nobody else changes before this transaction ends. Raises `NotFound`."""
        statement = select(ApiKey).where(ApiKey.id == key_id, ApiKey.client_id == client_id).with_for_update()
        return await self.one(statement)

    async def note_uses(self, uses: Mapping[UUID, datetime]) -> None:
        """Write when the keys were used last; a key that somebody else is changing is left for the next time."""
        noted = sql_values(column("id", Uuid()), column("at", DateTime(timezone=True)), name="noted")
        noted = noted.data(list(uses.items()))
        due = (
            select(ApiKey.id, noted.c.at)
            .join(noted, noted.c.id == ApiKey.id)
            .where(or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < noted.c.at))
            .order_by(ApiKey.id)
            .with_for_update(of=ApiKey, skip_locked=True)
            .cte("due")
        )
        statement = update(ApiKey).where(ApiKey.id == due.c.id).values(last_used_at=due.c.at)
        await self.session.execute(statement.execution_options(synchronize_session=False))
