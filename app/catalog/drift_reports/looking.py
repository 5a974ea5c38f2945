"""What a look at live relations found becomes reports; reports on what is otherwise by now are closed."""

from dataclasses import dataclass
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.baselines.service import Baselines, Look
from app.catalog.drift_reports.actions import DriftAction
from app.catalog.drift_reports.recording import DriftRecorder, announce_resolved, audit_found, count_after_commit
from app.catalog.drift_reports.reports import DriftReport, DriftSource, DriftStatus, Finding, Recorded
from app.catalog.drift_reports.repository import DriftWrites
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import SYSTEM, Actor
from app.operations.notifications.outbox.announcing import Announcements

AS_IT_WAS = "The relation is as its baseline says again."
OTHERWISE = "The relation differs in another way by now: there is a newer report."


@dataclass(frozen=True, slots=True)
class RelationDrift:
    """Records looks at relations, each in the transaction of the look."""

    kinds: EventKinds
    clock: Clock

    async def look_at(self, session: WriteSession, table_id: UUID, actor: Actor) -> Recorded | None:
        """The report on what changed of the relation behind a table; None when nothing did."""
        found = await Baselines(session, self.clock).look_at([table_id])
        recorded = await self.record(session, found, actor)
        return recorded[0] if recorded else None

    async def record(self, session: WriteSession, found: Look, actor: Actor = SYSTEM) -> list[Recorded]:
        """The reports on what was found, one for each table that changed."""
        reports = DriftWrites(session)
        recorder = DriftRecorder(session, self.kinds, self.clock)
        subjects = await reports.subjects([finding.table_id for finding in found.findings])
        recorded: list[Recorded] = []
        for finding in found.findings:
            subject, changes = subjects[finding.table_id], [Finding(finding.changes)]
            seen = await recorder.see(subject, DriftSource.RELATION, changes, actor.label)
            await audit_found(session, actor, subject, seen)
            recorded += seen
        current = {each.id for each in recorded}
        for report in await reports.of_relations([*found.unchanged, *subjects]):
            if report.id not in current:
                await self._close(session, reports, report, OTHERWISE if report.table_id in subjects else AS_IT_WAS)
        return recorded

    async def _close(self, session: WriteSession, reports: DriftWrites, report: DriftReport, note: str) -> None:
        closed = await reports.change(
            report.id,
            DriftStatus.OPEN,
            status=DriftStatus.UNDONE.value,
            note=note,
            resolved_at=self.clock(),
            resolved_by=SYSTEM.label,
        )
        if closed:
            before, after = ({"status": status.value} for status in (report.status, DriftStatus.UNDONE))
            label = report.subject.label
            await AuditTrail(session).append(
                SYSTEM, DriftAction.CLOSED, "drift", report.id, label, before=before, after=after | {"note": note}
            )
            announcements = Announcements(session, self.kinds)
            await announce_resolved(
                announcements, report.subject, report.id, DriftStatus.UNDONE, SYSTEM.label, report.changes
            )
            count_after_commit(session, report.subject.label, (), resolved=1)
