"""Use case: a document is uploaded. Read in a process of its own, stored, and found by searches from the commit on.

No session is open while it is read and stored. Of two uploads of one content at once, one is refused.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO, Any, Final
from uuid import UUID

from app.addons.knowledge.actions import ENTITY, KnowledgeAction
from app.addons.knowledge.documents import DocumentKind, KnowledgeDocument
from app.addons.knowledge.embedding import wake
from app.addons.knowledge.problems import DocumentNotTaken, KnowledgeDocumentExists, UnreadableDocument
from app.addons.knowledge.reading.blocks import one_line
from app.addons.knowledge.reading.bounded import DocumentReader
from app.addons.knowledge.reading.media_types import HEAD_BYTES, DocumentType, NotTakenError, document_type
from app.addons.knowledge.reading.outcome import Outcome
from app.addons.knowledge.repository import KnowledgeReads, KnowledgeWrites
from app.addons.knowledge.states import PREFIX
from app.audit.log.service import AuditTrail
from app.kernel.db.database import Units, WriteSession
from app.kernel.ids import new_id
from app.kernel.problems import ContentTooLarge
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import ObjectStorage, StorageUnavailable
from app.settings import Settings

MAX_BYTES: Final = 20 * 1024 * 1024
"""Of one file."""
MAX_TITLE: Final = 200
_BLOCK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """A file, and what its sender says of it."""

    content: IO[bytes]
    """Open, seekable, with a descriptor."""
    file_name: str | None
    media_type: str | None
    title: str | None
    source: str | None
    kind: DocumentKind
    extra_metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Measured:
    size: int
    sha256: str
    head: bytes


class Uploading:
    """Takes documents in."""

    def __init__(self, units: Units, storage: ObjectStorage, reader: DocumentReader, settings: Settings) -> None:
        self._units, self._storage, self._reader, self._settings = units, storage, reader, settings

    async def upload(self, wanted: NewDocument, actor: Actor) -> KnowledgeDocument:
        """The document, active.

        Raises `ContentTooLarge`, `DocumentNotTaken`, `UnreadableDocument`, `KnowledgeDocumentExists`, `ReadersBusy`.
        """
        measured = await asyncio.to_thread(_measured, wanted.content)
        media_type = _type_of(wanted, measured.head)
        async with self._units.read() as session:
            await _require_new(KnowledgeReads(session), measured.sha256)
        outcome = await self._read(media_type, wanted.content)
        document_id = new_id()
        key = f"{PREFIX}{document_id}"
        stored = await self._storage.put_stream(key, _blocks(wanted.content))
        if stored.sha256 != measured.sha256:
            raise RuntimeError("the file changed while it was read")
        values = {
            "id": document_id,
            "title": _title(wanted, outcome),
            "source": wanted.source,
            "kind": wanted.kind.value,
            "media_type": media_type.value,
            "sha256": measured.sha256,
            "bytes": measured.size,
            "pages": outcome.pages,
            "passages": len(outcome.passages),
            "object_key": key,
            "extra_metadata": dict(wanted.extra_metadata),
            "created_by": actor.label,
        }
        try:
            return await self._units.run(partial(self._add, actor, values, outcome))
        except BaseException:
            with contextlib.suppress(StorageUnavailable):  # what stays is removed by the job that tidies
                await asyncio.shield(self._storage.delete(key))
            raise

    async def _read(self, media_type: DocumentType, content: IO[bytes]) -> Outcome:
        await asyncio.to_thread(_on_disk, content)
        outcome = await self._reader.read(media_type, content)
        if outcome.reason is not None:
            raise UnreadableDocument(outcome.reason, outcome.message)
        return outcome

    async def _add(
        self, actor: Actor, values: Mapping[str, Any], outcome: Outcome, session: WriteSession
    ) -> KnowledgeDocument:
        documents = KnowledgeWrites(session)
        await documents.lock_content(values["sha256"])
        await _require_new(documents, values["sha256"])
        document = await documents.add(values, outcome.passages)
        after = {
            name: values[name] for name in ("title", "source", "kind", "media_type", "sha256", "bytes", "passages")
        }
        await AuditTrail(session).append(
            actor, KnowledgeAction.UPLOADED, ENTITY, document.id, document.title, after=after
        )
        await wake(session, self._settings, actor)
        return document


async def _require_new(documents: KnowledgeReads, sha256: str) -> None:
    existing: UUID | None = await documents.active_with_content(sha256)
    if existing is not None:
        raise KnowledgeDocumentExists(existing)


def _type_of(wanted: NewDocument, head: bytes) -> DocumentType:
    try:
        return document_type(head, wanted.media_type, wanted.file_name)
    except NotTakenError as error:
        raise DocumentNotTaken(str(error), headers={"Accept": ", ".join(DocumentType)}) from None


def _title(wanted: NewDocument, outcome: Outcome) -> str:
    """The sender's title; else the document's own, else the name of the file."""
    for title in (wanted.title, outcome.title, (wanted.file_name or "").rpartition("/")[2]):
        shown = one_line(title or "")[:MAX_TITLE].strip()
        if shown:
            return shown
    return "Untitled"


def _on_disk(content: IO[bytes]) -> None:
    """Let the file have a descriptor, which a small upload has none of, and stand at its begin."""
    content.fileno()
    content.seek(0)


def _measured(content: IO[bytes]) -> _Measured:
    """Size, digest and first bytes of the file. Raises `ContentTooLarge`."""
    content.seek(0)
    digest, size, head = hashlib.sha256(), 0, b""
    while block := content.read(_BLOCK):
        head = head or block[:HEAD_BYTES]
        size += len(block)
        if size > MAX_BYTES:
            raise ContentTooLarge(f"The file is larger than {MAX_BYTES} bytes.", limit_bytes=MAX_BYTES)
        digest.update(block)
    return _Measured(size, digest.hexdigest(), head)


async def _blocks(content: IO[bytes]) -> AsyncIterator[bytes]:
    await asyncio.to_thread(content.seek, 0)
    while block := await asyncio.to_thread(content.read, _BLOCK):
        yield block
