"""`ingestion_history` and `quarantine`: batches and refused rows as files, made by workers; those of one batch at once.

`app/operations/exports/` writes them all, so that they look the same.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import Annotated, ClassVar, Final
from uuid import UUID

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import Field, StringConstraints

from app.ingestion.quarantine.problems import BatchNotFound
from app.ingestion.quarantine.repository import RowFilter
from app.ingestion.repository import BatchFilter, BatchReads, batches_statement, quarantine_statement
from app.ingestion.schemas import BatchStatus
from app.kernel.ports.export_formats import MEDIA_TYPES, Compression, Format, ending
from app.kernel.ports.exports import FilterParams, Source, Statement, Subject, control_statement
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Permission
from app.kernel.timestamps import Moment
from app.operations.exports.files.writing import FileForm, Output, Progress, write_content
from app.warehouse.rejections import RejectionCode

IN_MEMORY_BYTES: Final = 1024 * 1024
"""A file up to this size never touches the disk."""

BLOCK_BYTES: Final = 256 * 1024


class BatchParams(FilterParams):
    """Which batches; all of it narrows."""

    contract_id: Annotated[str, StringConstraints(max_length=100)] | None = Field(None, description="Of this contract.")
    table: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None, description="Of any version of this table."
    )
    batch_id: UUID | None = Field(None, description="This batch.")
    since: Moment | None = Field(None, description="Received not before this time.")
    until: Moment | None = Field(None, description="Received before this time.")


class HistoryParams(BatchParams):
    """The same, by what became of them."""

    status: BatchStatus | None = Field(None, description="That stand so.")


class QuarantineParams(BatchParams):
    """Also which of their refused rows."""

    code: RejectionCode | None = Field(None, description="Rows with this fault.")
    column: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="Rows with a fault in this column."
    )
    resolved: bool | None = Field(None, description="Rows that are, or are not, marked as dealt with.")


class HistorySource(Source[HistoryParams]):
    """Batches, without their bodies."""

    name: ClassVar[str] = "ingestion_history"
    permission: ClassVar[Permission] = Permission.SYSTEM_READ
    params: ClassVar[type[FilterParams]] = HistoryParams

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement of the batches, or rows, that the subject names."""
        wanted = HistoryParams.model_validate(subject).model_dump()
        return control_statement(batches_statement(BatchFilter(**wanted)))


class QuarantineSource(Source[QuarantineParams]):
    """Refused rows, as they came."""

    name: ClassVar[str] = "quarantine"
    permission: ClassVar[Permission] = Permission.SYSTEM_READ
    params: ClassVar[type[FilterParams]] = QuarantineParams

    async def content(self, subject: Subject, file_format: Format) -> Statement:  # noqa: ARG002 - of the protocol
        """The statement of the batches, or rows, that the subject names."""
        wanted = QuarantineParams.model_validate(subject)
        rows = RowFilter(**wanted.model_dump(include={"code", "column", "resolved"}))
        batches = BatchFilter(**wanted.model_dump(exclude={"code", "column", "resolved"}))
        return control_statement(quarantine_statement(batches, rows))


class _Spool:
    """A temporary file without a name that takes bytes as they come."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - closed when it has left

    async def write(self, data: bytes) -> None:
        await asyncio.to_thread(self.file.write, data)

    async def read(self) -> AsyncIterator[bytes]:
        """The bytes, from the first; the file is gone at the end."""
        with self.file:
            await asyncio.to_thread(self.file.seek, 0)
            while data := await asyncio.to_thread(self.file.read, BLOCK_BYTES):
                yield data


class QuarantineFiles:
    """Refused rows of one batch as a file at once. They are few, so no worker is needed for it."""

    def __init__(self, resources: Resources) -> None:
        """Binds to all of the process's resources, as the writing of exports does."""
        self._resources = resources

    async def file(self, batch_id: UUID, wanted: RowFilter, form: FileForm) -> Response:
        """The file, made whole before its first byte leaves. Raises `BatchNotFound`."""
        async with self._resources.database.read() as session:
            if await BatchReads(session).by_id(batch_id) is None:
                raise BatchNotFound
        content = control_statement(quarantine_statement(BatchFilter(batch_id=batch_id), wanted))
        spool = _Spool()
        try:
            output = Output(spool, Compression.NONE)
            await write_content(self._resources, content, form, output, Progress())
        except BaseException:
            spool.file.close()
            raise
        name = f"quarantine-{batch_id}.{ending(form.format, Compression.NONE)}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-cache"}
        return StreamingResponse(spool.read(), headers=headers, media_type=MEDIA_TYPES[form.format])


EXPORT_SOURCES = (HistorySource(), QuarantineSource())
