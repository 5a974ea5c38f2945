"""All writing SQL of tables. Everything here happens in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.models import TableSchemaVersionRow, TableStateChangeRow, TableVersionRow
from app.catalog.tables.repository import WHOLE, T, TableRepository, V, version_of
from app.catalog.tables.shape import Shape, shape_documents
from app.catalog.tables.version import TableVersion
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor
from app.warehouse.inspection import Measurement
from app.warehouse.naming import RelationName


class TableWrites(TableRepository):
    """Makes and changes tables."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def lock_names(self, names: Sequence[str]) -> None:
        """Nobody else makes a version of these names before this transaction ends."""
        for name in sorted(set(names)):
            key = func.hashtextextended(f"spyne.tables:{name}", 0)
            await self.writer.execute(select(func.pg_advisory_xact_lock(key)))

    async def latest_version(self, name: str) -> int:
        """The highest version of the name; 0 when there is none."""
        found = await self.writer.execute(select(func.max(T.version)).where(T.name == name))
        return int(found.scalar_one() or 0)

    async def lock_versions(self, name: str) -> list[TableVersion]:
        """Every version of the name as it stands now; nobody else changes one before this transaction ends."""
        statement = select(*WHOLE).where(T.name == name).order_by(T.id).with_for_update(key_share=True)
        return [version_of(row) for row in await self.writer.execute(statement)]

    async def hold(self, table_id: UUID) -> TableState | None:
        """The state of the version, which nobody changes before this transaction ends; other holders do not wait."""
        statement = select(T.state).where(T.id == table_id).with_for_update(read=True)
        found = (await self.writer.execute(statement)).scalar_one_or_none()
        return TableState(found) if found else None

    async def add(
        self,
        *,
        name: str,
        version: int,
        state: TableState,
        origin: str,
        relation: RelationName,
        owner: Actor,
        contract_id: str | None,
    ) -> TableVersion:
        """A new version of a name, without a shape yet."""
        statement = (
            insert(TableVersionRow)
            .values(
                name=name,
                version=version,
                state=state.value,
                origin=origin,
                owner_id=owner.id,
                owner_label=owner.label,
                relation_schema=relation.schema,
                relation_name=relation.name,
                contract_id=contract_id,
            )
            .returning(*WHOLE)
        )
        return version_of((await self.writer.execute(statement)).one())

    async def add_shape(self, table_id: UUID, schema_version: int, shape: Shape, by: Actor) -> None:
        """Give the version a shape, which is in force from now on."""
        await self.writer.execute(
            insert(TableSchemaVersionRow).values(
                table_id=table_id, schema_version=schema_version, columns=shape_documents(shape), created_by=by.label
            )
        )
        await self.writer.execute(
            update(TableVersionRow)
            .where(T.id == table_id)
            .values(schema_version=schema_version, revision=T.revision + 1)
        )

    async def change_state(
        self, table_id: UUID, from_state: TableState, to_state: TableState, changes: dict[str, Any]
    ) -> TableVersion | None:
        """Compare and set: the version after the change, or None when it was not in `from_state`."""
        statement = (
            update(TableVersionRow)
            .where(T.id == table_id, T.state == from_state.value)
            .values(state=to_state.value, revision=T.revision + 1, **changes)
            .returning(*WHOLE)
        )
        row = (await self.writer.execute(statement)).one_or_none()
        return version_of(row) if row else None

    async def record_change(
        self,
        table_id: UUID,
        from_state: TableState | None,
        to_state: TableState,
        *,
        by: Actor,
        reason: str | None,
        plan_hash: str | None = None,
    ) -> None:
        """Add a line to the history."""
        await self.writer.execute(
            insert(TableStateChangeRow).values(
                table_id=table_id,
                from_state=from_state.value if from_state else None,
                to_state=to_state.value,
                actor_id=by.id,
                actor_label=by.label,
                reason=reason,
                plan_hash=plan_hash,
            )
        )

    async def record_measurement(
        self, table_id: UUID, schema_version: int, measured: Measurement, at: datetime
    ) -> None:
        """Keep what was in the version."""
        statement = (
            update(TableSchemaVersionRow)
            .where(V.table_id == table_id, V.schema_version == schema_version)
            .values(row_count=measured.rows, row_count_exact=measured.exact, checksum=measured.checksum, measured_at=at)
        )
        await self.writer.execute(statement)
