"""Shapes contracts into what HTTP answers. Pure."""

from app.catalog.contracts.definition import column_document
from app.catalog.contracts.difference import SchemaDifference, aspects
from app.catalog.contracts.record import ContractRecord, SchemaRecord
from app.catalog.contracts.schemas import (
    ChangedColumn,
    ContractDocument,
    ContractSchemaDocument,
    MaxRejectedDocument,
    OwnerDocument,
    SchemaDifferenceDocument,
    ShownColumn,
    ShownSemantics,
)
from app.warehouse.plan import Column


def contract_document(contract: ContractRecord) -> ContractDocument:
    """The contract."""
    told, policy = contract.semantics, contract.policy
    limited = policy.max_rejected_rows is not None or policy.max_rejected_share is not None
    return ContractDocument(
        id=contract.id,
        table_id=contract.table_id,
        table_name=contract.table_name,
        version=contract.version,
        state=contract.state,
        endpoint=contract.endpoint,
        ingestion_semantics=ShownSemantics(
            mode=told.mode,
            idempotency_key=list(told.idempotency_key),
            event_time_column=told.event_time_column,
            processing_time_column=told.processing_time_column,
            dedupe_window=told.dedupe_window_text,
            conflict_resolution=told.conflict_resolution,
        ),
        unknown_columns=policy.unknown_columns,
        max_rejected=MaxRejectedDocument(rows=policy.max_rejected_rows, share=policy.max_rejected_share)
        if limited
        else None,
        owner=OwnerDocument(id=contract.owner_id, label=contract.owner_label),
        schema_version=contract.schema_version,
        created_at=contract.created_at,
    )


def schema_document(schema: SchemaRecord) -> ContractSchemaDocument:
    """One version of a contract's schema."""
    return ContractSchemaDocument(
        contract_id=schema.contract_id,
        version=schema.version,
        origin=schema.origin.value,
        columns=list(schema.documents),
        created_by=schema.created_by,
        created_at=schema.created_at,
    )


def difference_document(found: SchemaDifference) -> SchemaDifferenceDocument:
    """What differs between two versions of a contract's schema."""
    return SchemaDifferenceDocument(
        contract_id=found.contract_id,
        from_version=found.from_version,
        to_version=found.to_version,
        added=[_shown(column) for column in found.columns.added],
        removed=[_shown(column) for column in found.columns.removed],
        changed=[
            ChangedColumn(
                name=change.after.name,
                aspects=list(aspects(change)),
                before=_shown(change.before),
                after=_shown(change.after),
            )
            for change in found.columns.changed
        ],
        breaking=found.columns.breaking,
    )


def _shown(column: Column) -> ShownColumn:
    return ShownColumn.model_validate(column_document(column))
