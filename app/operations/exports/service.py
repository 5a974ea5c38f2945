"""Use cases of exports: ask for one, look at them, cancel, and what an outside worker reports.

Whoever may not see an export is told that there is none. What may be exported is for the source to say, at the request
and again at the download.
"""

import hashlib
import json
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from app.audit.service import AuditTrail
from app.kernel.authorization import Actor, Permission
from app.kernel.database import ReadSession, WriteSession
from app.kernel.etags import check_if_match, etag
from app.kernel.idempotency import IdempotencyKeys
from app.kernel.ids import new_id
from app.kernel.jobs import cancel as cancel_job
from app.kernel.jobs import enqueue
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Fault, Forbidden
from app.kernel.resources import Resources
from app.operations.exports.actions import ExportAction
from app.operations.exports.forms import Compression, Format
from app.operations.exports.models import ExportRow
from app.operations.exports.problems import (
    ExportNotFound,
    InvalidExport,
    TooManyExports,
    WrongTransition,
    faults_of,
)
from app.operations.exports.repository import Exports, ExportWrites
from app.operations.exports.schemas import ExportDocument, NewExport
from app.operations.exports.showing import document
from app.operations.exports.sources import Ended, ExportSource, ExportSources, FilterParams
from app.operations.exports.states import Status, may_follow

EXPORT_JOB: Final = "exports:make"
"""Makes one export. Payload: `export_id`."""

ENTITY: Final = "export"


def version_tag(row: ExportRow) -> str:
    """The ETag of an export."""
    return etag(row.id, row.version)


def owns(actor: Actor, row: ExportRow) -> bool:
    """Whether the actor asked for the export."""
    return row.requested_by_kind == actor.kind.value and row.requested_by_id == actor.id


def sees(actor: Actor, row: ExportRow) -> bool:
    """Whether the export is there for the actor: its own, or anybody's for who runs the service."""
    return owns(actor, row) or actor.may(Permission.SYSTEM_READ)


def require_right(actor: Actor, source: ExportSource) -> None:
    """Return when the actor holds the source's permission. Raises `Forbidden`."""
    if not actor.may(source.permission):
        raise Forbidden(f"This needs the permission {source.permission}.", missing=[source.permission.value])


class ExportService:
    """Asks for exports, and follows them. Holds no session: each use case opens its own."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._database = resources.database
        self._sources = resources.extensions.of(ExportSources)

    async def request(self, actor: Actor, wanted: NewExport, key: str | None) -> ExportDocument:
        """The export, pending, its job on the way; or the stored answer of the request that came with this key.

        Raises:
            InvalidExport: there is no such source, or it cannot be asked so.
            Forbidden: the source needs more than the actor may.
            TooManyExports: the actor has many under way.
            Problem: of the source, which finds nothing to export.
        """
        stored = await self._replayed(actor, wanted, key)
        if stored is not None:
            return stored
        source, params = self._examined(wanted)
        require_right(actor, source)
        subject = await source.prepare(self._resources, actor, params)

        async def accept(session: WriteSession) -> ExportDocument:
            keys = _keys(session, actor)
            replay = await keys.claim(key) if key is not None else None
            if replay is not None:
                replay.require_same(_fingerprint(wanted))
                return ExportDocument.model_validate(replay.answer)
            made = await self._accept(session, actor, source, wanted, params, dict(subject))
            if key is not None:
                await keys.store(key, _fingerprint(wanted), 202, made.model_dump(mode="json"))
            return made

        return await self._database.run(accept)

    async def _replayed(self, actor: Actor, wanted: NewExport, key: str | None) -> ExportDocument | None:
        """The stored answer: looked for first, as a source may have been used up by the first request."""
        if key is None:
            return None
        async with self._database.write() as session:
            replay = await _keys(session, actor).claim(key)
        if replay is None:
            return None
        replay.require_same(_fingerprint(wanted))
        return ExportDocument.model_validate(replay.answer)

    def _examined(self, wanted: NewExport) -> tuple[ExportSource, FilterParams]:
        source = self._sources.get(wanted.job_type)
        if source is None:
            names = ", ".join(sorted(each.name for each in self._sources))
            raise InvalidExport([Fault(pointer="/job_type", code="unknown-job-type", message=f"There are {names}.")])
        faults = []
        if wanted.format not in source.formats:
            forms = ", ".join(sorted(source.formats))
            faults.append(Fault(pointer="/format", code="unknown-format", message=f"{source.name} comes as {forms}."))
        if wanted.format is Format.PARQUET and wanted.compression is not Compression.NONE:
            message = "Parquet is packed within: leave it `none`."
            faults.append(Fault(pointer="/compression", code="packed-twice", message=message))
        try:
            params = source.params.model_validate(wanted.filter_params)
        except ValidationError as error:
            found = [(item["loc"], item["type"], item["msg"]) for item in error.errors()]
            raise InvalidExport([*faults, *faults_of(found)]) from None
        if faults:
            raise InvalidExport(faults)
        return source, params

    async def _accept(
        self,
        session: WriteSession,
        actor: Actor,
        source: ExportSource,
        wanted: NewExport,
        params: FilterParams,
        subject: dict[str, Any],
    ) -> ExportDocument:
        exports = ExportWrites(session)
        if await exports.open_of(actor.kind.value, actor.id) >= self._resources.settings.exports.max_open_per_caller:
            raise TooManyExports("Wait for the exports that you have asked for.", headers={"Retry-After": "60"})
        export_id = new_id()
        await source.claim(session, actor, export_id, subject)
        row = ExportRow(
            id=export_id,
            job_type=source.name,
            filter_params=params.model_dump(mode="json", exclude_none=True),
            subject=subject,
            format=wanted.format.value,
            compression=wanted.compression.value,
            status=Status.PENDING.value,
            requested_by_kind=actor.kind.value,
            requested_by_id=actor.id,
            requested_by=actor.label,
        )
        row.run_id = await enqueue(session, EXPORT_JOB, {"export_id": export_id}, actor=actor)
        await exports.add(row)
        await session.refresh(row)
        told = {"job_type": row.job_type, "filter_params": row.filter_params, "format": row.format}
        await AuditTrail(session).append(actor, ExportAction.REQUESTED, ENTITY, export_id, row.job_type, after=told)
        return document(row, self._resources.clock())

    async def get(self, session: ReadSession, actor: Actor, export_id: UUID) -> tuple[ExportDocument, str]:
        """The export and its ETag. Raises `ExportNotFound`."""
        row = _seen(actor, await Exports(session).by_id(export_id))
        return document(row, self._resources.clock()), version_tag(row)

    async def page(
        self, session: ReadSession, actor: Actor, status: Status | None, job_type: str | None, request: PageRequest
    ) -> Page[ExportDocument]:
        """One page, newest first: the actor's own, or everybody's for who runs the service."""
        owner = None if actor.may(Permission.SYSTEM_READ) else (actor.kind.value, actor.id)
        found = await Exports(session).matching(owner, status, job_type, request)
        now = self._resources.clock()
        return Page([document(row, now) for row in found.items], found.next_cursor)

    async def cancel(
        self, session: WriteSession, actor: Actor, export_id: UUID, if_match: str | None
    ) -> tuple[ExportDocument, str]:
        """The export, cancelled; a worker that makes it ends its statement. Raises as `get`, and `WrongTransition`."""
        exports = ExportWrites(session)
        row = _seen(actor, await exports.locked(export_id))
        if not owns(actor, row) and not actor.may(Permission.SYSTEM_WRITE):
            raise Forbidden("Another's export is cancelled by an admin.", missing=[Permission.SYSTEM_WRITE.value])
        check_if_match(if_match, version_tag(row))
        before = Status(row.status)
        if before is Status.CANCELLED:
            return document(row, self._resources.clock()), version_tag(row)
        if not may_follow(before, Status.CANCELLED):
            raise WrongTransition(before, f"The export is {before}: there is nothing to cancel.")
        await exports.move(row, Status.CANCELLED, completed_at=await exports.now())
        await self.note_end(session, row, "cancelled")
        if row.run_id is not None:
            await cancel_job(session, row.run_id)
        await AuditTrail(session).append(actor, ExportAction.CANCELLED, ENTITY, row.id, row.job_type)
        return document(row, self._resources.clock()), version_tag(row)

    async def note_end(self, session: WriteSession, row: ExportRow, error_code: str | None) -> None:
        """Tell the source how an export has ended, in the transaction of its end."""
        source = self._sources.get(row.job_type)
        if source is None or row.completed_at is None:
            return
        seconds = (row.completed_at - (row.started_at or row.created_at)).total_seconds()
        await source.ended(session, row.subject, Ended(row.rows, row.bytes, max(0.0, seconds), error_code))


def _seen(actor: Actor, row: ExportRow | None) -> ExportRow:
    if row is None or not sees(actor, row):
        raise ExportNotFound
    return row


def _keys(session: WriteSession, actor: Actor) -> IdempotencyKeys:
    return IdempotencyKeys(session, f"export:{actor.kind}:{actor.id}")


def _fingerprint(wanted: NewExport) -> bytes:
    plain = wanted.model_dump(mode="json")
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).digest()
