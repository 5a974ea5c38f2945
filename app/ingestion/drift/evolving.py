"""A contract takes on what rows bring, by its policy, in a short transaction of its own; then the rows are merged."""

from uuid import UUID

from app.catalog.contracts.changes.applying import Inapplicable, evolved
from app.catalog.contracts.changes.evolution import ContractEvolution
from app.catalog.drift.change import ChangeKind
from app.catalog.drift_reports.recording import DriftRecorder
from app.catalog.drift_reports.reports import Finding
from app.ingestion.drift.batch_drift import BatchDrift, SchemaEvolves, subject_of
from app.kernel.db.database import Units, WriteSession
from app.kernel.security.authorization import Actor
from app.warehouse.evolution import NeedsNewVersion, with_retries

MOST_READINGS = 6
"""Times that one batch is read: its contract may get another schema between two of them, by this batch or another."""

READINGS_BESIDE_OTHERS = 3
"""Readings in which others may write the relation and change the schema. In those after them the batch has the turn
before it reads, so that no change of somebody else meets it."""


async def evolve(units: Units, drift: BatchDrift, wanted: SchemaEvolves, actor: Actor, batch_id: UUID) -> None:
    """Let the contract take the changes on, so that the rows can be merged, and note the report on it.

    Some are left for a decision: new columns that are stored ones under other names, as a rename is never applied
    without consent; and, where the relation cannot take all of them on in place, those that ask for new types. The
    batch is read again, evolves what is left, and reports them when it is merged.

    Raises:
        RelationBusy: others kept the relation too long.
    """
    async with units.read() as session:
        renames = await drift.possible_renames(session)
    if renames & {change.path for change in wanted.changes}:
        drift.left_open |= renames
        return
    contract = wanted.contract.contract

    async def apply(session: WriteSession) -> UUID | None:
        evolution = ContractEvolution(session)
        _, schema = await evolution.begin(contract.id)
        columns = wanted.columns
        if schema.version != contract.schema_version:  # another batch was faster, and may have taken on the same
            columns = evolved(schema.columns, wanted.changes)
        if columns == schema.columns:
            return None
        alteration = await evolution.decide(contract.id, schema.version, columns, actor)
        recorder = DriftRecorder(session, drift.kinds, drift.clock)
        rows = max((change.rows or 0 for change in wanted.changes), default=0)
        finding = Finding(wanted.changes, rows)
        subject = subject_of(wanted.contract)
        report_id = await recorder.applied(subject, finding, actor.label, alteration.version, batch_id)
        await alteration.carry_out()
        return report_id

    try:
        report_id = await with_retries(units.write, apply)
        drift.applied += [report_id] if report_id is not None else []
    except Inapplicable:
        pass  # not beside what was taken on meanwhile: these rows are read by the schema that there is
    except NeedsNewVersion:
        types = {change.path for change in wanted.changes if change.kind is ChangeKind.TYPE_CHANGE}
        drift.left_open |= types or {change.path for change in wanted.changes}
