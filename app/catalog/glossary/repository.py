"""All SQL of the glossary."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, case, cast, func, insert, select, update

from app.catalog.glossary.entries import GlossaryEntry
from app.catalog.glossary.models import GlossaryEntryRow
from app.catalog.glossary.term_columns import term_columns, term_parts
from app.catalog.glossary.terms import Term, plain_term
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.listing import listed, newest_first
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest

E = GlossaryEntryRow.__table__.c


class GlossaryReads:
    """Reads the glossary."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def page(self, search: str | None, request: PageRequest, *, revoked: bool) -> Page[GlossaryEntry]:
        """Entries in force whose term has the text, newest first; revoked ones too, when they are asked for."""
        statement = select(*E)
        if not revoked:
            statement = statement.where(E.revoked_at.is_(None))
        if search:
            statement = statement.where(E.plain_term.contains(plain_term(search), autoescape=True))
        return await listed(self.session, statement, request, newest_first(E.id), _entry)

    async def in_force(self) -> list[GlossaryEntry]:
        """Every entry in force, by term."""
        statement = select(*E).where(E.revoked_at.is_(None)).order_by(E.plain_term)
        return [_entry(row) for row in await self.session.execute(statement)]

    async def find(self, entry_id: UUID) -> GlossaryEntry | None:
        """The entry, or None."""
        row = (await self.session.execute(select(*E).where(E.id == entry_id))).one_or_none()
        return _entry(row) if row else None

    async def takes(self, declared: str, value: str) -> bool:
        """Whether a column of the declared type may have the value; true of types that only their own schema knows."""
        known, text = func.to_regtype(declared), cast(value, Text)
        valid = case((known.is_(None), True), else_=func.pg_input_is_valid(text, cast(declared, Text)))
        return bool((await self.session.execute(select(valid))).scalar_one())


class GlossaryWrites(GlossaryReads):
    """Adds and revokes entries."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def lock(self, term: str) -> None:
        """Nobody else decides about the term before this transaction ends."""
        key = func.hashtextextended(f"spyne.glossary:{plain_term(term)}", 0)
        await self.writer.execute(select(func.pg_advisory_xact_lock(key)))

    async def supersede(self, term: str, by: str, at: datetime) -> UUID | None:
        """The entry that gave the locked term its meaning until now, and is revoked; None when there was none."""
        in_force = (E.plain_term == plain_term(term)) & E.revoked_at.is_(None)
        statement = update(GlossaryEntryRow).where(in_force).values(revoked_at=at, revoked_by=by).returning(E.id)
        revoked: UUID | None = (await self.writer.execute(statement)).scalar_one_or_none()
        return revoked

    async def add(self, entry: Term, by: str) -> GlossaryEntry:
        """The entry, in force from now on; what the term meant before is superseded. The term is locked."""
        latest = await self.writer.execute(select(func.max(E.version)).where(E.plain_term == plain_term(entry.term)))
        values = {"id": new_id(), **term_columns(entry), "version": int(latest.scalar_one() or 0) + 1, "created_by": by}
        row = await self.writer.execute(insert(GlossaryEntryRow).values(values).returning(*E))
        return _entry(row.one())

    async def revoke(self, entry_id: UUID, by: str, at: datetime) -> GlossaryEntry | None:
        """The entry, out of force; None when it was none in force."""
        statement = (
            update(GlossaryEntryRow)
            .where(E.id == entry_id, E.revoked_at.is_(None))
            .values(revoked_at=at, revoked_by=by)
            .returning(*E)
        )
        row = (await self.writer.execute(statement)).one_or_none()
        return _entry(row) if row else None


def _entry(row: Any) -> GlossaryEntry:
    return GlossaryEntry(
        **term_parts(row),
        id=row.id,
        version=row.version,
        created_at=row.created_at,
        created_by=row.created_by,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )
