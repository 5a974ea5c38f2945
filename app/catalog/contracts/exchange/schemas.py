"""What imports look like over HTTP: the answer, and what the OpenAPI document says of the body."""

from typing import Any, Final

from pydantic import BaseModel, Field

from app.catalog.contracts.definition import column_document
from app.catalog.contracts.exchange.service import ImportedContract
from app.catalog.contracts.odcs.document import TAKEN
from app.catalog.contracts.odcs.writing import JSON, YAML
from app.catalog.contracts.schemas import RegistrationDocument, ShownColumn, registration_document
from app.catalog.drift.documents import DriftChange


class KeptNote(BaseModel):
    """Something that the document says, and that is kept without being enforced."""

    pointer: str = Field(description="Where it stands in the body.", examples=["/schema/0/properties/0/quality"])
    message: str = Field(description="Why, in words.")


class ImportedContractDocument(BaseModel):
    """A contract of a document, and what became of it."""

    schema_name: str = Field(description="Name of the entry in the document's `schema`.", examples=["orders"])
    contract: RegistrationDocument = Field(
        description="The contract; `former` says how it differs from the one that the table's name stands for."
    )
    relation: str = Field(description="The relation of its table.", examples=["data.orders__v1"])
    columns: list[ShownColumn] | None = Field(
        description="In order, with the processing time; null while the first batch has yet to say."
    )
    drift: list[DriftChange] = Field(
        default_factory=list,
        description="What the document changes of the contract that the table's name stands for, with verdicts.",
    )
    notes: list[KeptNote] = Field(description="What is kept without being enforced.")


class ImportDocument(BaseModel):
    """What became of a document."""

    dry_run: bool = Field(description="Whether nothing was stored: this is what would have become of it.")
    api_version: str = Field(description="Version of the standard.", examples=["v3.1.0"])
    contracts: list[ImportedContractDocument] = Field(description="One for each entry of `schema`, in its order.")


def import_document(api_version: str, found: tuple[ImportedContract, ...], *, dry_run: bool) -> ImportDocument:
    """The contracts of a document, and what became of each."""
    return ImportDocument(dry_run=dry_run, api_version=api_version, contracts=[_imported(each) for each in found])


def _imported(each: ImportedContract) -> ImportedContractDocument:
    contract = each.registration.contract
    columns = each.columns
    return ImportedContractDocument(
        schema_name=each.draft.name,
        contract=registration_document(each.registration),
        relation=str(contract.relation),
        columns=None if columns is None else [ShownColumn.model_validate(column_document(each)) for each in columns],
        drift=[DriftChange.of(change) for change in each.drift],
        notes=[KeptNote(pointer=note.pointer, message=note.message) for note in each.draft.notes],
    )


_DOCUMENT: Final[dict[str, Any]] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "orders",
            "physicalType": "table",
            "properties": [
                {"name": "order_id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
                {"name": "changed_at", "logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}},
                {"name": "amount", "logicalType": "number", "physicalType": "numeric(12,2)"},
            ],
        }
    ],
}
_SEMANTICS: Final[dict[str, Any]] = {
    "mode": "upsert",
    "idempotency_key": ["order_id"],
    "event_time_column": "changed_at",
    "processing_time_column": "ingested_at",
    "dedupe_window": "24h",
    "conflict_resolution": "latest_wins",
}
_YAML_EXAMPLE: Final = """\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
- name: orders
  properties:
  - {name: order_id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
  - {name: changed_at, logicalType: timestamp, logicalTypeOptions: {timezone: true}}
customProperties:
- {property: mode, value: upsert}
- {property: idempotencyKey, value: [order_id]}
- {property: eventTimeColumn, value: changed_at}
- {property: processingTimeColumn, value: ingested_at}
- {property: dedupeWindow, value: 24h}
- {property: conflictResolution, value: latest_wins}
"""

BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "A document of the Open Data Contract Standard 3.0 to 3.2, or one with its semantics beside it.",
        "content": {
            JSON: {
                "schema": {"type": "object", "title": "OdcsImport"},
                "examples": {
                    "beside": {
                        "summary": "Semantics beside the document",
                        "value": {"document": _DOCUMENT, "semantics": {"orders": _SEMANTICS}},
                    },
                    "within": {
                        "summary": "Semantics in its custom properties",
                        "value": _DOCUMENT
                        | {
                            "customProperties": [
                                {"property": "mode", "value": "upsert"},
                                {"property": "idempotencyKey", "value": ["order_id"]},
                                {"property": "eventTimeColumn", "value": "changed_at"},
                                {"property": "processingTimeColumn", "value": "ingested_at"},
                                {"property": "dedupeWindow", "value": "24h"},
                                {"property": "conflictResolution", "value": "latest_wins"},
                            ]
                        },
                    },
                },
            },
            **{
                name: {"schema": {"type": "string"}, "example": _YAML_EXAMPLE}
                for name, form in TAKEN.items()
                if form == YAML
            },
        },
    }
}
"""What an import takes; what is in a document is the standard's matter."""

IMPORTED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"model": ImportDocument, "description": "Nothing new: a dry run, or contracts which say the same are there."},
    201: {"description": "Contracts are registered; their tables are in SHADOW."},
}
"""What an import answers."""

EXPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The document, in the form that `Accept` asks for.",
        "content": {JSON: {"schema": {"type": "object"}}, YAML: {"schema": {"type": "string"}}},
    }
}
"""What an export answers; what is in it is the standard's matter."""
