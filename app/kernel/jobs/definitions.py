"""What a domain declares about its background work: data, so that nothing registers itself by being imported."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.jobs.context import JobContext
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission

JobHandler = Callable[[JobContext], Awaitable[None]]
EndRecord = Callable[[Resources, WriteSession, Actor, Mapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """The row of a domain that stands for a job, such as an export: it ends with the job that is cancelled."""

    permission: Permission
    """What the domain's own operation asks for to end the record; whoever cancels the job needs it too."""
    end: EndRecord
    """Ends the record that the job's payload names, if it is open, in the transaction that cancels the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """A kind of job. Its handler may be started more than once for one job, so its effects must be idempotent."""

    name: str
    handler: JobHandler
    max_starts: int = 5
    """Starts before the job ends as failed (its handler raised) or dead (its worker died with it)."""
    timeout: timedelta = timedelta(hours=1)
    """Longest run of one start; exceeding it counts as a failure."""
    concurrency: int = 0
    """Jobs of this kind under way at once over all workers; 0 is no limit."""
    operation: OperationClass = OperationClass.WRITE
    """What the shield takes it for; while it is refused the job waits in the queue."""
    record: JobRecord | None = None
    """What is to end with the job when it is cancelled; None where nothing but the job itself says how it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Enqueues a job by the clock (cron expression in UTC), unless its last one still waits in the queue."""

    name: str
    cron: str
    job: str
    """Name of the job definition."""
    payload: Mapping[str, Any] = field(default_factory=dict)


class Admission(Protocol):
    """Knows, without asking anybody, what the service's mode lets workers do; by default everything."""

    def takes(self, operation: OperationClass) -> bool:  # noqa: ARG002 - for others
        """Whether a job of this class may be started now."""
        return True

    def stops(self, operation: OperationClass) -> bool:  # noqa: ARG002 - for others
        """Whether a job of this class that is under way is to be given back."""
        return False


class AlwaysOpen(Admission):
    """Takes every job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTimings:
    """How a worker keeps time."""

    lease: timedelta = timedelta(seconds=10)
    """A job whose worker has given no sign of life for this long is started again."""
    poll: timedelta = timedelta(seconds=2)
    """Longest wait between two looks into the queue; new jobs are announced at once."""
    grace: timedelta = timedelta(seconds=30)
    """At the end of a worker its jobs may take this long to finish; then they are put back."""
    concurrency: int = 8
    """Jobs under way at once in one worker; at least 2."""
