"""Use cases of reading joins, of asking for a look, and of what other planes need to know of joins in force."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import event

from app.audit.log.service import AuditTrail
from app.catalog.joins.actions import JoinAction
from app.catalog.joins.evidence.repository import EvidenceReads
from app.catalog.joins.evidence.subjects import KnownGrain
from app.catalog.joins.problems import CandidateNotFound, JoinNotFound
from app.catalog.joins.records import AcceptedVersion, JoinCandidate, JoinStatus
from app.catalog.joins.repository import CandidateFilter, JoinReads, JoinWrites
from app.catalog.tables.service import states_of
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.jobs import enqueue_once
from app.kernel.paging import Page, PageRequest
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import JOIN_USAGE

REFRESH_JOB = "joins:refresh"
"""Every look for joins is such a job, and one runs at a time: of two the one that began first would end last."""


class JoinReading:
    """Reads joins between tables that the actor sees."""

    def __init__(self, session: ReadSession) -> None:
        self._joins, self._evidence = JoinReads(session), EvidenceReads(session)

    async def candidates(self, wanted: CandidateFilter, request: PageRequest, actor: Actor) -> Page[JoinCandidate]:
        """Candidates, those with the best evidence first."""
        return await self._joins.candidates(states_of(actor), wanted, request)

    async def candidate(self, id_: str, actor: Actor) -> JoinCandidate:
        """The candidate. Raises `CandidateNotFound`."""
        found = await self._joins.candidate(id_, states_of(actor))
        if found is None:
            raise CandidateNotFound(f"There is no join candidate {id_[:200]!r} that you may see.")
        return found

    async def page(
        self, table: str | None, status: JoinStatus | None, request: PageRequest, actor: Actor
    ) -> Page[AcceptedVersion]:
        """The newest version of each accepted join, newest first."""
        return await self._joins.page(states_of(actor), table, status, request)

    async def versions(self, join_id: str, actor: Actor) -> list[AcceptedVersion]:
        """Every version of the join, newest first. Raises `JoinNotFound`."""
        found = await self._joins.versions(join_id, states_of(actor))
        if not found:
            raise JoinNotFound(f"There is no join {join_id[:200]!r} that you may see.")
        return found

    async def in_force(self, tables: Collection[str] | None) -> list[AcceptedVersion]:
        """The joins in force between tables of these logical names, or all."""
        return await self._joins.active(tables)

    async def grains(self) -> dict[UUID, KnownGrain]:
        """What is unique in each version that was looked at, by its data."""
        return await self._evidence.grains()


class JoinAsking:
    """Asks for a look at all tables."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def refresh(self, actor: Actor) -> UUID:
        """The job that will look; the one that waits already, if there is one."""
        job = await enqueue_once(self._session, REFRESH_JOB, {}, actor=actor, key=REFRESH_JOB)
        await AuditTrail(self._session).append(actor, JoinAction.REFRESHED, "join-candidates", after={"job": str(job)})
        return job


class JoinUsage:
    """Records that executions used joins, in the transaction that records the execution."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session

    async def record(self, execution_id: UUID, joins: Iterable[tuple[str, int]], at: datetime) -> None:
        """Record the use of these versions of joins by an execution, once; counted when the transaction commits."""
        used = sorted(set(joins))
        await JoinWrites(self._session).use(execution_id, used, at)

        def count(_: object) -> None:
            for join_id, _version in used:
                JOIN_USAGE.labels(join_id).inc()

        event.listen(self._session.sync_session, "after_commit", count, once=True)
