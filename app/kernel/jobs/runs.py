"""All SQL about runs and workers. Every change of a running job is guarded by its attempt number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.jobs.engine import JOBS_SCHEMA, Ticket
from app.kernel.jobs.models import OPEN_STATES, JobRun, JobState, WorkerHeartbeat
from app.kernel.jobs.rules import Decision, Facts, decide

LOG_KEPT = timedelta(days=1)
"""The engine's own log; `job_runs` is ours."""

SWEEP_ROWS = 1_000
"""Rows that one sweep touches at most, so that its transaction stays short."""

_PRUNE_LOG = f"""
DELETE FROM {JOBS_SCHEMA}.pgqueuer_log WHERE id IN (
    SELECT id FROM {JOBS_SCHEMA}.pgqueuer_log WHERE created < now() - CAST(:kept AS interval) LIMIT :rows)
"""  # noqa: S608 - names of our own tables
_PRUNE_HELD = f"""
DELETE FROM {JOBS_SCHEMA}.pgqueuer WHERE id IN (
    SELECT id FROM {JOBS_SCHEMA}.pgqueuer WHERE status = 'failed' AND updated < now() - CAST(:kept AS interval)
    LIMIT :rows FOR UPDATE SKIP LOCKED)
"""  # noqa: S608 - names of our own tables

_RUN_LOCK = "spyne.run:"
_KEY_LOCK = "spyne.job-key:"
_SWEEP_LOCK = "spyne.job-sweep"


class Unwanted(Exception):  # noqa: N818 - a state of affairs, which handlers raise
    """The handler found that nobody wants the job's work any more: the job is cancelled, not failed."""


class Superseded(Exception):  # noqa: N818 - a state of affairs: the job goes on elsewhere
    """The claim is no longer the job's current one; nothing may be changed in its name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a run, until a later attempt supersedes it."""

    run_id: UUID
    name: str
    key: str | None
    payload: dict[str, Any]
    attempt: int
    starts: int
    correlation_id: str | None
    actor: str
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """What came of an attempt to claim; `claim` with `Decision.START` alone."""

    decision: Decision
    claim: Claim | None = None


async def claim(session: WriteSession, run_id: UUID, max_starts: int, lease: timedelta, worker_id: UUID) -> Claimed:
    """The claim on a run, started in the session's transaction; or why it is not to be started now.

    Runs being applied and keys being claimed are known by advisory locks of transactions; nobody waits for them here.
    """
    run = (await session.execute(select(JobRun).where(JobRun.id == run_id).with_for_update())).scalar_one_or_none()
    if run is None:
        return Claimed(Decision.DROP)
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    facts = Facts(
        state=run.state,
        starts=run.starts,
        heartbeat_at=run.heartbeat_at,
        cancel_requested=run.cancel_requested_at is not None,
        key_free=await _free(session, run),
    )
    decision = decide(facts, max_starts, now, lease)
    match decision:
        case Decision.START:
            run.starts += 1
            run.attempt += 1
            run.state, run.worker_id, run.started_at, run.heartbeat_at = JobState.RUNNING, worker_id, now, now
            run.progress = {}  # of this start: an earlier one's, held against this one's time, would be a wrong ETA
        case Decision.BURY:
            run.state, run.finished_at = JobState.DEAD, now
            run.last_error = f"None of {run.starts} starts came to an end: its worker died each time."
        case Decision.CANCEL:
            run.state, run.finished_at = JobState.CANCELLED, now
        case _:
            return Claimed(decision)
    await session.flush()
    return Claimed(decision, _granted(run))


def _granted(run: JobRun) -> Claim:
    return Claim(
        run_id=run.id,
        name=run.name,
        key=run.key,
        payload=run.payload,
        attempt=run.attempt,
        starts=run.starts,
        correlation_id=run.correlation_id,
        actor=run.actor,
        traceparent=run.traceparent,
    )


async def _free(session: WriteSession, run: JobRun) -> bool:
    if not await _try_lock(session, f"{_RUN_LOCK}{run.id}"):
        return False
    if run.key is None:
        return True
    if not await _try_lock(session, f"{_KEY_LOCK}{run.key}"):
        return False
    other = (
        select(JobRun.id).where(JobRun.key == run.key, JobRun.state == JobState.RUNNING, JobRun.id != run.id).limit(1)
    )
    return (await session.execute(other)).first() is None


async def _try_lock(session: WriteSession, name: str) -> bool:
    taken = select(func.pg_try_advisory_xact_lock(func.hashtextextended(name, 0)))
    return bool((await session.execute(taken)).scalar_one())


async def lock_name_and_key(session: WriteSession, name: str, key: str) -> None:
    """Let nobody else look for a queued job of this name and key until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{_KEY_LOCK}{name}\x1f{key}", 0))))


async def waiting(session: WriteSession, name: str, key: str) -> UUID | None:
    """The queued run of this name and key, which cannot start before the transaction ends; None when there is none."""
    statement = (
        select(JobRun.id)
        .where(JobRun.name == name, JobRun.key == key, JobRun.state == JobState.QUEUED)
        .where(JobRun.cancel_requested_at.is_(None))
        .order_by(JobRun.id)
        .limit(1)
        .with_for_update()
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def hold(session: WriteSession, held: Claim) -> None:
    """Keep the claim current until the transaction ends: no later attempt starts meanwhile. Raises `Superseded`."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{_RUN_LOCK}{held.run_id}", 0))))
    current = select(JobRun.id).where(*_guard(held))
    if (await session.execute(current)).first() is None:
        raise Superseded


def _guard(held: Claim) -> tuple[Any, ...]:
    return JobRun.id == held.run_id, JobRun.attempt == held.attempt, JobRun.state == JobState.RUNNING


async def change(session: WriteSession, held: Claim, **values: Any) -> None:
    """Set columns of the claimed run. Raises `Superseded`."""
    changed = await session.execute(update(JobRun).where(*_guard(held)).values(**values).returning(JobRun.id))
    if changed.first() is None:
        raise Superseded


async def finish(session: WriteSession, held: Claim, state: JobState, error: str | None) -> None:
    """The run is over. Raises `Superseded`."""
    await change(session, held, state=state.value, finished_at=func.now(), last_error=error)


async def retry(session: WriteSession, held: Claim, error: str, delay: timedelta) -> None:
    """The run waits for its next start. Raises `Superseded`."""
    await change(session, held, state=JobState.QUEUED.value, last_error=error, run_at=func.now() + delay)


async def put_back(session: WriteSession, held: Claim, error: str, delay: timedelta) -> None:
    """The run waits for its next start; this one does not count. Raises `Superseded`."""
    values = {"state": JobState.QUEUED.value, "last_error": error, "run_at": func.now() + delay}
    await change(session, held, starts=JobRun.starts - 1, **values)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a beat found out about the claims of its worker."""

    current: frozenset[tuple[UUID, int]]
    """Run and attempt of the claims that are still theirs."""
    to_cancel: frozenset[UUID]


async def beat(session: WriteSession, worker_id: UUID, label: str, claims: Sequence[Claim]) -> Pulse:
    """Give a sign of life for a worker and all its claims."""
    seen = insert(WorkerHeartbeat).values(id=worker_id, label=label, running=len(claims))
    fresh = {"seen_at": func.now(), "running": len(claims)}
    await session.execute(seen.on_conflict_do_update(index_elements=["id"], set_=fresh))
    if not claims:
        return Pulse(frozenset(), frozenset())
    statement = (
        update(JobRun)
        .where(tuple_(JobRun.id, JobRun.attempt).in_([(held.run_id, held.attempt) for held in claims]))
        .where(JobRun.state == JobState.RUNNING)
        .values(heartbeat_at=func.clock_timestamp())
        .returning(JobRun.id, JobRun.attempt, JobRun.cancel_requested_at)
    )
    rows = (await session.execute(statement)).all()
    return Pulse(
        current=frozenset((row.id, row.attempt) for row in rows),
        to_cancel=frozenset(row.id for row in rows if row.cancel_requested_at is not None),
    )


async def leave(session: WriteSession, worker_id: UUID) -> None:
    """The worker says good-bye."""
    await session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.id == worker_id))


async def workers_seen(session: ReadSession, within: timedelta) -> int:
    """How many workers gave a sign of life within this time."""
    statement = select(func.count()).select_from(WorkerHeartbeat).where(WorkerHeartbeat.seen_at > func.now() - within)
    return int((await session.execute(statement)).scalar_one())


async def depths(session: ReadSession) -> Mapping[str, int]:
    """How many jobs are queued and running, by state."""
    statement = select(JobRun.state, func.count()).where(JobRun.state.in_(OPEN_STATES)).group_by(JobRun.state)
    return {state.value: 0 for state in OPEN_STATES} | {row[0]: int(row[1]) for row in await session.execute(statement)}


async def oldest_waiting_seconds(session: ReadSession) -> float:
    """The seconds for which the job that waits longest could have started; 0 when none waits."""
    waited = func.extract("epoch", func.now() - func.min(JobRun.run_at))
    statement = select(waited).where(JobRun.state == JobState.QUEUED, JobRun.run_at <= func.now())
    return float((await session.execute(statement)).scalar_one() or 0.0)


async def request_cancel(session: WriteSession, run_id: UUID) -> bool:
    """Ask for the end of a run; False when it is over or unknown."""
    statement = (
        update(JobRun)
        .where(JobRun.id == run_id, JobRun.state.in_(OPEN_STATES))
        .values(cancel_requested_at=func.now())
        .returning(JobRun.id)
    )
    return (await session.execute(statement)).first() is not None


async def orphans(session: WriteSession, lease: timedelta) -> Sequence[Ticket]:
    """Tickets for open runs that have none and show no life: what an engine loses when it dies between two statements.

    One worker at a time looks; the others are answered with nothing.
    """
    if not await _try_lock(session, _SWEEP_LOCK):
        return []
    statement = text(
        f"""
        SELECT r.id, r.name, r.priority, greatest(r.run_at - now(), interval '0') AS delay
        FROM {JobRun.__table__} r
        WHERE r.state IN ('queued', 'running')
          AND r.queued_at < now() - CAST(:lease AS interval)
          AND (r.state = 'queued' OR r.heartbeat_at < now() - CAST(:lease AS interval))
          AND NOT EXISTS (SELECT FROM {JOBS_SCHEMA}.pgqueuer q
                          WHERE q.dedupe_key = r.id::text AND q.status IN ('queued', 'picked'))
        ORDER BY r.id LIMIT :rows
        """  # noqa: S608 - names of our own tables
    )
    rows = await session.execute(statement, {"lease": lease, "rows": SWEEP_ROWS})
    return [Ticket(row.id, row.name, row.priority, row.delay) for row in rows]


async def prune(session: WriteSession) -> None:
    """Drop what nobody reads: the engine's old log and held tickets, workers that never said good-bye."""
    limits = {"kept": LOG_KEPT, "rows": SWEEP_ROWS}
    await session.execute(text(_PRUNE_LOG), limits)
    await session.execute(text(_PRUNE_HELD), limits)
    await session.execute(delete(WorkerHeartbeat).where(WorkerHeartbeat.seen_at < func.now() - LOG_KEPT))
