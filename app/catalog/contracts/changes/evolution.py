"""A contract gets another version of its schema, and its relation with it, in a short transaction of its own.

The order: first the turn among those who write the relation, then the rows that say what the schema is by now and
whatever else the transaction writes, and the relation itself last, since readers wait from there on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.audit.log.service import AuditTrail
from app.catalog.baselines.service import Baselines
from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.definition import Origin, column_line, relation_plan
from app.catalog.contracts.record import ContractRecord, SchemaRecord
from app.catalog.contracts.repository import ContractWrites
from app.catalog.contracts.service import ContractNotFound, SchemaMoved, SchemaVersionNotFound, shape_of_columns
from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.registry import TableRegistry
from app.kernel.db.database import WriteSession, driver_connection
from app.kernel.security.authorization import Actor
from app.warehouse import evolution
from app.warehouse.plan import Column, RelationPlan


@dataclass(frozen=True, slots=True)
class Alteration:
    """A change of a relation that is decided and written down, and is to be carried out as the last thing."""

    session: WriteSession
    contract: ContractRecord
    version: int
    """Of the schema that is in force with it."""
    before: RelationPlan
    after: RelationPlan
    undoing: bool

    async def carry_out(self) -> None:
        """Change the relation; readers wait from here until the transaction ends.

        Raises:
            NeedsNewVersion: the relation cannot become this in place.
            CannotUndo: rows stand in the way of going back.
            RelationBusy: others hold the relation; to be tried again, in a new transaction.
        """
        if self.before == self.after:
            return
        await self.session.flush()
        connection = await driver_connection(self.session)
        if self.undoing:
            await evolution.undo(connection, self.after, self.before)
        else:
            published = self.contract.state is not TableState.SHADOW
            await evolution.apply(connection, self.before, self.after, published=published)
        await Baselines(self.session).take({self.contract.table_id: self.contract.relation})


class ContractEvolution:
    """Gives contracts further versions of their schemas, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._contracts = ContractWrites(session)
        self._registry = TableRegistry(session)
        self._audit = AuditTrail(session)

    async def begin(self, contract_id: str) -> tuple[ContractRecord, SchemaRecord]:
        """The contract and its schema in force; nobody writes the relation or changes either until this is over.

        To be called before the transaction locks anything else: batches lock the rows of reports while they hold the
        relation.

        Raises:
            ContractNotFound
            SchemaVersionNotFound: the contract has no columns yet.
            RelationBusy: a batch is being merged for too long; to be tried again.
        """
        contract = await self._contracts.find(contract_id, tuple(TableState))
        if contract is None:
            raise ContractNotFound(contract_id)
        schema = await self._contracts.schema(contract_id, None)
        if schema is None:
            raise SchemaVersionNotFound("No batch has come in yet that would say.")
        plan = relation_plan(contract.relation, contract.semantics, schema.columns)
        await evolution.take_turn(await driver_connection(self._session), plan)
        locked = await self._contracts.lock(contract_id)
        in_force = await self._contracts.schema(contract_id, None)
        assert locked is not None
        assert in_force is not None
        return locked, in_force

    async def decide(
        self, contract_id: str, from_version: int, columns: Sequence[Column], actor: Actor, *, undoing: bool = False
    ) -> Alteration:
        """The alteration by which the contract has these columns; the schema says so from now on. After `begin`.

        Args:
            contract_id: whose schema it is.
            from_version: the schema that the columns were derived from.
            columns: all of them, new ones at the end: the relation's order is theirs.
            actor: who answers for it.
            undoing: whether this takes back what the version in force has changed.

        Raises:
            ContractNotFound
            SchemaMoved: another schema is in force by now.
        """
        contract, schema = await self._contracts.lock(contract_id), await self._contracts.schema(contract_id, None)
        if contract is None or schema is None:
            raise ContractNotFound(contract_id)
        if schema.version != from_version:
            raise SchemaMoved(contract_id, from_version, schema.version)
        before = relation_plan(contract.relation, contract.semantics, schema.columns)
        after = relation_plan(contract.relation, contract.semantics, tuple(columns))
        if before == after:
            return Alteration(self._session, contract, schema.version, before, after, undoing)
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
        return Alteration(self._session, contract, version, before, after, undoing)
