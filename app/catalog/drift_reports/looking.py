"""What a look at live relations found becomes reports; reports on what is otherwise by now are closed."""

from dataclasses import dataclass
from uuid import UUID

from app.catalog.baselines.service import Baselines, Look
from app.catalog.drift_reports.recording import DriftRecorder, announce_resolved, count_after_commit
from app.catalog.drift_reports.reports import DriftReport, DriftSource, DriftStatus, Finding, Recorded
from app.catalog.drift_reports.repository import DriftWrites
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import SYSTEM
from app.operations.notifications.outbox.announcing import Announcements

AS_IT_WAS = "The relation is as its baseline says again."
OTHERWISE = "The relation differs in another way by now: there is a newer report."


@dataclass(frozen=True, slots=True)
class RelationDrift:
    """Records looks at relations, each in the transaction of the look."""

    kinds: EventKinds
    clock: Clock

    async def look_at(self, session: WriteSession, table_id: UUID, by: str) -> Recorded | None:
        """The report on what changed of the relation behind a table; None when nothing did."""
        found = await Baselines(session, self.clock).look_at([table_id])
        recorded = await self.record(session, found, by)
        return recorded[0] if recorded else None

    async def record(self, session: WriteSession, found: Look, by: str = SYSTEM.label) -> list[Recorded]:
        """The reports on what was found, one for each table that changed."""
        reports = DriftWrites(session)
        recorder = DriftRecorder(session, self.kinds, self.clock)
        subjects = await reports.subjects([finding.table_id for finding in found.findings])
        recorded: list[Recorded] = []
        for finding in found.findings:
            changes = [Finding(finding.changes)]
            recorded += await recorder.see(subjects[finding.table_id], DriftSource.RELATION, changes, by)
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
            announcements = Announcements(session, self.kinds)
            await announce_resolved(
                announcements, report.subject, report.id, DriftStatus.UNDONE, SYSTEM.label, report.changes
            )
            count_after_commit(session, report.subject.label, (), resolved=1)
