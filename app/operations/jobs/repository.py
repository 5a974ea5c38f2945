"""SQL that reads jobs for people. All that changes them is the kernel's: `app/kernel/jobs/runs.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement

from app.kernel.db.repository import Reading
from app.kernel.jobs import JobState
from app.kernel.jobs.models import JobRun
from app.kernel.paging import Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs; absent conditions hold for all."""

    name: str | None = None
    state: JobState | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """`since` and `until` compare with the time when jobs were enqueued."""

    @property
    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The conditions on jobs."""
        asked = (
            None if self.name is None else JobRun.name == self.name,
            None if self.state is None else JobRun.state == self.state.value,
            None if self.key is None else JobRun.key == self.key,
            None if self.since is None else JobRun.queued_at >= self.since,
            None if self.until is None else JobRun.queued_at < self.until,
        )
        return [condition for condition in asked if condition is not None]


class JobReads(Reading[JobRun]):
    """Reads jobs."""

    model = JobRun
    sorts = ("name", "state", "priority", "queued_at")

    async def matching(
        self, wanted: JobFilter, owner: tuple[str, UUID | None] | None, request: PageRequest
    ) -> Page[JobRun]:
        """A page of jobs, newest first: those that an actor, by kind and id, has caused; or everybody's."""
        statement = self.base().where(*wanted.conditions)
        if owner is not None:  # an actor without an id owns none, as NULL equals nothing
            statement = statement.where(JobRun.actor_kind == owner[0], JobRun.actor_id == owner[1])
        return await self.page(statement, request)
