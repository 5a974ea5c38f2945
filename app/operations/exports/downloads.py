"""Files on their way to whoever asked: rights looked at again, one range if asked for, audited before a byte leaves."""

import base64
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Header, Response
from fastapi.responses import StreamingResponse

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.ports.export_formats import Compression, Format, ending, media_type
from app.kernel.ports.exports import ExportSources
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.files.ranges import ByteRange, UnsatisfiableError, matches, range_holds, wanted_range
from app.operations.exports.models import ExportRow
from app.operations.exports.permissions import require_right, visible
from app.operations.exports.problems import ExportNotFound, ExportNotReady, RangeNotSatisfiable
from app.operations.exports.repository import ExportReads
from app.operations.exports.states import ExportStatus

NOT_MODIFIED: Final = 304
PARTIAL: Final = 206


@dataclass(frozen=True, slots=True)
class FileConditions:
    """What the headers of a request say about the file that it has, and the part that it wants."""

    range: Annotated[str | None, Header(alias="Range", max_length=256, description="One range of bytes.")] = None
    if_range: Annotated[
        str | None, Header(max_length=256, description="ETag which the range counts for; else the whole file comes.")
    ] = None
    if_none_match: Annotated[str | None, Header(max_length=1024, description="ETag of the file at hand.")] = None


class Downloads:
    """Answers files."""

    def __init__(self, session: WriteSession, sources: ExportSources, storage: ObjectStorage) -> None:
        """Binds to a transaction, which records the download and is over before the file leaves."""
        self._session = session
        self._sources = sources
        self._storage = storage

    async def answer(self, actor: Actor, export_id: UUID, conditions: FileConditions) -> Response:
        """The file, a part of it, or 304.

        Raises:
            ExportNotFound: there is no such export for the actor, or not any more what was exported.
            Forbidden: the right to the source is gone.
            ExportNotReady: there is no file.
            RangeNotSatisfiable: the part is outside of it.
            ObjectNotFound, StorageUnavailable: the storage does not have it, or is away.
        """
        row = await self._permitted(actor, export_id)
        tag = f'"{row.checksum}"'
        if matches(conditions.if_none_match, tag):
            return Response(status_code=NOT_MODIFIED, headers={"ETag": tag})
        try:
            part = wanted_range(conditions.range, row.bytes) if range_holds(conditions.if_range, tag) else None
        except UnsatisfiableError as error:
            raise RangeNotSatisfiable(row.bytes) from error
        assert row.object_key is not None
        await self._storage.head(row.object_key)
        sent = {"rows": row.rows, "bytes": row.bytes, "range": None if part is None else part.content_range(row.bytes)}
        await AuditTrail(self._session).append(
            actor, ExportAction.DOWNLOADED, ENTITY, row.id, row.job_type, after=sent, verb=Verb.DOWNLOAD
        )
        return self._streamed(row, tag, part)

    async def _permitted(self, actor: Actor, export_id: UUID) -> ExportRow:
        row = visible(actor, await ExportReads(self._session).by_id(export_id))
        source = self._sources.get(row.job_type)
        if source is None:
            raise ExportNotFound
        require_right(actor, source)
        if not await source.may_read(self._session, actor, row.subject):
            raise ExportNotFound("What was exported is not there for you any more.")
        if row.status != ExportStatus.COMPLETED.value:
            raise ExportNotReady(ExportStatus(row.status))
        return row

    def _streamed(self, row: ExportRow, tag: str, part: ByteRange | None) -> Response:
        file_format, compression = Format(row.format), Compression(row.compression)
        digest = base64.b64encode(bytes.fromhex(row.checksum or "")).decode()
        start, stop = (0, row.bytes) if part is None else (part.start, part.stop)
        name = f"{row.job_type}-{row.id}.{ending(file_format, compression)}"
        headers = {
            "ETag": tag,
            "Accept-Ranges": "bytes",
            "Content-Length": str(stop - start),
            "Content-Disposition": f'attachment; filename="{name}"',
            "Repr-Digest": f"sha-256=:{digest}:",
            "Digest": f"SHA-256={digest}",
            "Cache-Control": "private, no-cache",
        }
        if part is not None:
            headers["Content-Range"] = part.content_range(row.bytes)
        return StreamingResponse(
            self._storage.get_stream(row.object_key or "", start, stop),
            status_code=200 if part is None else PARTIAL,
            headers=headers,
            media_type=media_type(file_format, compression),
        )
