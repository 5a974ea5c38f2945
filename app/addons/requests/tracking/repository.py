"""All SQL of requests and their steps. Every change of the status is made on a locked row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Float, case, func, literal, select

from app.addons.requests.tracking.models import AddonRequest, RequestStep
from app.addons.requests.tracking.workflow import WORKING, RequestStatus
from app.kernel.db.listing import Order, SortKey
from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest

WAITING = RequestStatus.PENDING_APPROVAL.value


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which requests are listed."""

    owner: tuple[str, UUID | None] | None
    """Kind and id of whose; None for everybody's."""
    status: RequestStatus | None = None
    waiting_first: bool = False
    """Whether those that wait for approval come before all others, the longest waiting one first."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """For how long requests had a status."""

    status: str
    requests: int
    median_seconds: float
    longest_seconds: float


_IS_WAITING = AddonRequest.status == WAITING
_WAITING_FIRST = Order((
    SortKey(case((_IS_WAITING, 0), else_=1)),
    SortKey(case((_IS_WAITING, AddonRequest.id), else_=UUID(int=0))),
    SortKey(AddonRequest.id, is_descending=True),
))  # fmt: skip
"""Requests that wait for approval, the longest waiting one first; then the others, newest first."""


class RequestReads(Reading[AddonRequest]):
    """Reads requests."""

    model = AddonRequest
    sorts = ("title", "status", "created_at")

    async def matching(self, wanted: RequestFilter, request: PageRequest) -> Page[AddonRequest]:
        """A page of requests, newest first, those that wait for approval before them when this is wanted."""
        statement = self.base()
        if wanted.owner is not None:
            statement = statement.where(_by(*wanted.owner))
        if wanted.status is not None:
            statement = statement.where(AddonRequest.status == wanted.status.value)
        if not wanted.waiting_first:
            return await self.page(statement, request)
        return await self.page(statement, request, _WAITING_FIRST)

    async def steps(self, request_id: UUID) -> Sequence[RequestStep]:
        """The steps of a request, oldest first."""
        statement = select(RequestStep).where(RequestStep.request_id == request_id).order_by(RequestStep.id)
        return (await self.session.execute(statement)).scalars().all()

    async def by_status(self, owner: tuple[str, UUID | None] | None) -> dict[str, int]:
        """How many requests have each status; of one requestor, or of all."""
        statement = select(AddonRequest.status, func.count()).group_by(AddonRequest.status)
        if owner is not None:
            statement = statement.where(_by(*owner))
        return {status: int(count) for status, count in (await self.session.execute(statement)).all()}

    async def oldest_waiting_seconds(self, owner: tuple[str, UUID | None] | None) -> float | None:
        """For how long the oldest request waits for approval; None when none waits."""
        age = func.extract("epoch", func.now() - func.min(AddonRequest.status_since))
        statement = select(age).where(AddonRequest.status == WAITING)
        if owner is not None:
            statement = statement.where(_by(*owner))
        found = (await self.session.execute(statement)).scalar_one()
        return None if found is None else float(found)

    async def step_times(self, owner: tuple[str, UUID | None] | None) -> list[StepTime]:
        """For how long requests had each status that they have left."""
        median = func.percentile_cont(literal(0.5, Float)).within_group(RequestStep.seconds)
        statement = select(RequestStep.from_status, func.count(), median, func.max(RequestStep.seconds)).group_by(
            RequestStep.from_status
        )
        if owner is not None:
            statement = statement.join(AddonRequest, AddonRequest.id == RequestStep.request_id).where(_by(*owner))
        rows = (await self.session.execute(statement)).all()
        return [StepTime(status, int(count), float(middle), float(longest)) for status, count, middle, longest in rows]

    async def stranded(self) -> Sequence[UUID]:
        """Requests that are worked on although the job of theirs is over."""
        going = select(JobRun.id).where(JobRun.id == AddonRequest.job_id, JobRun.state.in_(OPEN_STATES))
        working = [status.value for status in WORKING]
        statement = select(AddonRequest.id).where(AddonRequest.status.in_(working), ~going.exists())
        return await self.all(statement.order_by(AddonRequest.id))


class RequestWrites(Writing[AddonRequest], RequestReads):
    """Makes and changes requests."""

    async def locked(self, request_id: UUID) -> AddonRequest | None:
        """The request, which nobody else changes before this transaction ends."""
        locking = self.base().where(AddonRequest.id == request_id).with_for_update()
        return await self.maybe(locking.execution_options(populate_existing=True))

    async def add_step(self, step: RequestStep) -> None:
        """Record a change of the status."""
        self.session.add(step)
        await self.session.flush()

    async def now(self) -> datetime:
        """The database's clock."""
        clock = select(func.clock_timestamp(type_=DateTime(timezone=True)))
        return (await self.session.execute(clock)).scalar_one()


def _by(kind: str, id_: UUID | None) -> ColumnElement[bool]:
    return (AddonRequest.requestor_kind == kind) & AddonRequest.requestor_id.is_not_distinct_from(id_)
