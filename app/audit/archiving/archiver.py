"""Archiving: the rows of old seals are written to an object, read back, verified, and only then vouched for.

What goes wrong before the archive is committed leaves an object that nobody refers to; who calls removes it.
"""

import asyncio
import gzip
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, Final

from app.audit.actions import AuditAction
from app.audit.archives.archive_repository import ArchiveReads, ArchiveWrites
from app.audit.archives.statements import NO_ARCHIVE, Archive
from app.audit.archiving.archive_files import BLOCK_BYTES, digest, verify_archive
from app.audit.log.service import AuditTrail
from app.audit.seals.seal_repository import MAX_BIGINT, SealReads
from app.audit.seals.signing import SealingKey
from app.audit.verification.exporting import Exported, export
from app.kernel.clock import Clock
from app.kernel.db.database import Units, WriteSession
from app.kernel.ids import new_id
from app.kernel.problems import Conflict
from app.kernel.security.authorization import SYSTEM
from app.kernel.security.secrets import ServiceSecret
from app.kernel.storage.object_storage import ObjectStorage

ARCHIVE_ROWS: Final = 50_000
"""Rows of one archive, and up to a seal more: some 6 MB in the storage, written and verified in seconds."""

PREFIX: Final = "audit/archives"


class LogNotSound(Conflict):
    """The rows that were to be archived are not those that were sealed; nothing of the log is removed."""

    code, title = "audit-log-not-sound", "The audit log is not as it was sealed"


@dataclass(frozen=True, slots=True)
class Segment:
    """Seals that one archive is to hold."""

    first: int
    last: int

    @property
    def key(self) -> str:
        """A new key in the object storage, whatever was tried before."""
        return f"{PREFIX}/{self.first:012d}-{self.last:012d}-{new_id()}.ndjson.gz"


class Archiver:
    """Archives segment after segment; opens its own transactions, none of them while objects are written or read."""

    def __init__(self, units: Units, secret: ServiceSecret, storage: ObjectStorage, clock: Clock) -> None:
        self._units = units
        self._storage = storage
        self._clock = clock
        self._key = SealingKey(secret)

    async def next_segment(self, cut_off: datetime, spared: str) -> Segment | None:
        """The oldest seals that are not archived, and may be; None when there are none.

        Args:
            cut_off: what is older may go.
            spared: SQL condition over a row `e` of the log that is to stay.
        """
        async with self._units.snapshot() as session:
            archives = ArchiveReads(session)
            before = await archives.last()
            after = 0 if before is None else before.last_seal
            seals = await archives.next_seals(after, MAX_BIGINT, ARCHIVE_ROWS)
            if seals is None:
                return None
            last = (await archives.bounds(cut_off, spared, after, seals[1])).upto
        return None if last <= after else Segment(seals[0], last)

    async def archive(self, segment: Segment, key: str) -> Archive:
        """The signed statement, not committed yet, that the segment's rows are under the key, where they were verified.

        Raises:
            LogNotSound: what was read is not what was sealed.
            StorageUnavailable
        """
        with tempfile.TemporaryFile() as file:
            async with self._units.snapshot() as session:
                now, exported = self._clock(), Exported()
                pieces = export(session, self._key.public, now, exported, (segment.first, segment.last))
                with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
                    async for piece in pieces:
                        await asyncio.to_thread(packed.write, piece)
                last = await SealReads(session).numbered(segment.last)
                before = await ArchiveReads(session).last()
            size, sha256 = await asyncio.to_thread(digest, file)
            await self._storage.put_stream(key, _blocks(file))
        if last is None:
            raise LogNotSound(f"Seal {segment.last} is not there.")
        archive = Archive(
            number=1 if before is None else before.number + 1,
            first_seal=segment.first,
            last_seal=segment.last,
            seal_hash=last.digest(),
            rows=exported.rows,
            object=key,
            size=size,
            sha256=sha256,
            previous=NO_ARCHIVE if before is None else before.digest(),
            archived_at=int(now.timestamp() * 1_000_000),
            key=self._key.public.fingerprint,
        ).signed(self._key)
        await self._read_back(archive)
        return archive

    async def _read_back(self, archive: Archive) -> None:
        """Verify what is stored, not what was written."""
        with tempfile.TemporaryFile() as file:
            async for block in self._storage.get_stream(archive.object):
                await asyncio.to_thread(file.write, block)
            verify = partial(verify_archive, file, archive, [self._key.public.raw.hex()])
            report = await asyncio.to_thread(verify)
        if not report.clean:
            kinds = sorted({finding.kind.value for finding in report.findings})
            raise LogNotSound(f"Seals {archive.first_seal} to {archive.last_seal}: {', '.join(kinds)}.")

    async def vouch(self, session: WriteSession, archive: Archive) -> dict[str, Any]:
        """The statement as a document, committed with the session and audited."""
        await ArchiveWrites(session).add(archive)
        document = archive.document()
        shown = {name: document[name] for name in ("first_seal", "last_seal", "rows", "object", "sha256", "signature")}
        await AuditTrail(session).append(
            SYSTEM, AuditAction.ARCHIVED, "audit-archive", str(archive.number), archive.object, after=shown
        )
        return shown | {"number": archive.number, "size": archive.size}


async def _blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
        yield block
