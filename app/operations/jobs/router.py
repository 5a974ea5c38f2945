"""`/system/jobs`: what goes on in the background, and the way to end it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response, status

from app.kernel.db.database import OperationClass
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import operation, provided, reads
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import responses
from app.kernel.security.authorization import AnyActor
from app.operations.jobs.problems import JobIsOver, JobNotFound, UnknownJobKind
from app.operations.jobs.repository import JobFilter, JobReads
from app.operations.jobs.schemas import JobCancellation, JobDocument, job_filter
from app.operations.jobs.service import JobService, JobViews

router = APIRouter(prefix="/system/jobs", tags=["jobs"], route_class=TransactionalRoute)

JobId = Annotated[UUID, Path(description="Id of the job, as an export or a run of retention names it.")]
Wanted = Annotated[JobFilter, Depends(job_filter)]
ViewsDep = Annotated[JobViews, reads(JobViews)]
JobsDep = Annotated[JobService, provided(JobService)]


SortedPaging = Annotated[PageRequest, sorted_by(*JobReads.sorts)]


@router.get("", operation_id="list_jobs")
async def list_jobs(
    actor: AnyActor, jobs: ViewsDep, wanted: Wanted, paging: SortedPaging, request: Request, response: Response
) -> PageDocument[JobDocument]:
    """The jobs that the caller has caused, newest first; everybody's for who runs the service."""
    return show(await jobs.page(actor, wanted, paging), lambda shown: shown, request, response)


@router.get("/{job_id}", operation_id="get_job", responses=responses(JobNotFound))
async def get_job(job_id: JobId, actor: AnyActor, jobs: ViewsDep) -> JobDocument:
    """One job: how far it is and how long it will take, how often it was tried, and why it failed."""
    return await jobs.get(actor, job_id)


@router.post(
    "/{job_id}/cancel",
    operation_id="cancel_job",
    status_code=status.HTTP_202_ACCEPTED,
    responses=responses(JobNotFound, JobIsOver, UnknownJobKind),
    openapi_extra=operation(OperationClass.CONTROL),
)
async def cancel_job(job_id: JobId, wanted: JobCancellation, actor: AnyActor, jobs: JobsDep) -> JobDocument:
    """End a job, and with it the export, batch or run of retention that it was to make.

    One that waits is never started, one that runs is stopped within seconds; until then its state stays. Asking again
    changes nothing.
    """
    return await jobs.cancel(actor, job_id, wanted.reason)
