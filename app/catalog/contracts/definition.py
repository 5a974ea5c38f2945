"""What a contract says, as frozen data: semantics, columns, policy, and what the warehouse makes of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from app.catalog.contracts.checks import check_documents, checks_of
from app.catalog.contracts.column_words import Words
from app.warehouse.naming import RelationName
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import ColumnType, TypeKind, parse_type


class ChangePolicy(StrEnum):
    """What becomes of rows that do not fit the schema: that bring unknown columns, or values of other types.

    The difference is reported as drift under each of the policies.
    """

    FREEZE = "freeze"
    """The row is refused, and counts towards the limits of refused rows."""
    QUARANTINE_ROW = "quarantine_row"
    """The row is set aside in quarantine until the schema knows the difference; no limit of refused rows counts it."""
    DISCARD_VALUE = "discard_value"
    """The value is passed over: an unknown column is not stored, a value of another type becomes null where it may."""
    EVOLVE = "evolve"
    """The schema takes the change on where that is compatible; a row whose values still do not fit is set aside."""

    @classmethod
    def _missing_(cls, value: object) -> "ChangePolicy | None":
        """The policy by the word that it had before there were four of them."""
        return {"reject": cls.FREEZE, "discard": cls.DISCARD_VALUE}.get(str(value))


class Origin(StrEnum):
    """Where a schema comes from."""

    DECLARED = "declared"
    INFERRED = "inferred"
    EVOLVED = "evolved"
    """Made of the version before by a change that drift brought."""
    IMPORTED = "imported"
    """Declared by a document of the Open Data Contract Standard."""


@dataclass(frozen=True, slots=True)
class Semantics:
    """The six fields that say how rows are distinguished, ordered and merged."""

    mode: Mode
    idempotency_key: tuple[str, ...]
    event_time_column: str
    processing_time_column: str
    dedupe_window: timedelta
    conflict_resolution: Resolution
    dedupe_window_text: str

    @property
    def required_columns(self) -> tuple[str, ...]:
        """What every row must carry: the key and the event time, which are therefore NOT NULL."""
        return tuple(dict.fromkeys((*self.idempotency_key, self.event_time_column)))

    def document(self) -> dict[str, Any]:
        """The six fields as a contract writes them."""
        return {
            "mode": self.mode.value,
            "idempotency_key": list(self.idempotency_key),
            "event_time_column": self.event_time_column,
            "processing_time_column": self.processing_time_column,
            "dedupe_window": self.dedupe_window_text,
            "conflict_resolution": self.conflict_resolution.value,
        }


@dataclass(frozen=True, slots=True)
class Policy:
    """What a batch may get wrong. Without a limit any number of rows may be rejected."""

    unknown_columns: ChangePolicy = ChangePolicy.FREEZE
    type_changes: ChangePolicy = ChangePolicy.FREEZE
    max_rejected_rows: int | None = None
    max_rejected_share: float | None = None
    """Share of the rows received; between 0 and 1."""


@dataclass(frozen=True, slots=True)
class ContractDefinition:
    """A contract that was reviewed and found sound. `columns` is None while the first batch has yet to say."""

    endpoint: str
    table_name: str
    semantics: Semantics
    policy: Policy
    columns: tuple[Column, ...] | None
    description: str | None = None
    words: Words = field(default_factory=dict)
    """What is said about its columns."""


def completed(semantics: Semantics, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of the relation: required ones NOT NULL, and the processing time, last unless declared elsewhere."""
    required = {*semantics.required_columns, semantics.processing_time_column}
    found = [replace(column, nullable=column.nullable and column.name not in required) for column in columns]
    if semantics.processing_time_column not in {column.name for column in columns}:
        found.append(Column(semantics.processing_time_column, ColumnType(TypeKind.TIMESTAMPTZ), nullable=False))
    return tuple(found)


def relation_plan(relation: RelationName, semantics: Semantics, columns: tuple[Column, ...]) -> RelationPlan:
    """What the warehouse must know of the contract. Raises `PlanError` for columns that were not reviewed."""
    return RelationPlan(
        relation=relation,
        columns=columns,
        key=semantics.idempotency_key,
        event_time=semantics.event_time_column,
        processing_time=semantics.processing_time_column,
        mode=semantics.mode,
        resolution=semantics.conflict_resolution,
        dedupe_window=semantics.dedupe_window,
    )


def column_document(column: Column) -> dict[str, Any]:
    """The column as `contract_schemas` keeps it and the API shows it."""
    return {
        "name": column.name,
        "type": column.type.sql,
        "nullable": column.nullable,
        "checks": check_documents(column.checks),
        "source": column.source,
    }


def columns_of(documents: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """The columns that `column_document` wrote; before there were sources it wrote none."""
    return tuple(_column_of(document, parse_type(document["type"])) for document in documents)


def _column_of(document: Mapping[str, Any], column_type: ColumnType) -> Column:
    checks = checks_of(document["checks"], column_type)
    return Column(document["name"], column_type, document["nullable"], checks, document.get("source"))


def column_line(column: Column) -> str:
    """The column in a line, as the audit log keeps it: `customer_id bigint from /customer/id`."""
    return f"{column.name} {column.type}" + (f" from {column.source}" if column.source else "")
