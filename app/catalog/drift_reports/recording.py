"""Drift that was found becomes reports: kept, counted and announced once, in the transaction of whoever found it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import event

from app.audit.log.service import AuditTrail
from app.catalog.drift.change import Change, ChangeKind, Severity, worst
from app.catalog.drift_reports.actions import DriftAction
from app.catalog.drift_reports.events import BREAKING, FOUND, RESOLVED
from app.catalog.drift_reports.reports import DriftSource, DriftStatus, Finding, Recorded, Subject, in_words
from app.catalog.drift_reports.repository import DriftWrites
from app.catalog.drift_reports.restating import restated
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import DRIFT_DETECTED, DRIFT_RESOLVED
from app.operations.notifications.outbox.announcing import Announcements

MOST_FINDINGS = 100
"""Reports that one batch may make: whoever brings more unknown fields has sent something else."""


class DriftRecorder:
    """Records drift, in the caller's transaction."""

    def __init__(self, session: WriteSession, kinds: EventKinds, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._reports = DriftWrites(session)
        self._announcements = Announcements(session, kinds)

    async def see(
        self, subject: Subject, source: DriftSource, findings: Sequence[Finding], by: str, batch_id: UUID | None = None
    ) -> list[Recorded]:
        """The reports of the findings, of which there are `MOST_FINDINGS` at most; new ones are announced together.

        A difference that is open, or that somebody rejected, is only counted: nobody is told again.
        """
        findings = findings[:MOST_FINDINGS]
        if not findings:
            return []
        recorded = await self._reports.see(subject, source, findings, by, self._clock(), batch_id)
        await self._restate([each for each in recorded if not each.made and each.status is DriftStatus.OPEN])
        made = [each for each in recorded if each.made]
        if made:
            await self._announce(subject, [(each.id, each.finding) for each in made], by)
            count_after_commit(self._session, subject.label, _changes(each.finding for each in made))
        return recorded

    async def applied(
        self, subject: Subject, finding: Finding, by: str, schema_version: int, batch_id: UUID | None = None
    ) -> UUID:
        """The report on changes that a contract's policy has taken on by itself, as this schema version."""
        now = self._clock()
        report_id = await self._reports.add(
            subject,
            DriftSource.BATCH,
            finding,
            by,
            now,
            batch_id,
            status=DriftStatus.ACCEPTED.value,
            resolved_at=now,
            resolved_by="policy: evolve",
            applied_version=schema_version,
        )
        singly = [Finding((change,)).fingerprint for change in finding.changes]
        await self._reports.close_open(
            subject.table_id,
            singly,
            status=DriftStatus.ACCEPTED.value,
            note=f"Taken on together: {report_id}.",
            resolved_at=now,
            resolved_by="policy: evolve",
        )
        await self._announce(subject, [(report_id, finding)], by)
        count_after_commit(self._session, subject.label, finding.changes, resolved=1)
        await announce_resolved(
            self._announcements, subject, report_id, DriftStatus.ACCEPTED, "policy: evolve", finding.changes
        )
        return report_id

    async def _restate(self, seen: Sequence[Recorded]) -> None:
        """Let open reports on new columns say which type holds the values of all rows so far: it will be accepted."""
        single = {each.id: each.finding.changes[0] for each in seen if len(each.finding.changes) == 1}
        columns = {report_id: change for report_id, change in single.items() if change.kind is ChangeKind.ADD}
        for report_id, known in (await self._reports.changes(columns)).items():
            wider = restated(known[0], columns[report_id])
            if wider is not None:
                await self._reports.restate(report_id, Finding((wider,)))

    async def _announce(self, subject: Subject, made: Sequence[tuple[UUID, Finding]], by: str) -> None:
        """Announce new reports together, and those with a breaking change once more by themselves."""
        changes = _changes(finding for _, finding in made)
        severity = worst(change.severity for change in changes)
        payload = _payload(subject, changes, [report_id for report_id, _ in made], severity) | {"found_by": by}
        entity = f"drift/{made[0][0]}"
        line = f"Drift in {subject.label}: {severity.value}"
        await self._announcements.announce(FOUND, line, in_words(changes[:MOST_FINDINGS]), payload, entity)
        breaking = [change for change in changes if change.severity is Severity.BREAKING]
        if breaking:
            ids = [report_id for report_id, finding in made if finding.severity is Severity.BREAKING]
            payload = _payload(subject, breaking, ids, severity) | {"found_by": by}
            line = f"Breaking drift in {subject.label}"
            words = in_words(breaking[:MOST_FINDINGS])
            await self._announcements.announce(BREAKING, line, words, payload, f"drift/{ids[0]}")


async def audit_found(session: WriteSession, actor: Actor, subject: Subject, recorded: Iterable[Recorded]) -> None:
    """Audit the reports that are new: of what somebody compares, and of looks at relations."""
    trail = AuditTrail(session)
    for each in recorded:
        if each.made:
            facts = {"severity": each.finding.severity.value, "changes": in_words(each.finding.changes)}
            await trail.append(actor, DriftAction.FOUND, "drift", each.id, subject.label, after=facts)


async def announce_resolved(
    announcements: Announcements,
    subject: Subject,
    report_id: UUID,
    status: DriftStatus,
    by: str,
    changes: Sequence[Change],
    **more: Any,
) -> None:
    """Announce that something was decided about a report."""
    severity = worst(change.severity for change in changes)
    payload = _payload(subject, changes, [report_id], severity) | {"status": status.value, "by": by} | more
    line = f"Drift in {subject.label} is {status.value.replace('_', ' ')}"
    await announcements.announce(RESOLVED, line, in_words(changes), payload, f"drift/{report_id}")


def count_after_commit(session: WriteSession, label: str, changes: Sequence[Change], resolved: int = 0) -> None:
    """Count drift in the metrics once the transaction is committed."""
    severities = [change.severity.value for change in changes]

    def count(_: object) -> None:
        for severity in severities:
            DRIFT_DETECTED.labels(label, severity).inc()
        if resolved:
            DRIFT_RESOLVED.labels(label).inc(resolved)

    event.listen(session.sync_session, "after_commit", count, once=True)


def _changes(findings: Iterable[Finding]) -> list[Change]:
    return [change for finding in findings for change in finding.changes]


def _payload(
    subject: Subject, changes: Sequence[Change], reports: Sequence[UUID], severity: Severity
) -> dict[str, Any]:
    return {
        "contract_id": subject.contract_id,
        "table_id": subject.table_id,
        "table": subject.table,
        "reports": list(reports),
        "severity": severity.value,
        "changes": [
            {
                "kind": change.kind.value,
                "path": change.path,
                "column": change.column,
                "severity": change.severity.value,
                "rule": change.rule,
                "suggestion": change.suggestion,
            }
            for change in changes[:MOST_FINDINGS]
        ],
    }
