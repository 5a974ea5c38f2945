"""All SQL of contracts and their schemas."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, insert, select, update

from app.catalog.contracts.column_words import word_documents, words_of
from app.catalog.contracts.definition import (
    ChangePolicy,
    ContractDefinition,
    Origin,
    Policy,
    Semantics,
    column_document,
)
from app.catalog.contracts.record import ContractRecord, SchemaRecord
from app.catalog.models import ContractRow, ContractSchemaRow, TableVersionRow
from app.catalog.records import filled
from app.catalog.tables.lifecycle import CURRENT_STATES, TableState
from app.catalog.tables.version import TableVersion
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.listing import listed, newest_first
from app.kernel.paging import Page, PageRequest
from app.kernel.security.authorization import Actor
from app.warehouse.naming import RelationName
from app.warehouse.plan import Column, Mode, Resolution

C = ContractRow.__table__.c
S = ContractSchemaRow.__table__.c
T = TableVersionRow.__table__.c

CONTRACT_SORTS: Final = {"created_at": C.created_at}
"""Columns by which the list may be sorted."""


class ContractReads:
    """Reads contracts."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def find(self, contract_id: str, states: Iterable[TableState]) -> ContractRecord | None:
        """The contract, when its table is in one of the states."""
        statement = _records().where(C.id == contract_id, _in_states(states))
        row = (await self.session.execute(statement)).one_or_none()
        return _record(row) if row else None

    async def schema_version(self, contract_id: str) -> int | None:
        """The version of the contract's schema in force; None while there is none."""
        return (await self.session.execute(select(C.schema_version).where(C.id == contract_id))).scalar_one_or_none()

    async def page(
        self, states: Iterable[TableState], table_name: str | None, request: PageRequest
    ) -> Page[ContractRecord]:
        """Contracts whose table is in one of the states, newest first."""
        statement = _records().where(_in_states(states))
        if table_name is not None:
            statement = statement.where(C.table_name == table_name)
        order = newest_first(
            C.table_id, CONTRACT_SORTS
        )  # a contract's table is made with it, so its id orders contracts as well
        return await listed(self.session, statement, request, order, _record)

    async def versions(self, table_name: str, states: Iterable[TableState], limit: int) -> list[ContractRecord]:
        """Contracts of the table in one of the states: first the one that its name stands for, then the newest."""
        in_use = T.state.in_([state.value for state in CURRENT_STATES])
        statement = _records().where(C.table_name == table_name, _in_states(states))
        rows = await self.session.execute(statement.order_by(in_use.desc(), C.version.desc()).limit(limit))
        return [_record(row) for row in rows]

    async def schema(self, contract_id: str, version: int | None) -> SchemaRecord | None:
        """A version of the contract's schema, the one in force when none is named."""
        wanted: ColumnElement[int] | int = C.schema_version if version is None else version
        statement = (
            select(*S)
            .join_from(ContractSchemaRow, ContractRow, C.id == S.contract_id)
            .where(S.contract_id == contract_id, S.version == wanted)
        )
        row = (await self.session.execute(statement)).one_or_none()
        return filled(SchemaRecord, row, origin=Origin(row.origin), documents=tuple(row.columns)) if row else None

    async def other_table_at(self, endpoint: str, table_name: str) -> str | None:
        """Another logical table which the endpoint belongs to."""
        statement = select(C.table_name).where(C.endpoint == endpoint, C.table_name != table_name).limit(1)
        return (await self.session.execute(statement)).scalar_one_or_none()


class ContractWrites(ContractReads):
    """Also makes contracts and their schemas."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def lock(self, contract_id: str) -> ContractRecord | None:
        """The contract; nobody else changes it before this transaction ends."""
        # NO KEY UPDATE: batches that refer to the contract hold its key, and two first batches would deadlock on more.
        statement = _records().where(C.id == contract_id).with_for_update(of=ContractRow, key_share=True)
        row = (await self.writer.execute(statement)).one_or_none()
        return _record(row) if row else None

    async def add(self, contract_id: str, table: TableVersion, definition: ContractDefinition, owner: Actor) -> None:
        """Keep a new contract."""
        semantics, policy = definition.semantics, definition.policy
        await self.writer.execute(
            insert(ContractRow).values(
                id=contract_id,
                table_id=table.id,
                table_name=table.name,
                version=table.version,
                endpoint=definition.endpoint,
                **semantics.document(),
                dedupe_window_seconds=int(semantics.dedupe_window.total_seconds()),
                unknown_columns=policy.unknown_columns.value,
                type_changes=policy.type_changes.value,
                max_rejected_rows=policy.max_rejected_rows,
                max_rejected_share=policy.max_rejected_share,
                description=definition.description,
                column_words=word_documents(definition.words),
                owner_id=owner.id,
                owner_label=owner.label,
            )
        )

    async def change(self, contract_id: str, values: Mapping[str, Any]) -> None:
        """Let columns of the contract's row have other values."""
        await self.writer.execute(
            update(ContractRow).where(C.id == contract_id).values(revision=C.revision + 1, **values)
        )

    async def add_schema(
        self, contract_id: str, version: int, columns: Sequence[Column], origin: Origin, by: Actor
    ) -> None:
        """Give the contract a schema, which is in force from now on."""
        await self.writer.execute(
            insert(ContractSchemaRow).values(
                contract_id=contract_id,
                version=version,
                columns=[column_document(column) for column in columns],
                origin=origin.value,
                created_by=by.label,
            )
        )
        await self.writer.execute(
            update(ContractRow).where(C.id == contract_id).values(schema_version=version, revision=C.revision + 1)
        )


def _records() -> Select[Any]:
    return select(*C, T.state, T.relation_schema, T.relation_name).join_from(
        ContractRow, TableVersionRow, T.id == C.table_id
    )


def _in_states(states: Iterable[TableState]) -> ColumnElement[bool]:
    return T.state.in_([state.value for state in states])


def _record(row: Any) -> ContractRecord:
    semantics = filled(
        Semantics,
        row,
        mode=Mode(row.mode),
        idempotency_key=tuple(row.idempotency_key),
        dedupe_window=timedelta(seconds=row.dedupe_window_seconds),
        conflict_resolution=Resolution(row.conflict_resolution),
        dedupe_window_text=row.dedupe_window,
    )
    return filled(
        ContractRecord,
        row,
        state=TableState(row.state),
        semantics=semantics,
        policy=Policy(
            ChangePolicy(row.unknown_columns),
            ChangePolicy(row.type_changes),
            row.max_rejected_rows,
            row.max_rejected_share,
        ),
        relation=RelationName(row.relation_schema, row.relation_name),
        words=words_of(row.column_words),
    )
