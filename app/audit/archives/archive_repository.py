"""All SQL of archives: what may leave the log, what vouches for it, and the one way out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, text

from app.audit.archives.statements import Archive
from app.audit.log.models import AuditArchive
from app.audit.seals.seal_repository import MAX_BIGINT
from app.kernel.db.database import ReadSession, WriteSession

_COLUMNS: Final = [column.name for column in AuditArchive.__table__.columns]
_MEMBERS: Final = "spyne.audit_sealed_entries m JOIN spyne.audit_log e ON e.id = m.entry_id"
_SIZE: Final = "octet_length(CAST(e AS text))"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far the log may be removed: numbers of last seals."""

    aged: int
    """All seals up to this one are older than the cut-off, with all their rows."""
    upto: int
    """And none of them has a row that is spared."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Rows under some seals."""

    rows: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None


class ArchiveReads:
    """Reads archives and what is there to be archived."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def last(self) -> Archive | None:
        """The newest archive."""
        statement = select(AuditArchive).order_by(AuditArchive.number.desc()).limit(1)
        found = (await self._session.execute(statement)).scalars().first()
        return None if found is None else _archive(found)

    async def over(self, first: int, last: int) -> list[Archive]:
        """The archives that cover any of these seals, in order."""
        statement = select(AuditArchive).where(AuditArchive.last_seal >= first, AuditArchive.first_seal <= last)
        found = await self._session.execute(statement.order_by(AuditArchive.number))
        return [_archive(row) for row in found.scalars()]

    async def bounds(self, cut_off: datetime, spared: str, after: int = 0, upto: int = MAX_BIGINT) -> Bounds:
        """How far the log may be removed.

        Args:
            cut_off: what is older may go.
            spared: SQL condition over a row `e` of the log that is to stay.
            after: look at no seals up to this one.
            upto: look at no later ones.
        """
        micros = int(cut_off.timestamp() * 1_000_000)
        statement = text(
            "WITH young AS (SELECT min(number) AS seal FROM spyne.audit_seals WHERE sealed_at >= :micros), "  # noqa: S608 - SQL of targets
            "last AS (SELECT least(:upto, coalesce((SELECT seal - 1 FROM young), max(number))) AS seal "
            "FROM spyne.audit_seals) "
            "SELECT (SELECT seal FROM last), min(m.seal) FILTER (WHERE e.time >= :cut_off), "
            f"min(m.seal) FILTER (WHERE {spared}) "
            f"FROM {_MEMBERS} WHERE m.seal > :after AND m.seal <= (SELECT seal FROM last)"
        )
        wanted = {"micros": micros, "cut_off": cut_off, "after": after, "upto": upto}
        row = (await self._session.execute(statement, wanted)).one()
        last = row[0] or 0
        aged = min(last, MAX_BIGINT if row[1] is None else row[1] - 1)
        return Bounds(aged, min(aged, MAX_BIGINT if row[2] is None else row[2] - 1))

    async def extent(self, after: int, upto: int) -> Extent:
        """The rows under the seals behind the one, up to the other, as far as they are in the log."""
        statement = text(
            f"SELECT count(*), coalesce(sum({_SIZE}), 0), min(e.time), max(e.time) "  # noqa: S608 - constants
            f"FROM {_MEMBERS} WHERE m.seal > :after AND m.seal <= :upto"
        )
        row = (await self._session.execute(statement, {"after": after, "upto": upto})).one()
        return Extent(int(row[0]), int(row[1]), row[2], row[3])

    async def next_seals(self, after: int, upto: int, rows: int) -> tuple[int, int] | None:
        """First and last of the seals behind this one that together have at least so many rows, or reach the other.

        None when there is none.
        """
        statement = text(
            "SELECT min(number), max(number) FROM (SELECT number, coalesce(sum(count) OVER (ORDER BY number "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before FROM spyne.audit_seals "
            "WHERE number > :after AND number <= :upto) s WHERE before < :rows"
        )
        row = (await self._session.execute(statement, {"after": after, "upto": upto, "rows": rows})).one()
        return None if row[0] is None else (row[0], row[1])

    async def first_present(self) -> int | None:
        """The first seal whose rows are in the log."""
        statement = text("SELECT min(seal) FROM spyne.audit_sealed_entries")
        found: int | None = (await self._session.execute(statement)).scalar_one()
        return found


class ArchiveWrites(ArchiveReads):
    """Adds archives, and removes what they vouch for. There is no way to change or remove an archive."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self._writes = session

    async def add(self, archive: Archive) -> None:
        """The archive; refused by the database unless it follows on the last one."""
        values: dict[str, Any] = {name: getattr(archive, name) for name in _COLUMNS}
        await self._writes.execute(insert(AuditArchive).values(values))

    async def remove(self, upto: int) -> int:
        """How many rows were removed: all those of the seals up to this one, for which archives vouch."""
        removal = text("SELECT spyne.remove_archived_audit(:upto)")
        return int((await self._writes.execute(removal, {"upto": upto})).scalar_one())


def _archive(row: AuditArchive) -> Archive:
    return Archive(**{name: getattr(row, name) for name in _COLUMNS})
