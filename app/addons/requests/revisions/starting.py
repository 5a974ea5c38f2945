"""Adds a revision and starts validations of it, on a request that the caller has locked."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.addons.requests.revisions.diffs import changes
from app.addons.requests.revisions.models import TARevision, TARevisionType, ValidationRun, ValidationStatus
from app.addons.requests.revisions.packages import StoredPackage
from app.addons.requests.revisions.repository import RevisionWrites, ValidationWrites
from app.addons.requests.tracking.actions import REVISION, VALIDATION, AddonAction
from app.addons.requests.tracking.models import AddonRequest
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.security.authorization import Actor, ActorKind

VALIDATE_JOB: Final = "addons:validate"
"""The job of one validation run. Payload: `run_id`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a revision comes from."""

    type: TARevisionType
    note: str | None = None
    report: dict[str, Any] | None = None
    knowledge: tuple[Any, ...] = ()
    job_id: UUID | None = None


class Starting:
    """Adds revisions and validation runs within the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._revisions = RevisionWrites(session)
        self._validations = ValidationWrites(session)
        self._audit = AuditTrail(session)

    async def add_revision(
        self, actor: Actor, request: AddonRequest, revision_id: UUID, package: StoredPackage, origin: Origin
    ) -> TARevision:
        """The new revision of a locked request, of the next version."""
        last = await self._revisions.newest(request.id)
        row = TARevision(
            id=revision_id,
            request_id=request.id,
            version=1 if last is None else last.version + 1,
            type=origin.type.value,
            package_name=package.name,
            object_key=package.stored.key,
            bytes=package.stored.size,
            sha256=package.stored.sha256,
            files=package.files,
            note=origin.note,
            changes=changes([] if last is None else last.files, package.files),
            knowledge=list(origin.knowledge),
            report=origin.report,
            job_id=origin.job_id,
            made_by=actor.label,
        )
        await self._revisions.add(row)
        await self._session.refresh(row)
        uploaded = origin.type is TARevisionType.MANUAL
        action = AddonAction.REVISION_UPLOADED if uploaded else AddonAction.REVISION_GENERATED
        after = {"request_id": request.id, "version": row.version, "sha256": row.sha256}
        await self._audit.append(actor, action, REVISION, row.id, _name(row), after=after)
        return row

    async def start(self, actor: Actor, request: AddonRequest, revision: TARevision) -> ValidationRun:
        """The new validation run of a revision of a locked request, its job on the way when this is committed."""
        run_id = new_id()
        owner = Actor(ActorKind(request.requestor_kind), request.requestor_id, request.requestor)
        run = ValidationRun(
            id=run_id,
            request_id=request.id,
            number=await self._validations.last_number(request.id) + 1,
            revision_id=revision.id,
            revision_version=revision.version,
            status=ValidationStatus.QUEUED.value,
            job_id=await enqueue(self._session, VALIDATE_JOB, {"run_id": run_id}, actor=owner),
            started_by=actor.label,
        )
        await self._validations.add(run)
        await self._session.refresh(run)
        after = {"request_id": request.id, "number": run.number, "version": revision.version}
        await self._audit.append(
            actor, AddonAction.VALIDATION_STARTED, VALIDATION, run.id, _name(revision), after=after
        )
        return run


def _name(revision: TARevision) -> str:
    return f"{revision.package_name} v{revision.version}"
