"""The log as a file that can be verified without the service: rows, seals, the public key.

Lines of JSON: a head; the rows of a seal, each with the hash of its leaf, then the seal, and so on; the rows that wait
for a seal; an end with the SHA-256 of everything before it. A row stands in its canonical bytes, which are what is
hashed, so a reader needs to understand nothing of it to verify it.
"""

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import orjson

from app.audit.archives.archive_repository import ArchiveReads
from app.audit.seals.canonical import ENCODING, encode
from app.audit.seals.seal_repository import MAX_BIGINT, Member, SealReads
from app.audit.seals.signing import PublicKey
from app.audit.seals.walking import Step, Stray, strays, walk
from app.audit.verification.verify_database import LOG_ROWS, NOTHING
from app.kernel.db.database import ReadSession

VERSION = 1
VERSION_WITH_ARCHIVES = 2
"""The version of a part of the log, and of a log with archives: also `after` in the head, and the archives."""
VERSIONS = frozenset({VERSION, VERSION_WITH_ARCHIVES})
HEAD = "spyne_audit_export"
ROW = b'{"leaf":"%b","row":%b}\n'
UNSEALED = b'{"unsealed":%b}\n'
PIECE_BYTES = 256 * 1024


class Exported:
    """How much has been written."""

    def __init__(self) -> None:
        self.seals = 0
        self.rows = 0
        self.unsealed = 0
        self._digest = hashlib.sha256()

    def taken(self, piece: bytes) -> bytes:
        """The piece, counted into the digest."""
        self._digest.update(piece)
        return piece

    def end(self) -> bytes:
        """The last line."""
        counted = {"seals": self.seals, "rows": self.rows, "unsealed": self.unsealed}
        return _line({"end": counted | {"sha256": self._digest.hexdigest()}})


async def export(
    session: ReadSession, key: PublicKey, now: datetime, exported: Exported, part: tuple[int, int] | None = None
) -> AsyncIterator[bytes]:
    """The log, or a part of it that is verified like a whole one, as pieces of the file; `exported` counts along.

    The session has one snapshot. A part is the seals between two numbers, both included, with their rows.
    """
    lines = _part(session, key, now, exported, *part) if part else _lines(session, key, now, exported)
    buffer = bytearray()
    async for line in lines:
        buffer += line
        if len(buffer) >= PIECE_BYTES:
            yield exported.taken(bytes(buffer))
            buffer.clear()
    yield exported.taken(bytes(buffer))
    yield exported.end()


async def _lines(session: ReadSession, key: PublicKey, now: datetime, exported: Exported) -> AsyncIterator[bytes]:
    seals = SealReads(session)
    newest = await seals.last()
    last = 0 if newest is None else newest.number
    archives = await ArchiveReads(session).over(1, last)
    yield await _head(seals, VERSION_WITH_ARCHIVES if archives else VERSION, key, now)
    for archive in archives:
        yield _line({"archive": archive.document()})
    async for _, steps in walk(seals, 0, last):
        async for step in steps:
            yield _step(step, exported)
    async for step in strays(seals, last, MAX_BIGINT):
        yield _step(step, exported)
    after = NOTHING
    while True:
        rows = await seals.log(*after, MAX_BIGINT, LOG_ROWS)
        for row in rows:
            if row.unsealed:
                exported.unsealed += 1
                yield UNSEALED % encode(row.values)
        if len(rows) < LOG_ROWS:
            return
        after = (rows[-1].transaction, rows[-1].entry_id)


async def _part(
    session: ReadSession, key: PublicKey, now: datetime, exported: Exported, first: int, last: int
) -> AsyncIterator[bytes]:
    seals = SealReads(session)
    before = await seals.numbered(first - 1)
    yield await _head(
        seals, VERSION_WITH_ARCHIVES, key, now, after=None if before is None else before.document(), part=[first, last]
    )
    async for _, steps in walk(seals, first - 1, last):
        async for step in steps:
            yield _step(step, exported)


async def _head(seals: SealReads, version: int, key: PublicKey, now: datetime, **more: Any) -> bytes:
    present, _ = await seals.present()
    head = {
        HEAD: version,
        "encoding": ENCODING,
        "public_key": key.raw.hex(),
        "time": int(now.timestamp() * 1_000_000),
        "lineage": present.lineage,
        "snapshot_end": present.snapshot_end,
    }
    return _line(head | more)


def _step(step: Step, exported: Exported) -> bytes:
    if isinstance(step, Member):
        exported.rows += 1
        if step.values is None:
            return _line({"leaf": step.leaf_hash.hex(), "missing": step.entry_id})
        return ROW % (step.leaf_hash.hex().encode(), encode(step.values))
    if isinstance(step, Stray):
        exported.rows += 1
        return _line({"stray": step.entry_id, "under": step.seal})
    exported.seals += 1
    return _line({"seal": step.document()})


def _line(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
