"""A contract gets another version of its schema, and its relation with it, in a short transaction of its own."""

from collections.abc import Sequence

from app.audit.log.service import AuditTrail
from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.definition import Origin, column_line, relation_plan
from app.catalog.contracts.record import ContractRecord, SchemaRecord
from app.catalog.contracts.repository import ContractWrites
from app.catalog.contracts.service import ContractNotFound, SchemaMoved, shape_of_columns
from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.registry import TableRegistry
from app.kernel.db.database import WriteSession
from app.kernel.security.authorization import Actor
from app.warehouse import evolution
from app.warehouse.plan import Column


class ContractEvolution:
    """Gives contracts further versions of their schemas, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._contracts = ContractWrites(session)
        self._registry = TableRegistry(session)
        self._audit = AuditTrail(session)

    async def current(self, contract_id: str) -> tuple[ContractRecord, SchemaRecord]:
        """The contract, locked, and its schema in force. Raises `ContractNotFound`: there is none with a schema."""
        contract = await self._contracts.lock(contract_id)
        schema = await self._contracts.schema(contract_id, None)
        if contract is None or schema is None:
            raise ContractNotFound(contract_id)
        return contract, schema

    async def apply(
        self, contract_id: str, from_version: int, columns: Sequence[Column], actor: Actor, *, undoing: bool = False
    ) -> int:
        """The version of the schema that has these columns, now in force; the one in force when it has them already.

        Args:
            contract_id: whose schema it is.
            from_version: the schema that the columns were derived from.
            columns: all of them, new ones at the end: the relation's order is theirs.
            actor: who answers for it.
            undoing: whether this takes back what the version in force has changed.

        Raises:
            ContractNotFound
            SchemaMoved: another schema is in force by now.
            NeedsNewVersion: the relation cannot become this in place.
            RelationBusy: others hold the relation; to be tried again, in a new transaction.
        """
        contract, schema = await self.current(contract_id)
        if schema.version != from_version:
            raise SchemaMoved(contract_id, from_version, schema.version)
        if schema.columns == tuple(columns):
            return schema.version
        before = relation_plan(contract.relation, contract.semantics, schema.columns)
        after = relation_plan(contract.relation, contract.semantics, tuple(columns))
        change = evolution.undo if undoing else evolution.apply
        await change(self._session, before, after, published=contract.state is not TableState.SHADOW)
        version = schema.version + 1
        await self._contracts.add_schema(contract_id, version, columns, Origin.EVOLVED, actor)
        await self._registry.shape(contract.table_id, version, shape_of_columns(columns), actor)
        await self._audit.append(
            actor,
            ContractAction.EVOLVED,
            "contract",
            contract_id,
            contract_id,
            before={"schema_version": schema.version, "columns": [column_line(each) for each in schema.columns]},
            after={"schema_version": version, "columns": [column_line(each) for each in columns]},
        )
        return version
