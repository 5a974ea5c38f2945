"""Use cases of documents of the standard: contracts from one, all or none, and a contract as one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.audit.log.service import AuditTrail
from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.definition import Origin, Semantics, column_document
from app.catalog.contracts.exchange.repository import DocumentReads, DocumentWrites
from app.catalog.contracts.odcs.document import SentDocument, kept_document
from app.catalog.contracts.odcs.export import odcs_document
from app.catalog.contracts.odcs.importing import Draft
from app.catalog.contracts.odcs.merging import Imported, merged
from app.catalog.contracts.odcs.properties import plain
from app.catalog.contracts.odcs.writing import json_text
from app.catalog.contracts.record import ContractRecord, Registration
from app.catalog.contracts.repository import ContractReads
from app.catalog.contracts.service import ContractReading, ContractService, NameTaken
from app.catalog.drift.change import Change
from app.catalog.drift.classify import classify, of_columns
from app.catalog.drift.renames import infer
from app.catalog.drift.schema import TableSchema
from app.catalog.tables.registry import TableRegistry
from app.catalog.tables.service import states_of
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.problems import Fault
from app.kernel.security.authorization import Actor
from app.operations.modes.service import require_ingestion_ready
from app.warehouse.plan import Column


@dataclass(frozen=True, slots=True)
class ImportedContract:
    """What became of an entry of a document's `schema`."""

    draft: Draft
    registration: Registration
    columns: tuple[Column, ...] | None
    """Of the contract; None while the first batch has yet to say."""
    changes: tuple[Change, ...] = ()
    """Against the contract that the table's name stands for, of a new version of it."""


class ContractExport:
    """Says contracts in the words of the standard. A contract is seen by whoever sees its table."""

    def __init__(self, session: ReadSession) -> None:
        self._contracts = ContractReads(session)
        self._reading = ContractReading(session)
        self._documents = DocumentReads(session)

    async def exported(self, contract_id: str, actor: Actor) -> dict[str, Any]:
        """The contract as a document: the one that it came from with what has changed since, or one of our making.

        Of a document with several entries, changes of the others are in it as far as the caller sees them.

        Raises:
            ContractNotFound: the caller sees no such contract.
        """
        contract = await self._reading.get(contract_id, actor)
        kept = await self._documents.find(contract_id)
        if kept is None:
            return odcs_document(contract, await self._columns(contract))
        own = Imported(contract, kept.schema_name, await self._columns(contract))
        others = []
        for sibling in await self._documents.siblings(kept):
            other = await self._contracts.find(sibling.contract_id, states_of(actor))
            if other is not None:
                others.append(Imported(other, sibling.schema_name, await self._columns(other)))
        return merged(kept_document(kept.document), own, others)

    async def _columns(self, contract: ContractRecord) -> tuple[Column, ...] | None:
        schema = await self._contracts.schema(contract.id, contract.schema_version) if contract.schema_version else None
        return schema.columns if schema else None


class ContractImport:
    """Makes contracts of documents, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._contracts = ContractReads(session)
        self._service = ContractService(session)
        self._documents = DocumentWrites(session)
        self._registry = TableRegistry(session)
        self._audit = AuditTrail(session)

    async def register(self, sent: SentDocument, drafts: Sequence[Draft], actor: Actor) -> tuple[ImportedContract, ...]:
        """A contract for each draft, all or none: new ones with the document kept, or those which say the same already.

        Raises:
            NotIngestionReady: the platform is not opened for data.
            NameTaken: listing the endpoints that belong to other tables, and the relations that exist already.
        """
        await require_ingestion_ready(self._session)
        names = [name for each in drafts for name in (each.definition.table_name, each.definition.endpoint)]
        await self._registry.reserve(names)  # all at once: two imports that take them one by one would deadlock
        text = json_text(sent.document).decode()
        found: list[ImportedContract] = []
        faults: list[Fault] = []
        for draft in drafts:
            try:
                registration = await self._service.register(draft.definition, actor, Origin.IMPORTED)
            except NameTaken as taken:
                faults += [draft.placed(fault) for fault in taken.faults]
                continue
            found.append(await self._kept(sent, draft, registration, text, actor))
        if faults:
            raise NameTaken(faults=faults)
        return tuple(found)

    async def tried(self, sent: SentDocument, drafts: Sequence[Draft], actor: Actor) -> tuple[ImportedContract, ...]:
        """What `register` would make of the drafts: everything is done, and taken back. Raises as that does."""
        trial = await self._session.begin_nested()
        try:
            return await self.register(sent, drafts, actor)
        finally:
            await trial.rollback()

    async def _kept(
        self, sent: SentDocument, draft: Draft, registration: Registration, text: str, actor: Actor
    ) -> ImportedContract:
        """The contract with the document kept, unless that says nothing which is not known of the contract already."""
        contract = registration.contract
        schema = await self._contracts.schema(contract.id, None)
        columns = schema.columns if schema else None
        before = await self._documents.find(contract.id)
        known = before.document == text if before else plain(sent.document) == odcs_document(contract, columns)
        if known and not registration.made:
            return ImportedContract(draft, registration, columns)
        await self._documents.keep(contract.id, sent.version, draft.name, text, actor)
        description = draft.description if draft.description is not None else contract.description
        words = {**contract.column_words, **draft.words}
        if (description, words) != (contract.description, dict(contract.column_words)):
            await self._documents.describe(contract.id, description, words)
        after = {"api_version": sent.version, "schema_name": draft.name}
        await self._audit.append(actor, ContractAction.IMPORTED, "contract", contract.id, contract.id, after=after)
        described = await self._service.get(contract.id, actor)
        changes = await self._changes(registration, columns)
        return ImportedContract(draft, replace(registration, contract=described), columns, changes)

    async def _changes(self, registration: Registration, columns: tuple[Column, ...] | None) -> tuple[Change, ...]:
        """What a new version changes of the one before, when both have columns."""
        former = registration.former.contract if registration.former is not None else None
        schema = await self._contracts.schema(former.id, None) if former else None
        if former is None or schema is None or columns is None:
            return ()
        old = _schema(schema.columns, former.semantics)
        new = _schema(columns, registration.contract.semantics)
        pairing = infer(old.fields, new.fields)
        return classify(old, new, renames=pairing.renames, hints=pairing.hints)


def _schema(columns: Sequence[Column], semantics: Semantics) -> TableSchema:
    return of_columns([column_document(column) for column in columns], semantics.document())
