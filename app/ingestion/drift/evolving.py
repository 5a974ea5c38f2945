"""A contract takes on what rows bring, by its policy, in a short transaction of its own; then the rows are merged."""

from uuid import UUID

from app.catalog.contracts.changes.evolution import ContractEvolution
from app.catalog.contracts.service import SchemaMoved
from app.catalog.drift.change import ChangeKind
from app.catalog.drift_reports.recording import DriftRecorder
from app.catalog.drift_reports.reports import Finding
from app.ingestion.drift.batch_drift import BatchDrift, SchemaEvolves, subject_of
from app.kernel.db.database import Units, WriteSession
from app.kernel.security.authorization import Actor
from app.warehouse.evolution import NeedsNewVersion, with_retries


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
    assert contract.schema_version is not None
    from_version = contract.schema_version

    async def apply(session: WriteSession) -> UUID:
        evolution = ContractEvolution(session)
        await evolution.begin(contract.id)
        alteration = await evolution.decide(contract.id, from_version, wanted.columns, actor)
        recorder = DriftRecorder(session, drift.kinds, drift.clock)
        rows = max((change.rows or 0 for change in wanted.changes), default=0)
        finding = Finding(wanted.changes, rows)
        subject = subject_of(wanted.contract)
        report_id = await recorder.applied(subject, finding, actor.label, alteration.version, batch_id)
        await alteration.carry_out()
        return report_id

    try:
        drift.applied.append(await with_retries(units.write, apply))
    except SchemaMoved:
        pass  # another batch was faster: these rows are read by its schema
    except NeedsNewVersion:
        types = {change.path for change in wanted.changes if change.kind is ChangeKind.TYPE_CHANGE}
        drift.left_open |= types or {change.path for change in wanted.changes}
