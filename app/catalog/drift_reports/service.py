"""Use cases of drift: reports are read, and decided about in transactions of their own that give way to readers."""

from uuid import UUID

from app.catalog.drift_reports.deciding import DriftDecisions
from app.catalog.drift_reports.problems import DriftNotFound
from app.catalog.drift_reports.reports import DriftReport
from app.catalog.drift_reports.repository import DriftFilter, DriftReads
from app.catalog.drift_reports.schemas import DriftAnswer, DriftDependant, DriftReportDocument, report_document
from app.catalog.drift_reports.undoing import DriftUndoing
from app.catalog.tables.service import states_of
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, Units, WriteSession
from app.kernel.http.etags import Tagged
from app.kernel.paging import Page, PageRequest
from app.kernel.ports.dependants import DependantSources
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor
from app.warehouse.evolution import with_retries


class DriftReading:
    """Reads reports. A report is seen by whoever sees its table."""

    def __init__(self, session: ReadSession, sources: DependantSources) -> None:
        self._session, self._sources = session, sources
        self._reports = DriftReads(session)

    async def page(self, wanted: DriftFilter, request: PageRequest, actor: Actor) -> Page[DriftReport]:
        """Reports, newest first."""
        return await self._reports.page(states_of(actor), wanted, request)

    async def get(self, report_id: UUID, actor: Actor) -> Tagged[DriftReportDocument]:
        """The report, with what relies on its table now. Raises `DriftNotFound`."""
        report = await self._reports.find(report_id, states_of(actor))
        if report is None:
            raise DriftNotFound
        dependants = await self._sources.dependants(self._session, report.table_id)
        document = report_document(report)
        return Tagged(
            document.model_copy(update={"dependants": [DriftDependant.of(each) for each in dependants]}), report.etag
        )


class DriftService:
    """Decides about reports. Holds no session: what changes a relation is tried again until readers let it."""

    def __init__(self, units: Units, kinds: EventKinds, clock: Clock) -> None:
        self._units, self._kinds, self._clock = units, kinds, clock

    async def resolve(
        self, report_id: UUID, action: DriftAnswer, note: str, if_match: str | None, actor: Actor
    ) -> DriftReport:
        """The report, decided. Raises what `DriftDecisions` raises."""

        async def decide(session: WriteSession) -> DriftReport:
            decisions = DriftDecisions(session, self._kinds, self._clock)
            way = {
                DriftAnswer.ACCEPT: decisions.accept,
                DriftAnswer.REJECT: decisions.reject,
                DriftAnswer.NEW_VERSION: decisions.new_version,
            }[action]
            return await way(report_id, note, if_match, actor)

        return await with_retries(self._units.write, decide)

    async def undo(self, report_id: UUID, note: str, if_match: str | None, actor: Actor) -> DriftReport:
        """The report, whose applied change is taken back. Raises what `DriftUndoing` raises."""

        async def undo(session: WriteSession) -> DriftReport:
            return await DriftUndoing(session, self._kinds, self._clock).undo(report_id, note, if_match, actor)

        return await with_retries(self._units.write, undo)
