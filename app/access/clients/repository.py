"""All SQL of service clients and their keys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from app.access.models import ApiClient, ApiKey, ClientRole
from app.kernel.repository import Reading, Writing


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


class ClientRepository(Writing[ApiClient], ClientReads):
    """Makes, finds and changes service clients and their keys."""

    async def by_name(self, name: str) -> ApiClient | None:
        """The client of that name, or None."""
        return await self.maybe(self.base().where(ApiClient.name == name))

    async def insert(self, name: str, description: str) -> ApiClient | None:
        """The new client, or None when the name is taken."""
        statement = (
            insert(ApiClient)
            .values(name=name, description=description)
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

    async def add_key(self, client_id: UUID, prefix: str, digest: bytes, expires_at: datetime | None) -> ApiKey | None:
        """The new key, or None when its prefix is taken."""
        statement = (
            insert(ApiKey)
            .values(client_id=client_id, prefix=prefix, digest=digest, expires_at=expires_at)
            .on_conflict_do_nothing(index_elements=[ApiKey.prefix])
            .returning(ApiKey)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_key(self, client_id: UUID, key_id: UUID) -> ApiKey:
        """The client's key, which nobody else changes before this transaction ends. Raises `NotFound`."""
        statement = select(ApiKey).where(ApiKey.id == key_id, ApiKey.client_id == client_id).with_for_update()
        return await self.one(statement)
