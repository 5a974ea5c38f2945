"""Decisions about joins: candidates are accepted, measured at that moment, or rejected; accepted joins deprecated."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import event

from app.audit.log.service import AuditTrail
from app.catalog.joins.actions import JoinAction
from app.catalog.joins.configuration import ACCEPT_SECONDS, policy_in_force
from app.catalog.joins.events import ACCEPTED, DEPRECATED
from app.catalog.joins.evidence.repository import EvidenceReads
from app.catalog.joins.evidence.subjects import JoinSubject
from app.catalog.joins.policy import PolicyFault, policy_faults
from app.catalog.joins.problems import (
    CandidateNotFound,
    CandidateRejected,
    JoinAgainstPolicy,
    JoinDeprecated,
    JoinInForce,
    JoinNotFound,
)
from app.catalog.joins.records import (
    AcceptedVersion,
    CandidateStatus,
    JoinCandidate,
    JoinStatus,
    RejectionReason,
    condition,
)
from app.catalog.joins.repository import JoinReads, JoinWrites, stored
from app.catalog.tables.service import states_of
from app.kernel.clock import Clock
from app.kernel.db.database import Units, WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Conflict
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import JOIN_REJECTED
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.evidence.measuring import measure_join
from app.warehouse.evidence.samples import JoinMeasure

_MEASURED_AT_ONCE: Final = asyncio.Semaphore(2)
"""Joins that a process measures at once for acceptances: each holds one of few connections for reading, for long."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an administrator says when accepting a candidate."""

    candidate_id: str
    rationale: str
    override_rationale: str | None


class JoinChanged(Conflict):
    """Somebody else decided about the candidate or the join, or its tables changed, at the same time."""

    code, title = "join-changed", "The join has changed meanwhile"


class JoinJudging:
    """Decides about candidates and joins. No session is held while data is measured."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, kinds: EventKinds, clock: Clock) -> None:
        self._units, self._configuration, self._kinds, self._clock = units, configuration, kinds, clock

    async def accept(self, wanted: Acceptance, if_match: str | None, actor: Actor) -> AcceptedVersion:
        """The join that the candidate is from now on, measured exactly at this moment.

        Raises:
            CandidateNotFound, CandidateRejected: there is nothing to accept.
            JoinInForce: the candidate is accepted already, and the join holds.
            JoinAgainstPolicy: what was measured is worse than the policy allows, and there is no override.
            JoinChanged: somebody decided at the same time.
            PreconditionFailed: `if_match` names another version of the candidate.
            EvidenceTooSlow, RelationUnreadable: the tables cannot be measured.
        """
        async with self._units.read() as session:
            candidate = await self._candidate(session, wanted.candidate_id, actor)
            check_if_match(if_match, candidate.etag)
            _require_open(candidate)
            current = next(iter(await JoinReads(session).versions(candidate.id, states_of(actor))), None)
            if current is not None and current.status is JoinStatus.ACTIVE and not current.decay:
                raise JoinInForce(f"{current.label} is in force and holds as it was accepted.")
            sides = await self._sides(session, candidate)
        async with _MEASURED_AT_ONCE, self._units.snapshot() as session:
            relations = [
                (subject.relation, side.columns)
                for subject, side in zip(sides, (candidate.left, candidate.right), strict=True)
            ]
            seconds = self._configuration.value(ACCEPT_SECONDS)
            measure = await measure_join(session, relations[0], relations[1], seconds=seconds)
        faults = policy_faults(measure, policy_in_force(self._configuration))
        if faults and wanted.override_rationale is None:
            raise JoinAgainstPolicy(faults)
        return await self._units.run(
            lambda session: self._accept(session, candidate, sides, wanted, measure, faults, actor)
        )

    async def reject(
        self, id_: str, reason: RejectionReason, note: str | None, if_match: str | None, actor: Actor
    ) -> JoinCandidate:
        """The candidate, which is not suggested again.

        Raises `CandidateNotFound`, `CandidateRejected`, `JoinInForce`, `JoinChanged`, `PreconditionFailed`.
        """
        return await self._units.run(lambda session: self._reject(session, id_, reason, note, if_match, actor))

    async def deprecate(self, join_id: str, reason: str, if_match: str | None, actor: Actor) -> list[AcceptedVersion]:
        """The join, out of use, with its versions, newest first.

        Raises `JoinNotFound`, `JoinDeprecated`, `JoinChanged`, `PreconditionFailed`.
        """
        return await self._units.run(lambda session: self._deprecate(session, join_id, reason, if_match, actor))

    async def _candidate(self, session: Any, id_: str, actor: Actor) -> JoinCandidate:
        candidate = await JoinReads(session).candidate(id_, states_of(actor))
        if candidate is None:
            raise CandidateNotFound(f"There is no join candidate {id_[:200]!r} that you may see.")
        return candidate

    async def _sides(self, session: Any, candidate: JoinCandidate) -> tuple[JoinSubject, JoinSubject]:
        """The versions that stand for both tables now."""
        names = {candidate.left.table, candidate.right.table}
        subjects = {subject.table: subject for subject in await EvidenceReads(session).subjects(names)}
        if names - subjects.keys():
            raise JoinChanged("A table of the candidate is out of use by now. Refresh the candidates.")
        return subjects[candidate.left.table], subjects[candidate.right.table]

    async def _accept(
        self,
        session: WriteSession,
        candidate: JoinCandidate,
        sides: tuple[JoinSubject, JoinSubject],
        wanted: Acceptance,
        measure: JoinMeasure,
        faults: tuple[PolicyFault, ...],
        actor: Actor,
    ) -> AcceptedVersion:
        joins = JoinWrites(session)
        await joins.lock(candidate.id)
        now = await self._candidate(session, candidate.id, actor)
        if now.etag != candidate.etag:
            raise JoinChanged("The candidate was measured again, accepted or rejected meanwhile; look at it again.")
        versions = await joins.versions(candidate.id, states_of(actor))
        left, right = sides
        await joins.accept(
            {
                "join_id": candidate.id,
                "version": max((each.version for each in versions), default=0) + 1,
                "left_table": left.table,
                "left_table_id": left.table_id,
                "left_columns": list(candidate.left.columns),
                "left_schema_version": left.schema_version,
                "right_table": right.table,
                "right_table_id": right.table_id,
                "right_columns": list(candidate.right.columns),
                "right_schema_version": right.schema_version,
                "rationale": wanted.rationale,
                "override_rationale": wanted.override_rationale if faults else None,
                "overridden": [fault.message for fault in faults],
                "accepted_by": actor.label,
                "accepted_measure": stored(measure),
                "measure": stored(measure),
                "measured_at": self._clock(),
            }
        )
        accepted = (await joins.versions(candidate.id, states_of(actor)))[0]
        after = {
            "version": accepted.version,
            "condition": condition(accepted.left, accepted.right),
            "rationale": accepted.rationale,
            "override_rationale": accepted.override_rationale,
            "overridden": [fault.code for fault in faults],
        }
        await AuditTrail(session).append(
            actor, JoinAction.ACCEPTED, "join", accepted.join_id, accepted.label, after=after
        )
        await Announcements(session, self._kinds).announce(
            ACCEPTED,
            f"The join {accepted.label} is accepted",
            f"{actor.label} accepted {condition(accepted.left, accepted.right)}: {accepted.rationale}",
            {"join_id": accepted.join_id, "version": accepted.version, "by": actor.label},
            f"join/{accepted.label}",
        )
        return accepted

    async def _reject(
        self,
        session: WriteSession,
        id_: str,
        reason: RejectionReason,
        note: str | None,
        if_match: str | None,
        actor: Actor,
    ) -> JoinCandidate:
        joins = JoinWrites(session)
        await joins.lock(id_)
        candidate = await self._candidate(session, id_, actor)
        check_if_match(if_match, candidate.etag)
        _require_open(candidate)
        if candidate.accepted_version is not None:
            raise JoinInForce(f"{id_} is accepted: deprecate the join first.")
        values = {"rejected_reason": reason.value, "rejected_note": note, "rejected_by": actor.label}
        if not await joins.reject(id_, candidate.revision, **values, rejected_at=self._clock()):
            raise JoinChanged("The candidate was measured again meanwhile; look at it again.")
        await AuditTrail(session).append(
            actor, JoinAction.REJECTED, "join-candidate", id_, after={"reason": reason.value, "note": note}
        )
        event.listen(
            session.sync_session, "after_commit", lambda _: JOIN_REJECTED.labels(reason.value).inc(), once=True
        )
        return await self._candidate(session, id_, actor)

    async def _deprecate(
        self, session: WriteSession, join_id: str, reason: str, if_match: str | None, actor: Actor
    ) -> list[AcceptedVersion]:
        joins = JoinWrites(session)
        await joins.lock(join_id)
        versions = await joins.versions(join_id, states_of(actor))
        if not versions:
            raise JoinNotFound(f"There is no join {join_id[:200]!r} that you may see.")
        current = versions[0]
        check_if_match(if_match, current.etag)
        if current.status is not JoinStatus.ACTIVE:
            raise JoinDeprecated(f"{current.label} is {current.status.value} already.")
        values = {"status": JoinStatus.DEPRECATED.value, "deprecated_by": actor.label, "deprecated_reason": reason}
        if not await joins.change(current, **values, deprecated_at=self._clock()):
            raise JoinChanged("The join was measured again meanwhile; look at it again.")
        before, after = ({"status": status.value} for status in (JoinStatus.ACTIVE, JoinStatus.DEPRECATED))
        await AuditTrail(session).append(
            actor,
            JoinAction.DEPRECATED,
            "join",
            join_id,
            current.label,
            before=before,
            after=after | {"reason": reason},
        )
        await Announcements(session, self._kinds).announce(
            DEPRECATED,
            f"The join {current.label} is deprecated",
            f"{actor.label} took {condition(current.left, current.right)} out of use: {reason}",
            {"join_id": join_id, "version": current.version, "by": actor.label, "reason": reason},
            f"join/{current.label}",
        )
        return await joins.versions(join_id, states_of(actor))


def _require_open(candidate: JoinCandidate) -> None:
    if candidate.status is CandidateStatus.REJECTED:
        by = candidate.rejection.by if candidate.rejection else "somebody"
        raise CandidateRejected(f"{by} rejected {candidate.id}; it is not suggested again.")
