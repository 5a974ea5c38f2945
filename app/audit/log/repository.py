"""All SQL of the audit log: appending and reading. There is deliberately no way to change or remove a row."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, Text, cast, literal, select

from app.audit.log.models import AuditEntry
from app.audit.log.schemas import AuditFilter
from app.kernel.db.database import WriteSession, driver_connection
from app.kernel.db.repository import Reading
from app.kernel.paging import Page, PageRequest

FETCH_ROWS: Final = 500
APPENDED: Final = tuple(
    column.name for column in AuditEntry.__table__.columns if column.name not in {"id", "time", "transaction_id"}
)
_APPEND: Final = (
    f"INSERT INTO spyne.audit_log ({', '.join(APPENDED)}) "  # noqa: S608 - constants
    f"VALUES ({', '.join(f'${number}' for number in range(1, len(APPENDED) + 1))})"
)
_BEGIN: Final = select(literal(1))
_SHOWN: Final = [
    cast(column, Text).label(column.name) if column.name in {"before", "after"} else column
    for column in AuditEntry.__table__.columns
]
Selected = TypeVar("Selected", bound=Select[*tuple[Any, ...]])


_EQUALITIES = {
    "actor_id": AuditEntry.actor_id,
    "actor": AuditEntry.actor_label,
    "action": AuditEntry.action,
    "verb": AuditEntry.verb,
    "entity_type": AuditEntry.entity_type,
    "entity_id": AuditEntry.entity_id,
    "correlation_id": AuditEntry.correlation_id,
    "outcome": AuditEntry.outcome,
}


class AuditReads(Reading[AuditEntry]):
    """Reads the log."""

    model = AuditEntry

    async def entry(self, entry_id: UUID) -> AuditEntry:
        """The row. Raises `NotFound`."""
        return await self.one(self.base().where(AuditEntry.id == entry_id))

    async def matching(self, wanted: AuditFilter, request: PageRequest) -> Page[AuditEntry]:
        """A page of the rows that satisfy every condition, newest first."""
        return await self.page(_narrowed(self.base(), wanted), request)

    async def every(self, wanted: AuditFilter) -> AsyncIterator[Sequence[Row[Any]]]:
        """All rows that satisfy every condition, newest first, some hundred at a time; `before` and `after` as text."""
        statement = _narrowed(select(*_SHOWN), wanted).order_by(AuditEntry.id.desc())
        found = await self.session.stream(statement.execution_options(yield_per=FETCH_ROWS))
        async for rows in found.partitions():
            yield rows


def matching_entries(wanted: AuditFilter) -> Select[*tuple[Any, ...]]:
    """The statement of all rows that satisfy every condition, newest first, as they are kept."""
    return _narrowed(select(*AuditEntry.__table__.columns), wanted).order_by(AuditEntry.id.desc())


def _narrowed(statement: Selected, wanted: AuditFilter) -> Selected:
    for name, column in _EQUALITIES.items():
        value = getattr(wanted, name)
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(AuditEntry.time >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEntry.time < wanted.until)
    return statement


class AuditWrites:
    """Appends to the log."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def append(self, values: dict[str, Any]) -> None:
        """Insert one row; the database gives its id, time and transaction.

        Every change pays for this, so it is one prepared statement straight through the driver, inside the session's
        transaction: an eighth of what it costs through the session.

        Args:
            values: of `APPENDED`, all of them; `before` and `after` as JSON text.
        """
        connection = await self._session.connection()
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is None or not driver.is_in_transaction():
            # The first statement of a transaction begins it, and only the session's own statements do.
            await self._session.execute(_BEGIN)
            driver = await driver_connection(self._session)
        await driver.execute(_APPEND, *[values[name] for name in APPENDED])
