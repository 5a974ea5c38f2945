"""All SQL of previews and executions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, func, select, update

from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.query.models import QueryExecution, QueryPreview


class PreviewReads(Reading[QueryPreview]):
    """Reads previews."""

    model = QueryPreview

    async def owned(self, id_: UUID, owner_kind: str, owner_id: UUID | None) -> QueryPreview | None:
        """The preview, if it is this owner's."""
        owned = (QueryPreview.owner_kind == owner_kind) & QueryPreview.owner_id.is_not_distinct_from(owner_id)
        return await self.maybe(self.base().where(QueryPreview.id == id_, owned))

    async def now(self) -> datetime:
        """The database's clock, by which previews expire."""
        clock = select(func.clock_timestamp(type_=DateTime(timezone=True)))
        return (await self.session.execute(clock)).scalar_one()


class PreviewWrites(Writing[QueryPreview], PreviewReads):
    """Makes and claims previews."""

    async def claim(self, id_: UUID) -> bool:
        """Whether the preview is now this transaction's: not used before and not expired."""
        claimed = (
            update(QueryPreview)
            .where(
                QueryPreview.id == id_, QueryPreview.used_at.is_(None), QueryPreview.expires_at > func.clock_timestamp()
            )
            .values(used_at=func.clock_timestamp())
            .returning(QueryPreview.id)
        )
        return (await self.session.execute(claimed)).scalar_one_or_none() is not None


class ExecutionReads(Reading[QueryExecution]):
    """Reads executions."""

    model = QueryExecution

    async def of(self, owner: tuple[str, UUID | None] | None, request: PageRequest) -> Page[QueryExecution]:
        """A page of executions, newest first: an actor's own, or everybody's."""
        statement = self.base()
        if owner is not None:
            kind, id_ = owner
            own = QueryExecution.actor_id.is_not_distinct_from(id_)
            statement = statement.where(QueryExecution.actor_kind == kind, own)
        return await self.page(statement, request)


class ExecutionWrites(Writing[QueryExecution], ExecutionReads):
    """Begins and ends executions."""

    async def finish(self, id_: UUID, **values: Any) -> bool:
        """Whether the execution was running until now; how it ended is written then."""
        ended = (
            update(QueryExecution)
            .where(QueryExecution.id == id_, QueryExecution.outcome == "running")
            .values(**values, finished_at=func.clock_timestamp())
            .returning(QueryExecution.id)
        )
        return (await self.session.execute(ended)).scalar_one_or_none() is not None

    async def lose(self, started_before: timedelta, error_code: str) -> Sequence[UUID]:
        """The executions which began so long ago and have no end, now written as failed."""
        ended = (
            update(QueryExecution)
            .where(
                QueryExecution.outcome == "running", QueryExecution.started_at < func.clock_timestamp() - started_before
            )
            .values(outcome="failed", error_code=error_code, finished_at=func.clock_timestamp())
            .returning(QueryExecution.id)
        )
        return (await self.session.execute(ended)).scalars().all()
