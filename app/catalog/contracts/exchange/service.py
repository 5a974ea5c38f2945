"""Use cases of documents of the standard: contracts from one, all or none, and a contract as one."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.audit.log.service import AuditTrail
from app.catalog.contracts.actions import ContractAction
from app.catalog.contracts.definition import ContractDefinition, Origin
from app.catalog.contracts.exchange.drift import drift_of
from app.catalog.contracts.exchange.repository import DocumentReads, DocumentWrites
from app.catalog.contracts.odcs.document import SentDocument, kept_document
from app.catalog.contracts.odcs.export import odcs_document
from app.catalog.contracts.odcs.importing import Draft
from app.catalog.contracts.odcs.merging import Imported, merged
from app.catalog.contracts.odcs.properties import plain
from app.catalog.contracts.odcs.writing import json_text
from app.catalog.contracts.record import ContractRecord, Registration
from app.catalog.contracts.service import ContractNotFound, ContractReading, ContractService, NameTaken
from app.catalog.drift.change import Change
from app.catalog.tables.lifecycle import TableState
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
    drift: tuple[Change, ...] = ()
    """What it changes of the one that the table's name stands for, or stood for."""


class ContractExport:
    """Says contracts in the words of the standard. A contract is seen by whoever sees its table."""

    def __init__(self, session: ReadSession) -> None:
        self._contracts = ContractReading(session)
        self._documents = DocumentReads(session)

    async def exported(self, contract_id: str, actor: Actor) -> dict[str, Any]:
        """The contract as a document: the one that it came from with what has changed since, or one of our making.

        Of a document with several entries, changes of the others are in it as far as the caller sees them. Who does not
        see tables in SHADOW gets no entry of the document that could be of such a table.

        Raises:
            ContractNotFound: the caller sees no such contract.
        """
        contract = await self._contracts.get(contract_id, actor)
        kept = await self._documents.find(contract_id)
        if kept is None:
            return odcs_document(contract, await _columns_of(self._contracts, contract, actor))
        own = Imported(contract, kept.schema_name, await _columns_of(self._contracts, contract, actor))
        others = []
        for sibling in await self._documents.siblings(kept):
            with contextlib.suppress(ContractNotFound):
                other = await self._contracts.get(sibling.contract_id, actor)
                others.append(Imported(other, sibling.schema_name, await _columns_of(self._contracts, other, actor)))
        document = kept_document(kept.document)
        if TableState.SHADOW not in states_of(actor):
            seen = {own.entry, *(other.entry for other in others)}
            document["schema"] = [entry for entry in document["schema"] if entry["name"] in seen]
        return merged(document, own, others)


class ContractImport:
    """Makes contracts of documents, in the caller's transaction."""

    def __init__(self, session: WriteSession) -> None:
        self._session = session
        self._contracts = ContractService(session)
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
                registration = await self._contracts.register(draft.definition, actor, Origin.IMPORTED)
            except NameTaken as taken:
                faults += [draft.placed(fault) for fault in taken.faults]
                continue
            kept = await self._kept(sent, draft, registration, text, actor)
            before = await self._before(registration, actor)
            found.append(replace(kept, drift=drift_of(before, draft.definition)))
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

    async def _before(self, registration: Registration, actor: Actor) -> ContractDefinition | None:
        """What the contract says that the table's name stands for, or stood for; None of the first of its table."""
        if registration.former is None:
            return None
        contract = registration.former.contract
        return contract.definition(await _columns_of(self._contracts, contract, actor))

    async def _kept(
        self, sent: SentDocument, draft: Draft, registration: Registration, text: str, actor: Actor
    ) -> ImportedContract:
        """The contract with the document kept, unless that says nothing which is not known of the contract already."""
        contract = registration.contract
        columns = await _columns_of(self._contracts, contract, actor)
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
        described = await self._contracts.get(contract.id, actor)
        return ImportedContract(draft, replace(registration, contract=described), columns)


async def _columns_of(contracts: ContractReading, contract: ContractRecord, actor: Actor) -> tuple[Column, ...] | None:
    """The columns of the schema in force; None while the first batch has yet to say."""
    if contract.schema_version is None:
        return None
    return (await contracts.schema(contract.id, contract.schema_version, actor)).columns
