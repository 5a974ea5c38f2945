"""All SQL of samples."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, select

from app.addons.requests.samples.models import LogSample
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest


class SampleReads(Reading[LogSample]):
    """Reads samples that are not deleted."""

    model = LogSample

    async def of_request(self, request_id: UUID) -> Sequence[LogSample]:
        """The samples of a request, oldest first; there are few."""
        return await self.all(self._of(request_id).order_by(LogSample.id))

    async def matching(self, request_id: UUID, request: PageRequest) -> Page[LogSample]:
        """A page of the samples of a request, newest first."""
        return await self.page(self._of(request_id), request)

    async def count_of(self, request_id: UUID) -> int:
        """How many samples the request has."""
        return await self.count(select(LogSample.id).where(LogSample.request_id == request_id, _KEPT))

    async def knows(self, sample_id: UUID) -> bool:
        """Whether there is a row of the sample, deleted or not."""
        return bool(await self.count(select(LogSample.id).where(LogSample.id == sample_id)))

    def _of(self, request_id: UUID) -> Select[LogSample]:
        return self.base().where(LogSample.request_id == request_id, _KEPT)


class SampleWrites(Writing[LogSample], SampleReads):
    """Adds and deletes samples."""

    async def locked(self, request_id: UUID, sample_id: UUID) -> LogSample | None:
        """The sample of the request, which nobody else changes before this transaction ends."""
        statement = self._of(request_id).where(LogSample.id == sample_id).with_for_update()
        return await self.maybe(statement)

    async def mark_deleted(self, sample: LogSample, by: str) -> None:
        """Let the sample be deleted from now on."""
        sample.deleted_at = (await self.session.execute(select(func.clock_timestamp()))).scalar_one()
        sample.deleted_by = by
        await self.session.flush()


_KEPT = LogSample.deleted_at.is_(None)
