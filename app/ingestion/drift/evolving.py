"""A contract takes on what rows bring, by its policy, in a short transaction of its own; then the rows are merged."""

from uuid import UUID

from app.catalog.contracts.evolving import ContractEvolution
from app.catalog.contracts.service import SchemaMoved
from app.catalog.drift_reports.recording import DriftRecorder
from app.catalog.drift_reports.reports import Finding
from app.ingestion.drift.batch_drift import SchemaEvolves, subject_of
from app.kernel.clock import Clock
from app.kernel.db.database import Units, WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor
from app.warehouse.evolution import NeedsNewVersion, with_retries

MOST_EVOLUTIONS = 3
"""Times that one batch may change its contract's schema. What it brings is known after the first; between its readings
another batch may have changed the schema as well."""


async def evolve(
    units: Units, kinds: EventKinds, clock: Clock, actor: Actor, wanted: SchemaEvolves, batch_id: UUID | None
) -> bool:
    """Whether the rows may be merged now under a schema that has taken the changes on, or another one.

    False when the relation cannot take the changes on in place: they are then reported and wait for a decision.

    Raises:
        RelationBusy: others kept the relation too long.
    """
    contract = wanted.contract.contract
    assert contract.schema_version is not None
    from_version = contract.schema_version

    async def apply(session: WriteSession) -> None:
        version = await ContractEvolution(session).apply(contract.id, from_version, wanted.columns, actor)
        recorder = DriftRecorder(session, kinds, clock)
        rows = max((change.rows or 0 for change in wanted.changes), default=0)
        finding = Finding(wanted.changes, rows)
        await recorder.applied(subject_of(wanted.contract), finding, actor.label, version, batch_id)

    try:
        await with_retries(lambda: units.run(apply))
    except SchemaMoved:
        return True  # another batch was faster: these rows are read by its schema
    except NeedsNewVersion:
        return False
    return True
