"""Use cases of the glossary: terms get meanings, and lose them."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.glossary.actions import GlossaryAction
from app.catalog.glossary.entries import GlossaryEntry, entry_faults
from app.catalog.glossary.repository import GlossaryReads, GlossaryWrites
from app.catalog.glossary.terms import Term
from app.catalog.joins.service import JoinReading
from app.catalog.vocabulary.service import table_words
from app.catalog.vocabulary.words import ColumnName
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound
from app.kernel.security.authorization import Actor


class InvalidGlossaryEntry(InvalidRequest):
    """The entry says too little, too much, or names what is not there."""

    code, title = "invalid-glossary-entry", "The glossary entry has faults"


class GlossaryEntryNotFound(NotFound):
    """There is no such entry."""

    code, title = "glossary-entry-not-found", "There is no such glossary entry"


class GlossaryEntryRevoked(Conflict):
    """The entry was revoked before."""

    code, title = "glossary-entry-revoked", "The glossary entry is revoked"


class GlossaryReading:
    """Reads the glossary."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._entries = GlossaryReads(session)

    async def page(self, search: str | None, request: PageRequest, *, revoked: bool) -> Page[GlossaryEntry]:
        """Entries, newest first; without values of columns that are private by now."""
        page = await self._entries.page(search, request, revoked=revoked)
        if not any(entry.value is not None for entry in page.items):
            return page
        private = await self._private_columns()
        return replace(page, items=[_without_private(entry, private) for entry in page.items])

    async def in_force(self) -> list[GlossaryEntry]:
        """Every entry in force."""
        return await self._entries.in_force()

    async def faults(self, entry: Term) -> list[Fault]:
        """What is wrong with the entry: missing parts, those that say nothing, and what queries do not find."""
        return entry_faults(entry) or await self._unknown(entry)

    async def _unknown(self, entry: Term) -> list[Fault]:
        """What the entry names that queries do not find."""
        if entry.join_id is not None:
            known = {join.join_id for join in await JoinReading(self._session).in_force(None)}
            message = "No accepted join in force has this id."
            return [] if entry.join_id in known else _fault("/join_id", "unknown", message)
        if entry.table is None:
            return []
        tables = {table.name: table for table in await table_words(self._session)}
        if entry.table not in tables:
            return _fault("/table", "unknown", "No table can be queried by this name.")
        columns = {column.name: column for column in tables[entry.table].columns}
        if entry.column is not None and entry.column not in columns:
            return _fault("/column", "unknown", f"{entry.table} has no column of this name.")
        return await self._unfit(entry, columns.get(entry.column or ""))

    async def _unfit(self, entry: Term, column: ColumnName | None) -> list[Fault]:
        """Why no term may stand for the value in the column."""
        if entry.value is None or column is None:
            return []
        name = f"{entry.table}.{column.name}"
        if column.private:
            return _fault("/value", "private", f"Values of {name} are private: no term may stand for one.")
        if await self._entries.takes(column.type, entry.value):
            return []
        return _fault("/value", "not-of-this-type", f"{name} is of the type {column.type}, which has no such value.")

    async def _private_columns(self) -> set[tuple[str | None, str | None]]:
        """The tables and columns whose values are shown to nobody in an explanation."""
        tables = await table_words(self._session)
        return {(table.name, column.name) for table in tables for column in table.columns if column.private}


def _fault(pointer: str, code: str, message: str) -> list[Fault]:
    return [Fault(pointer=pointer, code=code, message=message)]


def _without_private(entry: GlossaryEntry, private: Collection[tuple[str | None, str | None]]) -> GlossaryEntry:
    return replace(entry, value=None) if (entry.table, entry.column) in private else entry


class GlossaryService:
    """Adds and revokes entries."""

    def __init__(self, session: WriteSession, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._entries, self._audit = GlossaryWrites(session), AuditTrail(session)

    async def add(self, entry: Term, actor: Actor) -> GlossaryEntry:
        """The entry, in force instead of what the term meant before. Raises `InvalidGlossaryEntry`."""
        faults = await GlossaryReading(self._session).faults(entry)
        if faults:
            raise InvalidGlossaryEntry(faults=faults)
        await self._entries.lock(entry.term)
        superseded = await self._entries.supersede(entry.term, actor.label, self._clock())
        if superseded is not None:
            await self._audit.append(actor, GlossaryAction.REVOKED, "glossary-entry", superseded, entry.label)
        added = await self._entries.add(entry, actor.label)
        named = {"meaning": entry.meaning.value, "table": entry.table, "column": entry.column, "join": entry.join_id}
        after = {name: value for name, value in named.items() if value is not None}
        await self._audit.append(actor, GlossaryAction.ADDED, "glossary-entry", added.id, added.label, after=after)
        return added

    async def revoke(self, entry_id: UUID, if_match: str | None, actor: Actor) -> GlossaryEntry:
        """The entry, out of force. Raises `GlossaryEntryNotFound`, `GlossaryEntryRevoked`, `PreconditionFailed`."""
        entry = await self._entries.find(entry_id)
        if entry is None:
            raise GlossaryEntryNotFound
        check_if_match(if_match, entry.etag)
        revoked = await self._entries.revoke(entry_id, actor.label, self._clock())
        if revoked is None:
            raise GlossaryEntryRevoked(f"The meaning of {entry.term!r} is revoked already.")
        await self._audit.append(actor, GlossaryAction.REVOKED, "glossary-entry", entry_id, revoked.label)
        return revoked

    async def revoke_if_in_force(self, entry_id: UUID, actor: Actor) -> None:
        """Take the entry out of force, unless it is that already."""
        revoked = await self._entries.revoke(entry_id, actor.label, self._clock())
        if revoked is not None:
            await self._audit.append(actor, GlossaryAction.REVOKED, "glossary-entry", entry_id, revoked.label)
