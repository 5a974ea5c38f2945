"""Who sees a job, and who may cancel it."""

from app.kernel.jobs import JobDefinition
from app.kernel.jobs.models import JobRun
from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor, Permission
from app.operations.jobs.problems import JobNotFound


def owns(actor: Actor, job: JobRun) -> bool:
    """Whether the actor caused the job. Nobody owns the service's own jobs, nor those from before owners were kept."""
    return job.actor_id is not None and (job.actor_kind, job.actor_id) == (actor.kind.value, actor.id)


def visible(actor: Actor, job: JobRun | None) -> JobRun:
    """The job: the actor's own, or anybody's for who runs the service. Raises `JobNotFound` for all others."""
    if job is None or not (owns(actor, job) or actor.may(Permission.SYSTEM_READ)):
        raise JobNotFound
    return job


def require_cancelling(actor: Actor, job: JobRun, kind: JobDefinition) -> None:
    """Return when the actor may cancel the job, and may end what stands for it. Raises `Forbidden`."""
    needed = [] if owns(actor, job) else [Permission.SYSTEM_WRITE]
    needed += [] if kind.record is None else [kind.record.permission]
    missing = [permission.value for permission in needed if not actor.may(permission)]
    if missing:
        raise Forbidden(f"To cancel this job needs the permission {', '.join(missing)}.", missing=missing)
