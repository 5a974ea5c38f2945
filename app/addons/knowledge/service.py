"""Use cases of documents: read, changed, removed. What is removed stays until retention takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.addons.knowledge.actions import ENTITY, KnowledgeAction
from app.addons.knowledge.documents import DocumentKind, KnowledgeDocument, Passage
from app.addons.knowledge.embedding import wake
from app.addons.knowledge.problems import KnowledgeDocumentExists, KnowledgeDocumentNotFound
from app.addons.knowledge.repository import KnowledgeReads, KnowledgeWrites
from app.addons.knowledge.vectors.embedding_repository import EmbeddingWrites
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.paging import Page, PageRequest
from app.kernel.security.authorization import Actor, Permission
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class DocumentWithPassages:
    """A document and some of its passages."""

    document: KnowledgeDocument
    passages: Sequence[Passage]
    next_ordinal: int | None
    """The place of the next one; None at the end."""


class KnowledgeReading:
    """Reads documents. Those that are removed are shown to whoever manages knowledge, and to nobody else."""

    def __init__(self, session: ReadSession) -> None:
        self._documents = KnowledgeReads(session)

    async def page(
        self, actor: Actor, search: str | None, kind: DocumentKind | None, request: PageRequest, *, active: bool
    ) -> Page[KnowledgeDocument]:
        """Documents, newest first."""
        if not active and not actor.may(Permission.KNOWLEDGE_MANAGE):
            return Page[KnowledgeDocument].empty(request)
        return await self._documents.page(search, kind, request, active=active)

    async def document(self, actor: Actor, document_id: UUID, begin: int, most: int) -> DocumentWithPassages:
        """The document, with passages from this place on. Raises `KnowledgeDocumentNotFound`."""
        document = await self._documents.find(document_id)
        if document is None or not (document.is_active or actor.may(Permission.KNOWLEDGE_MANAGE)):
            raise KnowledgeDocumentNotFound
        passages = await self._documents.passages_of(document_id, begin, most)
        last = passages[-1].ordinal if passages else document.passages
        return DocumentWithPassages(document, passages, last + 1 if last < document.passages else None)


SHOWN: Final = ("title", "source", "is_active")
"""What may be changed."""


class KnowledgeService:
    """Changes documents."""

    def __init__(self, session: WriteSession, clock: Clock, settings: Settings) -> None:
        self._session, self._clock, self._settings = session, clock, settings
        self._documents, self._audit = KnowledgeWrites(session), AuditTrail(session)

    async def change(
        self, document_id: UUID, wanted: Mapping[str, Any], if_match: str | None, actor: Actor
    ) -> KnowledgeDocument:
        """The document with what is wanted of `SHOWN`; as it is when nothing differs.

        Raises `KnowledgeDocumentNotFound`, `PreconditionFailed`, `KnowledgeDocumentExists`: it would become active
        beside an active one of the same content.
        """
        before = await self._documents.locked(document_id)
        if before is None:
            raise KnowledgeDocumentNotFound
        check_if_match(if_match, before.etag)
        changed = {name: value for name, value in wanted.items() if getattr(before, name) != value}
        if not changed:
            return before
        stored = dict(changed)
        now = self._clock()
        if "is_active" in changed:
            await self._require_alone(before, active=changed["is_active"])
            stored["deactivated_at"] = None if changed["is_active"] else now
        after = await self._documents.change(document_id, now, **stored)
        if "title" in changed:
            await self._documents.retitle_passages(document_id, after.title)
            await EmbeddingWrites(self._session).outdate(document_id)  # the title is part of what is embedded
        if changed.keys() & {"title", "is_active"}:
            await wake(self._session, self._settings, actor)
        await self._audit.append(
            actor, _action(changed), ENTITY, document_id, after.title, before=_shown(before), after=_shown(after)
        )
        return after

    async def deactivate(self, document_id: UUID, if_match: str | None, actor: Actor) -> KnowledgeDocument:
        """The document, which no search finds any more. Raises as `change`."""
        return await self.change(document_id, {"is_active": False}, if_match, actor)

    async def _require_alone(self, document: KnowledgeDocument, *, active: bool) -> None:
        if not active:
            return
        await self._documents.lock_content(document.sha256)
        other = await self._documents.active_with_content(document.sha256)
        if other is not None:
            raise KnowledgeDocumentExists(other)


def _action(changed: Mapping[str, Any]) -> KnowledgeAction:
    if "is_active" not in changed:
        return KnowledgeAction.CHANGED
    return KnowledgeAction.ACTIVATED if changed["is_active"] else KnowledgeAction.DEACTIVATED


def _shown(document: KnowledgeDocument) -> dict[str, Any]:
    return {name: getattr(document, name) for name in SHOWN}
