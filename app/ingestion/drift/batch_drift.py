"""The drift of one batch: asked while the batch is merged, recorded with whatever becomes of the batch."""

from collections.abc import Collection
from dataclasses import KW_ONLY, dataclass, field
from uuid import UUID

from app.catalog.contracts.changes.applying import Inapplicable, automatic, evolved
from app.catalog.contracts.definition import ChangePolicy
from app.catalog.contracts.record import IngestionContract
from app.catalog.drift.change import Change, ChangeKind
from app.catalog.drift.classify import pointer
from app.catalog.drift.schema import ValueProfile
from app.catalog.drift_reports.recording import DriftRecorder
from app.catalog.drift_reports.reports import DriftSource, Recorded, Subject, in_words
from app.ingestion.drift.batch_changes import batch_changes, findings
from app.ingestion.drift.stored_values import changes_of_rows
from app.ingestion.rows.row_model import RowModel
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.events import EventKinds
from app.warehouse.plan import Column


class SchemaEvolves(Exception):  # noqa: N818 - leaves the transaction so that the schema can change, is no error
    """The contract is to take changes on before the rows can be merged: nothing of them is written yet."""

    def __init__(self, contract: IngestionContract, changes: tuple[Change, ...], columns: tuple[Column, ...]) -> None:
        super().__init__()
        self.contract, self.changes, self.columns = contract, changes, columns


@dataclass(slots=True)
class ReadRows:
    """What was seen of rows while they were read: as much as their merge asks. Of old rows nobody is told."""

    contract: IngestionContract | None = None
    model: RowModel | None = None
    locks_first: bool = False
    """Whether the relation is locked before rows are read, so that nobody changes the schema meanwhile: for those that
    met a change again and again."""

    def model_for(self, contract: IngestionContract) -> RowModel:
        """The model that reads rows under this contract, and is asked from now on."""
        assert contract.plan is not None
        policy = contract.contract.policy
        self.contract = contract
        self.model = RowModel(contract.plan, policy.unknown_columns, policy.type_changes)
        return self.model

    def vanished(self) -> Collection[str]:
        """Declared columns that no row has brought so far."""
        return self.model.observed().vanished if self.model is not None else ()

    def may_settle(self) -> bool:
        """Whether the rows may be merged under the schema that they were read by."""
        return self.evolution() is None

    def evolution(self) -> SchemaEvolves | None:
        """What the contract takes on before these rows are merged: nothing, as old rows change no schema."""
        return None

    async def look_at_stored(self, session: ReadSession) -> None:
        """Look at what is stored before the rows are merged, where that tells what they show: here it does not."""

    async def record(self, session: WriteSession, by: str, batch_id: UUID) -> list[str]:  # noqa: ARG002 - for others
        """The reports on what the rows of a batch showed, by id: none, as whoever sent them first was told."""
        return []


@dataclass(slots=True)
class BatchDrift(ReadRows):
    """What the rows of a batch say about the schema, once they are read."""

    _: KW_ONLY
    kinds: EventKinds
    clock: Clock
    evolving: bool = False
    """Whether the contract may take changes on for this batch: not for a trial, which leaves all as it is."""
    left_open: set[str] = field(default_factory=set)
    """Paths of changes that no policy may take on: the relation cannot have them in place, or they may be renames.
    These are reported, and wait for a decision."""
    applied: list[UUID] = field(default_factory=list)
    """Reports on what the contract has taken on for this batch."""
    _told: tuple[RowModel, list[Change]] | None = None
    """What the rows that a model has read show."""
    _stored: dict[str, ValueProfile] = field(default_factory=dict)
    """What was stored in columns that are gone, before the rows were merged."""

    def evolution(self) -> SchemaEvolves | None:
        """What the contract takes on by its policies before these rows are merged; None when that is nothing."""
        if not self.evolving or self.contract is None or self.contract.columns is None:
            return None
        policy = self.contract.contract.policy
        if ChangePolicy.EVOLVE not in {policy.unknown_columns, policy.type_changes}:
            return None
        changes = [each for each in automatic(self._changes(), policy) if each.path not in self.left_open]
        try:
            columns = evolved(self.contract.columns, changes)
        except Inapplicable:
            columns, changes = _applicable(self.contract.columns, changes)
        if columns == self.contract.columns:
            return None
        return SchemaEvolves(self.contract, tuple(changes), columns)

    async def record(self, session: WriteSession, by: str, batch_id: UUID) -> list[str]:
        """The reports on what the rows showed, by id; also of what was refused. Most rows show nothing."""
        changes = await self._told_by_values(session)
        recorded: list[Recorded] = []
        if changes and self.contract is not None:
            recorder = DriftRecorder(session, self.kinds, self.clock)
            subject = subject_of(self.contract)
            recorded = await recorder.see(subject, DriftSource.BATCH, findings(changes), by, batch_id)
        return [str(report_id) for report_id in (*self.applied, *(each.id for each in recorded))]

    def foreseen(self) -> list[str]:
        """What the rows showed, in a line for each change: for a trial, which records nothing and changes no schema."""
        changes = self._changes()
        if not changes or self.contract is None:
            return []
        taken_on = {change.path for change in automatic(changes, self.contract.contract.policy)}
        foresight = {True: "; the schema would take this on before the rows are merged", False: ""}
        return [f"Drift: {in_words([change])}{foresight[change.path in taken_on]}." for change in changes]

    async def possible_renames(self, session: ReadSession) -> set[str]:
        """Paths of new columns that are stored columns under other names: both have values that are the same."""
        told = await self._told_by_values(session)
        return {pointer("columns", str(change.new)) for change in told if _shares_values(change)}

    async def look_at_stored(self, session: ReadSession) -> None:
        """Look at what is stored in columns that are gone, before the rows are merged."""
        await self._told_by_values(session)

    async def _told_by_values(self, session: ReadSession) -> list[Change]:
        """The changes, told with what is stored in columns that are gone: it may be one column by a new name."""
        if self.contract is None or self.contract.columns is None or self.model is None:
            return []
        if self._told is None or self._told[0] is not self.model:  # asked once all rows are read, and once more after
            observed = self.model.observed()
            told = [] if observed.nothing else await changes_of_rows(session, self.contract, observed, self._stored)
            self._told = (self.model, told)
        return self._told[1]

    def _changes(self) -> list[Change]:
        if self.contract is None or self.model is None:
            return []
        observed = self.model.observed()
        return [] if observed.nothing else batch_changes(self.contract, observed)


def _shares_values(change: Change) -> bool:
    """Whether the change is a rename for which values speak, and not names alone."""
    return change.kind is ChangeKind.RENAME and bool(change.evidence.get("shared_values"))


def subject_of(contract: IngestionContract) -> Subject:
    """The contract's table, as reports of drift name it."""
    found = contract.contract
    return Subject(found.table_id, found.id, found.schema_version, f"{found.table_name}@{found.version}")


def _applicable(columns: tuple[Column, ...], changes: list[Change]) -> tuple[tuple[Column, ...], list[Change]]:
    """The columns after those of the changes that can be applied, and these changes."""
    taken: list[Change] = []
    for change in changes:
        try:
            columns = evolved(columns, [change])
        except Inapplicable:
            continue
        taken.append(change)
    return columns, taken
