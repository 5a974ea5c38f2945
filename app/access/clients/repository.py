"""All SQL of service clients and their keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.attributes import set_committed_value

from app.access.models import ApiClient, ApiKey
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest

_BELONGINGS = (selectinload(ApiClient.held), selectinload(ApiClient.keys))


class ClientReads(Reading[ApiClient]):
    """Finds service clients with the roles that they hold and their keys."""

    model = ApiClient
    sorts = ("name", "status", "updated_at", "created_at")

    async def newest(self, request: PageRequest) -> Page[ApiClient]:
        """The page of clients, newest first."""
        return await self.page(self.base().options(*_BELONGINGS), request)

    async def whole(self, client_id: UUID) -> ApiClient:
        """The client. Raises `NotFound`."""
        return await self.one(self.base().where(ApiClient.id == client_id).options(*_BELONGINGS))

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


class ClientWrites(Writing[ApiClient], ClientReads):
    """Makes, finds and changes service clients and their keys."""

    async def by_name(self, name: str) -> ApiClient | None:
        """The client of that name, or None."""
        return await self.maybe(self.base().where(ApiClient.name == name))

    async def insert(self, values: Mapping[str, Any]) -> ApiClient | None:
        """The new client, who holds no role and has no key, or None when the name is taken."""
        statement = insert(ApiClient).values(values).on_conflict_do_nothing().returning(ApiClient)
        client: ApiClient | None = (await self.session.execute(statement)).scalar_one_or_none()
        if client is not None:
            set_committed_value(client, "held", [])
            set_committed_value(client, "keys", [])
        return client

    async def lock(self, client_id: UUID) -> ApiClient:
        """The client, whom nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(self.base().where(ApiClient.id == client_id).with_for_update())

    async def lock_whole(self, client_id: UUID) -> ApiClient:
        """The client with roles and keys, as `lock` returns the client alone."""
        locking = self.base().where(ApiClient.id == client_id).with_for_update().options(*_BELONGINGS)
        return await self.one(locking.execution_options(populate_existing=True))

    async def add_key(self, values: Mapping[str, Any]) -> ApiKey | None:
        """The new key, or None when its prefix is taken."""
        statement = insert(ApiKey).values(values).on_conflict_do_nothing().returning(ApiKey)
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_key(self, client_id: UUID, key_id: UUID) -> ApiKey:
        """The client's key, which nobody else changes before this transaction ends. Raises `NotFound`."""
        statement = select(ApiKey).where(ApiKey.id == key_id, ApiKey.client_id == client_id).with_for_update()
        return await self.one(statement)
