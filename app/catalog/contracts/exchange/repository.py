"""All SQL of kept documents of the standard, and of what they say about contracts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from app.catalog.models import ContractDocumentRow, ContractRow
from app.catalog.records import filled
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.security.authorization import Actor

C = ContractRow.__table__.c
D = ContractDocumentRow.__table__.c


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """The document that a contract came from."""

    contract_id: str
    api_version: str
    schema_name: str
    document: str
    """JSON text."""
    imported_by: str
    created_at: datetime


class DocumentReads:
    """Reads kept documents."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def find(self, contract_id: str) -> KeptDocument | None:
        """The document that the contract came from; None when it came from none."""
        row = (await self.session.execute(select(*D).where(D.contract_id == contract_id))).one_or_none()
        return filled(KeptDocument, row) if row else None

    async def siblings(self, kept: KeptDocument) -> list[KeptDocument]:
        """The documents of other contracts that came in with this one."""
        statement = select(*D).where(D.created_at == kept.created_at, D.contract_id != kept.contract_id)
        rows = await self.session.execute(statement.where(D.document == kept.document).order_by(D.contract_id))
        return [filled(KeptDocument, row) for row in rows]


class DocumentWrites(DocumentReads):
    """Also keeps documents."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def keep(self, contract_id: str, api_version: str, schema_name: str, document: str, by: Actor) -> None:
        """Keep the document as what the contract came from, in place of an earlier one."""
        values = {"api_version": api_version, "schema_name": schema_name, "document": document, "imported_by": by.label}
        statement = insert(ContractDocumentRow).values(contract_id=contract_id, **values)
        changed = {name: statement.excluded[name] for name in values} | {"created_at": statement.excluded.created_at}
        await self.writer.execute(statement.on_conflict_do_update(index_elements=["contract_id"], set_=changed))

    async def describe(self, contract_id: str, description: str | None, words: Mapping[str, Mapping[str, Any]]) -> None:
        """Give the contract a description and words for its columns."""
        values = {"description": description, "column_words": words, "revision": C.revision + 1}
        await self.writer.execute(update(ContractRow).where(C.id == contract_id).values(**values))
