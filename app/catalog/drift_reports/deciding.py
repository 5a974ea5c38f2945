"""Decisions about drift: a change is taken on, refused, carried into a further version of the contract, or undone.

Nothing is applied without a decision but what a contract's policy `evolve` takes on by itself (`ingestion/drift`).
"""

from dataclasses import replace
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.adoption.reshaping import AdoptedShapes
from app.catalog.baselines.service import Baselines
from app.catalog.contracts.changes.applying import Inapplicable, evolved
from app.catalog.contracts.changes.evolution import ContractEvolution
from app.catalog.contracts.changes.successor import successor_document
from app.catalog.contracts.definition import ContractDefinition
from app.catalog.contracts.difference import contract_difference
from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.review import InvalidContract, review
from app.catalog.contracts.service import ContractService
from app.catalog.drift.change import Change, ChangeKind, Severity
from app.catalog.drift_reports.actions import DriftAction
from app.catalog.drift_reports.problems import DriftDecided, DriftNotFound, InvalidDecision, NeedsNewVersionOfContract
from app.catalog.drift_reports.recording import announce_resolved, count_after_commit
from app.catalog.drift_reports.reports import DriftReport, DriftSource, DriftStatus
from app.catalog.drift_reports.repository import DriftWrites
from app.catalog.tables.service import states_of
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor, Permission
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.evolution import NeedsNewVersion


class DriftDecisions:
    """Decides about reports, in the caller's transaction, which is to be short: it locks the relation."""

    def __init__(self, session: WriteSession, kinds: EventKinds, clock: Clock) -> None:
        self._session, self._clock = session, clock
        self._reports = DriftWrites(session)
        self._announcements = Announcements(session, kinds)
        self._audit = AuditTrail(session)

    async def accept(self, report_id: UUID, note: str, if_match: str | None, actor: Actor) -> DriftReport:
        """The report, accepted: the schema has taken the changes on, or the adopted table has the relation's columns.

        Raises:
            DriftNotFound, DriftDecided, PreconditionFailed
            NeedsNewVersionOfContract: a change breaks something, or the relation must be written anew for it.
            InvalidDecision: a change leads to nothing that a contract may have.
            RelationBusy, SchemaMoved: to be tried again.
            Forbidden: the table is adopted, and the actor may not adopt: the relation's new columns could be read.
            RelationGone, RelationUnusable, GrantNeeded: of an adopted table, whose relation says what its columns are.
        """
        contract_id = (await self._found(report_id, actor)).contract_id
        if contract_id is None:
            report = await self._open(report_id, if_match, actor)
            if not actor.may(Permission.TABLES_ADOPT):
                raise Forbidden(f"What people may query of an adopted table needs {Permission.TABLES_ADOPT.value}.")
            version = await AdoptedShapes(self._session, self._clock).take_on(report.table_id, actor)
            await self._end(report, DriftStatus.ACCEPTED, DriftAction.ACCEPTED, note, actor, applied_version=version)
        else:
            await self._apply(report_id, contract_id, note, if_match, actor)
        return await self._found(report_id, actor)

    async def _apply(self, report_id: UUID, contract_id: str, note: str, if_match: str | None, actor: Actor) -> None:
        evolution = ContractEvolution(self._session)
        _, schema = await evolution.begin(contract_id)
        report = await self._open(report_id, if_match, actor)
        if report.source is DriftSource.RELATION:
            await self._accept_words(report, note, actor)
            return
        breaking = [each for each in report.changes if each.severity is Severity.BREAKING and not _is_readable(each)]
        if breaking:
            raise NeedsNewVersionOfContract([f"{each.path}: {each.suggestion}" for each in breaking])
        wanted = [change for change in report.changes if change.kind is not ChangeKind.REMOVE]
        try:
            alteration = await evolution.decide(contract_id, schema.version, evolved(schema.columns, wanted), actor)
            await self._end(
                report,
                DriftStatus.ACCEPTED,
                DriftAction.ACCEPTED,
                note,
                actor,
                applied_version=alteration.version if alteration.version != schema.version else None,
            )
            await alteration.carry_out()
        except Inapplicable as error:
            raise InvalidDecision(str(error)) from error
        except NeedsNewVersion as error:
            raise NeedsNewVersionOfContract(error.reasons) from error

    async def _accept_words(self, report: DriftReport, note: str, actor: Actor) -> None:
        """Accept what was altered by hand in a relation of Spyne's own: words alone. Raises `InvalidDecision`.

        The contract says what the columns are, and rows are merged by what the contract says.
        """
        if any(change.kind is not ChangeKind.DESCRIPTION for change in report.changes):
            raise InvalidDecision(
                "The relation is Spyne's own, and was altered beside the contract: let it be as it was, and compare it "
                "again; a column that the contract is to have comes by a batch or by a schema that is compared."
            )
        await Baselines(self._session, self._clock).accept(report.table_id)
        await self._end(report, DriftStatus.ACCEPTED, DriftAction.ACCEPTED, note, actor)

    async def reject(self, report_id: UUID, note: str, if_match: str | None, actor: Actor) -> DriftReport:
        """The report, rejected: nothing changes, and who sees the difference again is not told again.

        Raises:
            DriftNotFound, DriftDecided, PreconditionFailed
        """
        report = await self._open(report_id, if_match, actor)
        await self._end(report, DriftStatus.REJECTED, DriftAction.REJECTED, note, actor)
        return await self._found(report_id, actor)

    async def new_version(self, report_id: UUID, note: str, if_match: str | None, actor: Actor) -> DriftReport:
        """The report, for which a further version of the contract was made, its table in SHADOW and empty.

        Raises:
            DriftNotFound, DriftDecided, PreconditionFailed, NotIngestionReady, NameTaken
            InvalidDecision: the table is adopted, or a change leads to nothing that a contract may have.
        """
        report = await self._open(report_id, if_match, actor)
        if report.contract_id is None:
            raise InvalidDecision("The table is adopted: it has no contract that could get another version.")
        contracts = ContractService(self._session)
        contract = await contracts.described(report.contract_id)
        made = await contracts.register(_successor(contract, report), actor)
        successor = made.contract.id
        await self._end(
            report, DriftStatus.NEW_VERSION, DriftAction.NEW_VERSION, note, actor, successor_contract=successor
        )
        return await self._found(report_id, actor)

    async def _open(self, report_id: UUID, if_match: str | None, actor: Actor) -> DriftReport:
        """The report, which nobody else decides about before this transaction ends.

        Raises:
            DriftNotFound, PreconditionFailed
            DriftDecided: it is not open.
        """
        await self._reports.lock(report_id)
        report = await self._found(report_id, actor)
        check_if_match(if_match, report.etag)
        if report.status is not DriftStatus.OPEN:
            raise DriftDecided(f"It is {report.status.value}, by {report.resolved_by}.", decision=report.status.value)
        return report

    async def _found(self, report_id: UUID, actor: Actor) -> DriftReport:
        report = await self._reports.find(report_id, states_of(actor))
        if report is None:
            raise DriftNotFound
        return report

    async def _end(
        self,
        report: DriftReport,
        status: DriftStatus,
        action: DriftAction,
        note: str,
        actor: Actor,
        applied_version: int | None = None,
        successor_contract: str | None = None,
    ) -> None:
        """Keep the decision, audit and announce it."""
        await self._reports.change(
            report.id,
            DriftStatus.OPEN,
            status=status.value,
            note=note,
            resolved_at=self._clock(),
            resolved_by=actor.label,
            applied_version=applied_version,
            successor_contract=successor_contract,
        )
        made = {"schema_version": applied_version, "contract": successor_contract}
        facts = {"status": status.value, "note": note} | made
        before = {"status": report.status.value, "severity": report.severity.value}
        label = report.subject.label
        await self._audit.append(actor, action, "drift", report.id, label, before=before, after=facts)
        await announce_resolved(
            self._announcements, report.subject, report.id, status, actor.label, report.changes, note=note
        )
        count_after_commit(self._session, label, (), resolved=1)


def _is_readable(change: Change) -> bool:
    """Whether queries go on under the change: a column keeps its name, and is read from the field's new one."""
    return change.kind is ChangeKind.RENAME


def _successor(found: IngestionContract, report: DriftReport) -> ContractDefinition:
    """The contract with the changes in it.

    Raises:
        InvalidDecision: they lead to no contract, or to the same one; every fault is listed.
    """
    contract = found.contract.definition(found.columns)
    try:
        definition = review(successor_document(contract, report.changes))
    except Inapplicable as error:
        raise InvalidDecision(str(error)) from error
    except InvalidContract as error:
        raise InvalidDecision.of_contract(error.faults) from error
    if contract_difference(contract, definition).nothing:
        raise InvalidDecision("A further version would say the same as the contract does: accept or reject the report.")
    names = {column.name for column in definition.columns or ()}
    return replace(definition, words={name: words for name, words in contract.words.items() if name in names})
