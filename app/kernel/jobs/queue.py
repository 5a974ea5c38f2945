"""Enqueueing, within the transaction of the change that causes the job: both are committed, or neither ever existed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from app.kernel.clock import utc_now
from app.kernel.correlation import correlation_id
from app.kernel.db.database import WriteSession
from app.kernel.ids import new_id
from app.kernel.jobs import runs
from app.kernel.jobs.engine import Ticket, issue
from app.kernel.jobs.models import JobRun
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.tracing import traceparent

NOW = timedelta(0)


async def enqueue(
    session: WriteSession,
    name: str,
    payload: Mapping[str, Any],
    *,
    actor: Actor,
    key: str | None = None,
    run_at: datetime | None = None,
    priority: int = 0,
) -> UUID:
    """The id of a new job, which exists when the session's transaction commits and not before.

    In the payload ids, times and dataclasses become their JSON forms; no secrets: it is stored. Jobs with one key,
    whatever their names, never run at the same time. A higher priority comes first; `run_at` is not before. The job is
    the actor's own: `app/operations/jobs/permissions.py` says what that lets him do.
    """
    now = utc_now()
    run = JobRun(
        id=new_id(),
        name=name,
        key=key,
        payload=msgspec.to_builtins(dict(payload), str_keys=True),
        priority=priority,
        run_at=run_at or now,
        correlation_id=correlation_id(),
        traceparent=traceparent(),
        actor=actor.label,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
    )
    session.add(run)
    await session.flush()
    await issue(session, [Ticket(run.id, name, priority, run_at - now if run_at else NOW)])
    return run.id


async def enqueue_once(
    session: WriteSession, name: str, payload: Mapping[str, Any], *, actor: Actor, key: str, priority: int = 0
) -> UUID:
    """The id of the job of this name and key that waits in the queue; of a new one, as `enqueue`, when none waits.

    A job found waiting starts after the session's transaction commits, so it sees what was changed in it. One that
    runs already does not count.
    """
    await runs.lock_name_and_key(session, name, key)
    found = await runs.waiting(session, name, key)
    return found or await enqueue(session, name, payload, actor=actor, key=key, priority=priority)


async def cancel(session: WriteSession, run_id: UUID) -> bool:
    """Ask for the end of a job: one that waits is never started, one that runs is stopped within a third of a lease.

    False when it is over or unknown.
    """
    return await runs.request_cancel(session, run_id)
