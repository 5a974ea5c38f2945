"""An applied change is taken back, while nothing depends on it; everything that does is listed."""

from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.contracts.changes.evolution import Alteration, ContractEvolution
from app.catalog.contracts.service import ContractReading
from app.catalog.drift_reports.actions import DriftAction
from app.catalog.drift_reports.problems import DriftNotFound, UndoImpossible
from app.catalog.drift_reports.recording import announce_resolved, count_after_commit
from app.catalog.drift_reports.reports import DriftReport, DriftStatus
from app.catalog.drift_reports.repository import DriftWrites
from app.catalog.tables.service import states_of
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.evolution import CannotUndo


class DriftUndoing:
    """Takes applied changes back, in the caller's transaction, which is to be short: it locks the relation."""

    def __init__(self, session: WriteSession, kinds: EventKinds, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._reports = DriftWrites(session)
        self._contracts = ContractReading(session)
        self._announcements = Announcements(session, kinds)

    async def undo(self, report_id: UUID, note: str, if_match: str | None, actor: Actor) -> DriftReport:
        """The report, whose change is taken back as a further version of the schema, with the former columns.

        Raises:
            DriftNotFound, PreconditionFailed
            UndoImpossible: nothing was applied, the schema went on since, or rows have values that would go.
            RelationBusy, SchemaMoved: to be tried again.
        """
        contract_id = (await self._found(report_id, actor)).contract_id
        evolution = ContractEvolution(self._session)
        if contract_id is not None:
            await evolution.begin(contract_id)
        await self._reports.lock(report_id)
        report = await self._found(report_id, actor)
        check_if_match(if_match, report.etag)
        applied = report.applied_version
        if contract_id is None:
            raise UndoImpossible("The table is adopted: let its relation be as it was, and accept that.")
        if report.status is not DriftStatus.ACCEPTED or applied is None:
            raise UndoImpossible(f"It is {report.status.value}: no schema version was made of it.")
        alteration = await self._reverting(evolution, contract_id, applied, actor)
        await self._reports.change(
            report_id, DriftStatus.ACCEPTED, status=DriftStatus.UNDONE.value, note=note, resolved_at=self._clock()
        )
        facts = {"status": DriftStatus.UNDONE.value, "note": note, "schema_version": alteration.version}
        before = {"status": report.status.value, "schema_version": applied}
        label = report.subject.label
        await AuditTrail(self._session).append(
            actor, DriftAction.UNDONE, "drift", report_id, label, before=before, after=facts
        )
        await announce_resolved(
            self._announcements, report.subject, report_id, DriftStatus.UNDONE, actor.label, report.changes, note=note
        )
        count_after_commit(self._session, label, (), resolved=1)
        found = await self._found(report_id, actor)
        try:
            await alteration.carry_out()
        except CannotUndo as error:
            raise UndoImpossible(str(error), error.fields["obstacles"]) from error
        return found

    async def _reverting(
        self, evolution: ContractEvolution, contract_id: str, applied: int, actor: Actor
    ) -> Alteration:
        """What gives the table the columns from before the applied version."""
        schema = await self._contracts.schema(contract_id, None, actor)
        taken_on = await self._contracts.schema(contract_id, applied, actor)
        former = await self._contracts.schema(contract_id, applied - 1, actor)
        if schema.columns != taken_on.columns:  # they are equal again once everything later is undone
            later = (
                f"The schema went on to version {schema.version} since version {applied}: undo what came later first."
            )
            raise UndoImpossible(later)
        return await evolution.decide(contract_id, schema.version, former.columns, actor, undoing=True)

    async def _found(self, report_id: UUID, actor: Actor) -> DriftReport:
        report = await self._reports.find(report_id, states_of(actor))
        if report is None:
            raise DriftNotFound
        return report
