"""Use cases of the glossary: terms get meanings, and lose them."""

from dataclasses import asdict
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.glossary.actions import GlossaryAction
from app.catalog.glossary.entries import GlossaryEntry, entry_faults
from app.catalog.glossary.repository import GlossaryReads, GlossaryWrites
from app.catalog.glossary.terms import Term
from app.catalog.joins.service import JoinReading
from app.catalog.vocabulary.service import table_words
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
        self._entries = GlossaryReads(session)

    async def page(self, search: str | None, request: PageRequest, *, revoked: bool) -> Page[GlossaryEntry]:
        """Entries, newest first."""
        return await self._entries.page(search, request, revoked=revoked)

    async def in_force(self) -> list[GlossaryEntry]:
        """Every entry in force."""
        return await self._entries.in_force()


class GlossaryService:
    """Adds and revokes entries."""

    def __init__(self, session: WriteSession, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._entries, self._audit = GlossaryWrites(session), AuditTrail(session)

    async def add(self, entry: Term, actor: Actor) -> GlossaryEntry:
        """The entry, in force instead of what the term meant before. Raises `InvalidGlossaryEntry`."""
        faults = entry_faults(entry) or await self._unknown(entry)
        if faults:
            raise InvalidGlossaryEntry(faults=faults)
        await self._entries.lock(entry.term)
        added = await self._entries.add(entry, actor.label, self._clock())
        after = {name: value for name, value in asdict(entry).items() if value is not None and name != "value"}
        await self._audit.append(actor, GlossaryAction.ADDED, "glossary-entry", added.id, added.term, after=after)
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
        await self._audit.append(actor, GlossaryAction.REVOKED, "glossary-entry", entry_id, entry.term)
        return revoked

    async def _unknown(self, entry: Term) -> list[Fault]:
        """What the entry names that queries do not find."""
        if entry.join_id is not None:
            known = {join.join_id for join in await JoinReading(self._session).in_force(None)}
            message = "No accepted join in force has this id."
            return [] if entry.join_id in known else [Fault(pointer="/join_id", code="unknown", message=message)]
        if entry.table is None:
            return []
        tables = {table.name: table for table in await table_words(self._session)}
        if entry.table not in tables:
            return [Fault(pointer="/table", code="unknown", message="No table can be queried by this name.")]
        columns = {column.name: column for column in tables[entry.table].columns}
        if entry.column is not None and entry.column not in columns:
            message = f"{entry.table} has no column of this name."
            return [Fault(pointer="/column", code="unknown", message=message)]
        if entry.value is not None and entry.column is not None and columns[entry.column].private:
            message = f"Values of {entry.table}.{entry.column} are private: no term may stand for one."
            return [Fault(pointer="/value", code="private", message=message)]
        return []
