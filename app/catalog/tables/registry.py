"""Makes versions of tables: the one way in, for contracts and for adoption alike."""

from collections.abc import Sequence
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.tables.actions import TableAction
from app.catalog.tables.lifecycle import PROPERTIES, TableState
from app.catalog.tables.repository import TableWrites
from app.catalog.tables.shape import Shape
from app.catalog.tables.version import NewVersion, TableVersion
from app.kernel.db.database import WriteSession
from app.kernel.problems import Conflict
from app.kernel.security.authorization import Actor
from app.warehouse.naming import RelationName, governed_relation


class TableNotWritable(Conflict):
    """Rows may not come into the table in its state."""

    code, title = "table-not-writable", "The state of the table does not allow writing"


def require_writable(state: TableState | None) -> None:
    """Return when rows may come into a table in this state. Raises `TableNotWritable`."""
    if state is None or not PROPERTIES[state].writable:
        now = state.value if state else "gone"
        raise TableNotWritable(f"The table is {now}; rows come into SHADOW and ACTIVE tables.", state=now)


class TableRegistry:
    """Registers versions, each with its history and audit."""

    def __init__(self, session: WriteSession) -> None:
        self._tables = TableWrites(session)
        self._audit = AuditTrail(session)

    async def reserve(self, names: Sequence[str]) -> None:
        """Nobody else registers a version of these names before this transaction ends."""
        await self._tables.lock_names(names)

    async def next_version(self, name: str) -> int:
        """The version that would come next. Stays true when the name is reserved."""
        return await self._tables.latest_version(name) + 1

    async def registered(self, relations: Sequence[RelationName]) -> set[RelationName]:
        """Those of the relations that are behind a table already."""
        return await self._tables.registered(relations)

    async def register_governed(self, name: str, version: int, contract_id: str, owner: Actor) -> TableVersion:
        """A version in SHADOW for a contract; its relation is made when its columns are known."""
        new = NewVersion(name, version, TableState.SHADOW, "contract", governed_relation(name, version), contract_id)
        return await self._register(new, owner, TableAction.REGISTERED, f"Registered by contract {contract_id}")

    async def register_adopted(
        self, name: str, relation: RelationName, shape: Shape, owner: Actor, reason: str | None
    ) -> TableVersion:
        """The first version of a name, READ_ONLY, for a relation that exists already."""
        new = NewVersion(name, 1, TableState.READ_ONLY, "adopted", relation)
        version = await self._register(new, owner, TableAction.ADOPTED, reason)
        await self._tables.add_shape(version.id, 1, shape, owner)
        return version

    async def shape(self, table_id: UUID, schema_version: int, shape: Shape, by: Actor) -> None:
        """The version looks like this from now on."""
        await self._tables.add_shape(table_id, schema_version, shape, by)

    async def hold_writable(self, table_id: UUID) -> int | None:
        """The schema version in force, when rows may come in; both stay as they are until this transaction ends.

        Raises:
            TableNotWritable: the table is neither in SHADOW nor ACTIVE.
        """
        held = await self._tables.hold(table_id)
        require_writable(held[0] if held else None)
        return held[1] if held else None

    async def _register(self, new: NewVersion, owner: Actor, action: TableAction, reason: str | None) -> TableVersion:
        made = await self._tables.add(new, owner)
        await self._tables.record_change(made.id, None, new.state, by=owner, reason=reason)
        after = {"state": new.state.value, "relation": str(new.relation), "contract": new.contract_id, "reason": reason}
        await self._audit.append(owner, action, "table", made.id, made.label, after=after)
        return made
