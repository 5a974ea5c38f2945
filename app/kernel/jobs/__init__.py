"""Background work: declared by domains, enqueued in transactions, run by workers.

The shape of every job: claim and commit, work with no session open, apply guarded by the attempt number. At least once,
so effects are idempotent; a job is never lost after its commit, and never exists before it.
"""

from app.kernel.jobs.context import JobContext
from app.kernel.jobs.definitions import JobDefinition, JobRecord, Schedule, WorkerTimings
from app.kernel.jobs.engine import grant_statements, install_statements
from app.kernel.jobs.models import JobState
from app.kernel.jobs.queue import cancel, enqueue, enqueue_once
from app.kernel.jobs.runs import Superseded, Unwanted, depths, oldest_waiting_seconds, workers_seen
from app.kernel.jobs.worker import Worker

__all__ = [
    "JobContext",
    "JobDefinition",
    "JobRecord",
    "JobState",
    "Schedule",
    "Superseded",
    "Unwanted",
    "Worker",
    "WorkerTimings",
    "cancel",
    "depths",
    "enqueue",
    "enqueue_once",
    "grant_statements",
    "install_statements",
    "oldest_waiting_seconds",
    "workers_seen",
]
