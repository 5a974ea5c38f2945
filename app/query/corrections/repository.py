"""All SQL of corrections."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.catalog.glossary.term_columns import term_columns, term_parts
from app.catalog.glossary.terms import Term
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.kernel.security.authorization import Actor
from app.query.corrections.corrections import CorrectionState, ProposedTerm
from app.query.corrections.models import QueryCorrectionRow

C = QueryCorrectionRow.__table__.c


class CorrectionReads(Reading[QueryCorrectionRow]):
    """Reads corrections."""

    model = QueryCorrectionRow

    async def proposed_by(self, actor: Actor) -> list[ProposedTerm]:
        """The terms that the actor has proposed and nobody has decided about, oldest first."""
        statement = select(*C).where(_by(actor), C.state == CorrectionState.PROPOSED.value).order_by(C.id)
        rows = (await self.session.execute(statement)).all()
        return [ProposedTerm(**term_parts(row), correction_id=row.id) for row in rows]

    async def of(
        self, author: Actor | None, state: CorrectionState | None, request: PageRequest
    ) -> Page[QueryCorrectionRow]:
        """A page of corrections, newest first: an author's, or everybody's."""
        statement = self.base()
        if author is not None:
            statement = statement.where(_by(author))
        if state is not None:
            statement = statement.where(C.state == state.value)
        return await self.page(statement, request)


class CorrectionWrites(Writing[QueryCorrectionRow], CorrectionReads):
    """Adds and decides corrections."""

    async def locked(self, correction_id: UUID) -> QueryCorrectionRow | None:
        """The correction, which nobody else changes before this transaction ends; None when there is none."""
        return await self.maybe(self.base().where(C.id == correction_id).with_for_update())

    async def lock_author(self, actor: Actor) -> None:
        """Nobody else adds corrections of this author before this transaction ends."""
        key = func.hashtextextended(f"spyne.corrections:{actor.kind.value}:{actor.id}", 0)
        await self.session.execute(select(func.pg_advisory_xact_lock(key)))

    async def withdraw(self, actor: Actor, plain_terms: Collection[str], at: datetime) -> None:
        """Revoke what the actor has proposed for the terms."""
        own = _by(actor) & (C.state == CorrectionState.PROPOSED.value) & C.plain_term.in_(plain_terms)
        state = CorrectionState.REVOKED.value
        changed = update(QueryCorrectionRow).where(own).values(state=state, decided_at=at, decided_by=actor.label)
        await self.session.execute(changed)

    async def propose(self, actor: Actor, term: Term, about: Mapping[str, Any]) -> QueryCorrectionRow:
        """A proposal of the actor's; `about` are the question, the sentence, the preview and both statements."""
        row = QueryCorrectionRow(
            **term_columns(term),
            **about,
            author_kind=actor.kind.value,
            author_id=actor.id,
            author_label=actor.label,
            state=CorrectionState.PROPOSED.value,
        )
        return await self.add(row)


def _by(actor: Actor) -> Any:
    return (C.author_kind == actor.kind.value) & C.author_id.is_not_distinct_from(actor.id)
