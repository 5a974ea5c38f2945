"""Use cases of contracts: register, read, and what ingestion needs of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.audit.log.service import AuditTrail
from app.catalog.baselines.service import Baselines
from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.columns import named_for_fields
from app.catalog.contracts.definition import ContractDefinition, Origin, column_line, completed, relation_plan
from app.catalog.contracts.difference import SchemaDifference, contract_difference, preceding
from app.catalog.contracts.record import ContractRecord, Former, IngestionContract, Registration, SchemaRecord
from app.catalog.contracts.repository import ContractReads, ContractWrites
from app.catalog.contracts.review import review_columns
from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.registry import TableRegistry, require_writable
from app.catalog.tables.service import states_of
from app.catalog.tables.shape import Shape, difference
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, Fault, NotFound, Unavailable
from app.kernel.security.authorization import Actor
from app.operations.modes.service import require_ingestion_ready
from app.warehouse.inspection import Inspector, RelationColumn
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Column
from app.warehouse.relations import create_governed

SHOWN_LENGTH = 128

NOT_DEPRECATED = frozenset(TableState) - {TableState.DEPRECATED}

MAX_COMPARED = 100
"""Contracts of a table among which the same one is looked for. A table has one in use and seldom a second in SHADOW."""

STATED: Final = frozenset({Origin.DECLARED, Origin.IMPORTED})
"""Where schemas come from that are part of what a contract says, and were not found in rows."""


class ContractNotFound(NotFound):
    """No such contract, or none that the caller may see."""

    code, title = "contract-not-found", "There is no such contract"

    def __init__(self, contract_id: str) -> None:
        super().__init__(f"There is no contract {contract_id[:SHOWN_LENGTH]!r} that you may see.")


class SchemaVersionNotFound(NotFound):
    """The contract has no schema of that version, or none at all yet."""

    code, title = "schema-not-found", "The contract has no such schema"


class NameTaken(Conflict):
    """The endpoint or the relation belongs to something else."""

    code, title = "name-taken", "A name in the contract is taken"


class SchemaMoved(Unavailable):
    """The contract got another schema while rows were taken under the former one: they are to be taken again."""

    code, title = "schema-moved", "The contract has another schema by now"

    def __init__(self, contract_id: str, before: int | None, now: int | None) -> None:
        super().__init__(f"{contract_id} has schema version {now}, and had {before}. Send the request again.")


class ContractReading:
    """Answers questions about contracts. A contract is seen by whoever sees its table."""

    def __init__(self, session: ReadSession) -> None:
        self._contracts = ContractReads(session)

    async def get(self, contract_id: str, actor: Actor) -> ContractRecord:
        """The contract. Raises `ContractNotFound`."""
        return _known(await self._contracts.find(contract_id, states_of(actor)), contract_id)

    async def page(self, table_name: str | None, request: PageRequest, actor: Actor) -> Page[ContractRecord]:
        """Contracts, newest first; those of one logical table when it is named."""
        return await self._contracts.page(states_of(actor), table_name, request)

    async def schema(self, contract_id: str, version: int | None, actor: Actor) -> SchemaRecord:
        """A version of the contract's schema, the one in force when none is named.

        Raises:
            ContractNotFound: the actor sees no such contract.
            SchemaVersionNotFound: the contract has no such version.
        """
        await self.get(contract_id, actor)
        return await self._schema(contract_id, version)

    async def difference(
        self, contract_id: str, from_version: int | None, to_version: int | None, actor: Actor
    ) -> SchemaDifference:
        """How one version of the schema differs from another: by default the one in force from the one before.

        Raises:
            ContractNotFound, SchemaVersionNotFound
        """
        await self.get(contract_id, actor)
        after = await self._schema(contract_id, to_version)
        before = await self._schema(contract_id, preceding(after.version) if from_version is None else from_version)
        return SchemaDifference(contract_id, before.version, after.version, difference(before.columns, after.columns))

    async def _schema(self, contract_id: str, version: int | None) -> SchemaRecord:
        found = await self._contracts.schema(contract_id, version)
        if found is None:
            raise SchemaVersionNotFound("No batch has come in yet that would say." if version is None else None)
        return found

    async def for_ingestion(self, contract_id: str) -> IngestionContract:
        """What ingestion must know, as it stands now.

        Raises:
            ContractNotFound: there is none.
            TableNotWritable: the table is neither in SHADOW nor ACTIVE.
        """
        found = await self.described(contract_id)
        require_writable(found.contract.state)
        return found

    async def described(self, contract_id: str) -> IngestionContract:
        """The contract with its columns, whatever state its table is in. Raises `ContractNotFound`."""
        found = _known(await self._contracts.find(contract_id, tuple(TableState)), contract_id)
        schema = await self._contracts.schema(contract_id, None)
        return IngestionContract(found, schema.columns if schema else None)


class ContractService(ContractReading):
    """Registers contracts and freezes their schemas, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self._session = session
        self._writes = ContractWrites(session)
        self._registry = TableRegistry(session)
        self._baselines = Baselines(session)
        self._audit = AuditTrail(session)

    async def register(
        self, definition: ContractDefinition, actor: Actor, origin: Origin = Origin.DECLARED
    ) -> Registration:
        """A new contract with its table in SHADOW, and the relation when columns are declared; or the one there is.

        A contract that means what one of the table says already, and that is not deprecated, answers that one, and
        nothing is stored: whoever runs a script twice does not want an empty table beside the filled one. Another
        contract is the table's next version. A deprecated contract takes no rows, so the same again is a new version.

        Raises:
            NotIngestionReady: the platform is not opened for data.
            NameTaken: the endpoint belongs to another table, or the relation exists already.
        """
        await require_ingestion_ready(self._session)
        name = definition.table_name
        await self._registry.reserve([name, definition.endpoint])
        same = await self._same(definition)
        if same is not None:
            return Registration(same, made=False)
        former = await self._former(definition, actor)
        version = await self._registry.next_version(name)
        await self._check_names(definition, version)
        contract_id = f"{name}_v{version}"
        table = await self._registry.register_governed(name, version, contract_id, actor)
        await self._writes.add(contract_id, table, definition, actor)
        await self._audit.append(
            actor, ContractAction.REGISTERED, "contract", contract_id, contract_id, after=_audited(definition)
        )
        if definition.columns is not None:
            await self._freeze(await self._locked(contract_id), definition.columns, origin, actor)
        return Registration(await self._locked(contract_id), made=True, former=former)

    async def _same(self, definition: ContractDefinition) -> ContractRecord | None:
        """The contract that says the same and is not deprecated."""
        for contract in await self._contracts.versions(definition.table_name, NOT_DEPRECATED, MAX_COMPARED):
            fields = replace(definition, columns=None)
            if not contract_difference(contract.definition(None), fields).nothing:
                continue  # its columns need not be read
            schema = await self._contracts.schema(contract.id, None)
            columns = None
            if schema is not None and (definition.columns is not None or schema.origin in STATED):
                columns = schema.columns
            if contract_difference(contract.definition(columns), definition).nothing:
                return contract
        return None

    async def _former(self, definition: ContractDefinition, actor: Actor) -> Former | None:
        for contract in await self._contracts.versions(definition.table_name, states_of(actor), 1):
            schema = await self._contracts.schema(contract.id, None)
            kept = contract.definition(schema.columns if schema else None)
            return Former(contract, contract_difference(kept, definition))
        return None

    async def freeze_schema(self, contract_id: str, columns: Sequence[Column], actor: Actor) -> IngestionContract:
        """The contract, with what the first batch looks like as schema version 1, and the relation made.

        Of two batches that come first at once, one freezes its columns and the other gets what was frozen.

        The processing time is added to the inferred columns; key and time columns become NOT NULL. A field whose name
        no column can bear is read into a column of another, where there is one for it.

        Raises:
            ContractNotFound
            InvalidContract: key or time columns are missing or of unusable types, or a name cannot be a column.
            TableNotWritable: the table is neither in SHADOW nor ACTIVE.
        """
        contract = await self._locked(contract_id)
        if contract.schema_version is None:
            await self._registry.hold_writable(contract.table_id)
            found = named_for_fields(columns, contract.semantics.processing_time_column)
            review_columns(contract.semantics, found)
            await self._freeze(contract, completed(contract.semantics, found), Origin.INFERRED, actor)
        return await self.for_ingestion(contract_id)

    async def is_current(self, contract: IngestionContract) -> bool:
        """Whether the contract still has the schema that rows were read by.

        It has it until the transaction ends when this one has the turn among those who write the relation: whoever
        changes the schema takes that first (`changes/evolution.py`).
        """
        return await self._contracts.schema_version(contract.id) == contract.contract.schema_version

    async def confirm_writable(self, contract: IngestionContract) -> None:
        """Return when rows may still come in; nobody changes the table's state before this transaction ends.

        Ask at the end of a merge, right before its commit: held from its beginning, a stream of batches would never let
        a promotion in.

        Raises:
            TableNotWritable: the table left SHADOW and ACTIVE meanwhile.
            SchemaMoved: the table has another schema by now than the rows were held to.
        """
        in_force = await self._registry.hold_writable(contract.contract.table_id)
        if in_force != contract.contract.schema_version:
            raise SchemaMoved(contract.id, contract.contract.schema_version, in_force)

    async def _locked(self, contract_id: str) -> ContractRecord:
        return _known(await self._writes.lock(contract_id), contract_id)

    async def _check_names(self, definition: ContractDefinition, version: int) -> None:
        faults: list[Fault] = []
        other = await self._writes.other_table_at(definition.endpoint, definition.table_name)
        if other is not None:
            message = f"The endpoint belongs to the table {other}."
            faults.append(Fault(pointer="/endpoint", code="endpoint-taken", message=message))
        relation = governed_relation(definition.table_name, version)
        if await Inspector(self._session).exists(relation):
            message = f"There is a relation {relation} already."
            faults.append(Fault(pointer="/table_name", code="relation-exists", message=message))
        if faults:
            raise NameTaken(faults=faults)

    async def _freeze(
        self, contract: ContractRecord, columns: tuple[Column, ...], origin: Origin, actor: Actor
    ) -> None:
        await create_governed(self._session, relation_plan(contract.relation, contract.semantics, columns))
        await self._writes.add_schema(contract.id, 1, columns, origin, actor)
        await self._registry.shape(contract.table_id, 1, shape_of_columns(columns), actor)
        await self._baselines.take({contract.table_id: contract.relation})
        if origin is Origin.INFERRED:
            await self._audit.append(
                actor,
                ContractAction.SCHEMA_FROZEN,
                "contract",
                contract.id,
                contract.id,
                before={"schema_version": None},
                after={"schema_version": 1, "columns": [column_line(column) for column in columns]},
            )


def _known(found: ContractRecord | None, contract_id: str) -> ContractRecord:
    if found is None:
        raise ContractNotFound(contract_id)
    return found


def shape_of_columns(columns: Sequence[Column]) -> Shape:
    """The columns as the catalog of tables keeps them."""
    return tuple(RelationColumn(column.name, column.type.sql, column.nullable) for column in columns)


def _audited(definition: ContractDefinition) -> dict[str, object]:
    return definition.semantics.document() | {
        "endpoint": definition.endpoint,
        "table_name": definition.table_name,
        "unknown_columns": definition.policy.unknown_columns.value,
        "type_changes": definition.policy.type_changes.value,
        "columns": None if definition.columns is None else [column_line(column) for column in definition.columns],
    }
