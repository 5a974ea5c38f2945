"""What contracts look like over HTTP.

The request models say the shape alone. What a contract means is looked at by `review`, on the same document, so that a
caller learns of every fault at once.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.catalog.contracts.column_words import MAX_DESCRIPTION, MAX_LABEL, MAX_LABELS, Sensitivity
from app.catalog.contracts.definition import ChangePolicy, Origin, column_document
from app.catalog.contracts.difference import Aspect, SchemaDifference, aspects
from app.catalog.contracts.record import ContractRecord, Former, Registration, SchemaRecord
from app.catalog.contracts.registration import summary
from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.shape import Difference
from app.warehouse.plan import Column, Mode, Resolution


def _scalar(value: Any) -> Any:
    if not isinstance(value, (bool, int, float, str)):
        raise PydanticCustomError("scalar", "Input should be a text, a number, true or false")
    return value


Scalar = Annotated[
    Any, AfterValidator(_scalar), WithJsonSchema({"type": ["string", "number", "boolean"], "title": "Scalar"})
]
"""A JSON value of the column's type; times as ISO 8601 text."""


class StrictDocument(BaseModel):
    """A part of a request: nothing else may stand in it, and types are as JSON has them."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)


class PlainCheck(StrictDocument):
    """A check without a value."""

    type: Literal["not_null", "unique"]


class BoundCheck(StrictDocument):
    """The smallest or largest value that passes."""

    type: Literal["min", "max"]
    value: Scalar = Field(description="Inclusive, of the column's type.", examples=[0])


class PatternCheck(StrictDocument):
    """What a text must match, anywhere unless anchored; RE2 syntax."""

    type: Literal["pattern"]
    value: str = Field(description="At most 512 characters.", examples=["^[A-Z]{3}$"])


class OneOfCheck(StrictDocument):
    """The only values that pass."""

    type: Literal["one_of"]
    values: list[Scalar] = Field(description="1 to 1000 values of the column's type.", examples=[["EUR", "USD"]])


CheckDocument = Annotated[PlainCheck | BoundCheck | PatternCheck | OneOfCheck, Field(discriminator="type")]


Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL, examples=["revenue"])]


class ColumnWordsDocument(StrictDocument):
    """What is said about a column."""

    description: str | None = Field(None, max_length=MAX_DESCRIPTION, description="What its values mean.")
    labels: list[Label] = Field(default_factory=list, max_length=MAX_LABELS, description="Other names for it.")
    sensitivity: Annotated[Sensitivity, Field(strict=False)] = Field(
        Sensitivity.NONE, description="`private`: its values are never indexed, shown in explanations or logged."
    )


class ContractColumnDocument(StrictDocument):
    """One column of a contract."""

    name: str = Field(description="A PostgreSQL identifier in lower case.", examples=["amount"])
    type: str = Field(description="A PostgreSQL type.", examples=["numeric(12,2)"])
    nullable: bool = Field(default=True, description="Key and time columns are never nullable, whatever this says.")
    checks: list[CheckDocument] = Field(default_factory=list, description="At most one of each type.")
    source: str | None = Field(
        None,
        description="Where records carry the value when it is not in a field of the column's name: a field's name, or "
        "a JSON Pointer (RFC 6901) through nested objects; in CSV and Parquet the header's name. At most 256 "
        "characters and 8 names. Each value has one column.",
        examples=["customerId", "/customer/id"],
    )

    description: str | None = Field(None, max_length=MAX_DESCRIPTION, description="What its values mean.")
    labels: list[Label] = Field(default_factory=list, max_length=MAX_LABELS, description="Other names for it.")
    sensitivity: Annotated[Sensitivity, Field(strict=False)] = Field(
        Sensitivity.NONE, description="`private`: its values are never indexed, shown in explanations or logged."
    )


class SchemaDocument(StrictDocument):
    """The columns in order."""

    columns: list[ContractColumnDocument]


class SemanticsDocument(StrictDocument):
    """How rows are told apart, ordered and merged. Every field is required."""

    mode: Annotated[Mode, Field(strict=False)] = Field(
        description="How a batch meets what is stored. A row is the whole content of its key: what it leaves out is "
        "null, also where a value was stored; a column that no row of a batch brings keeps its stored values.",
        examples=["upsert"],
    )
    idempotency_key: list[str] = Field(description="Columns that identify a row.", examples=[["api_id", "event_id"]])
    event_time_column: str = Field(description="When it happened.", examples=["event_time"])
    processing_time_column: str = Field(description="When it came in; set by Spyne.", examples=["ingested_at"])
    dedupe_window: str = Field(description="`24h`, or an ISO 8601 duration; above 0.", examples=["24h", "PT24H"])
    conflict_resolution: Annotated[Resolution, Field(strict=False)] = Field(
        description="Who wins when a key comes again with other content.", examples=["latest_wins"]
    )


class MaxRejectedDocument(StrictDocument):
    """When a batch fails as a whole; with both, whichever is exceeded first."""

    rows: int | None = Field(None, ge=0, le=2**53, description="More rejected rows than this.")
    share: float | None = Field(None, ge=0, le=1, description="A larger share of the rows received, 0 to 1.")


class RegisterRequest(StrictDocument):
    """A contract to register."""

    endpoint: str = Field(description="Path that the data is known under.", examples=["/api/v1/customers"])
    table_name: str = Field(description="Logical table; a known name gets its next version.", examples=["customers"])
    ingestion_semantics: SemanticsDocument
    schema_: SchemaDocument | None = Field(
        None,
        alias="schema",
        description="When absent, the first batch says what the columns are.",
        examples=[
            {
                "columns": [
                    {"name": "api_id", "type": "text"},
                    {"name": "event_id", "type": "bigint"},
                    {"name": "event_time", "type": "timestamptz"},
                    {"name": "amount", "type": "numeric(12,2)", "checks": [{"type": "min", "value": 0}]},
                    {"name": "customer_id", "type": "bigint", "source": "/customer/id"},
                ]
            }
        ],
    )
    unknown_columns: Annotated[ChangePolicy, Field(strict=False)] = Field(
        ChangePolicy.FREEZE,
        description="What becomes of rows with a column that the schema does not know: `freeze` refuses them, "
        "`quarantine_row` sets them aside, `discard_value` takes them without it, `evolve` gives the table the column.",
    )
    type_changes: Annotated[ChangePolicy, Field(strict=False)] = Field(
        ChangePolicy.FREEZE,
        description="What becomes of rows with a value of another type: `freeze` refuses them, `quarantine_row` sets "
        "them aside, `discard_value` stores null instead where it may, `evolve` widens the column's type.",
    )
    max_rejected: MaxRejectedDocument | None = Field(None, description="How much may be rejected; any when absent.")
    description: str | None = Field(None, max_length=MAX_DESCRIPTION, description="What the data is.")


class OwnerDocument(BaseModel):
    """Who owns a thing."""

    id: UUID | None = Field(description="The user or client; null for Spyne itself.")
    label: str = Field(description="The name at the time.")


class ShownSemantics(BaseModel):
    """How rows are told apart, ordered and merged."""

    mode: Mode
    idempotency_key: list[str]
    event_time_column: str
    processing_time_column: str
    dedupe_window: str = Field(description="As it was registered.")
    conflict_resolution: Resolution


class ContractDocument(BaseModel):
    """A contract."""

    id: str = Field(description="`<table>_v<version>`.", examples=["customers_v1"])
    table_id: UUID = Field(description="The version of the table that belongs to it.")
    table_name: str
    version: int
    state: TableState = Field(description="State of the table.")
    endpoint: str
    ingestion_semantics: ShownSemantics
    unknown_columns: ChangePolicy
    type_changes: ChangePolicy
    max_rejected: MaxRejectedDocument | None
    description: str | None = Field(None, description="What the data is.")
    columns: dict[str, ColumnWordsDocument] = Field(
        default_factory=dict, description="By column, what is said about it; columns of which nothing is said are out."
    )
    owner: OwnerDocument
    schema_version: int | None = Field(description="Schema in force; null until the first batch has said.")
    created_at: datetime


class ShownColumn(BaseModel):
    """A column of one version."""

    name: str
    type: str = Field(examples=["numeric(12,2)"])
    nullable: bool
    checks: list[dict[str, Any]] = Field(description="As they are registered.")
    source: str | None = Field(
        None, description="Where records carry the value; null: in a field of the column's name."
    )


class ContractSchemaDocument(BaseModel):
    """One version of a contract's schema."""

    contract_id: str
    version: int
    origin: Origin
    columns: list[ShownColumn] = Field(description="In order, with the processing time.")
    created_by: str
    created_at: datetime


class ChangedColumn(BaseModel):
    """A column that both versions have, in different ways."""

    name: str
    aspects: list[Aspect] = Field(description="What changed about it.")
    before: ShownColumn
    after: ShownColumn


class ColumnsDifferenceDocument(BaseModel):
    """How columns differ."""

    added: list[ShownColumn]
    removed: list[ShownColumn]
    changed: list[ChangedColumn]
    breaking: bool = Field(
        description="A query on the old columns may fail or mean something else: a column is gone, or has a type that "
        "is not merely wider."
    )


class SchemaDifferenceDocument(ColumnsDifferenceDocument):
    """How one version of a contract's schema differs from another."""

    contract_id: str
    from_version: int
    to_version: int


class FieldChangeDocument(BaseModel):
    """A field of a contract that says something else."""

    field: str = Field(description="As a contract names it.", examples=["dedupe_window"])
    before: Any = Field(examples=["24h"])
    after: Any = Field(examples=["7d"])


class FormerDocument(BaseModel):
    """The contract that a new version is compared with, and what the new version says otherwise."""

    contract_id: str = Field(examples=["customers_v1"])
    state: TableState = Field(description="State of its table.")
    fields: list[FieldChangeDocument] = Field(description="What changed beside the columns.")
    columns: ColumnsDifferenceDocument | None = Field(
        description="How the columns differ; null when one of the two leaves them to its first batch."
    )
    reordered: bool = Field(description="The columns that both have stand in another order.")


class RegistrationDocument(ContractDocument):
    """A contract, and what became of it: it is new, or the same one was registered before."""

    created: bool = Field(description="False: nothing was stored, because this contract says the same already.")
    summary: str = Field(
        description="What was done, in words.",
        examples=["customers_v1 is registered. Its table is in SHADOW until an admin promotes it."],
    )
    former: FormerDocument | None = Field(
        description="Of a further version: the contract that the table's name stands for now, else the newest."
    )


def contract_document(contract: ContractRecord) -> ContractDocument:
    """The contract."""
    return ContractDocument(**_fields(contract))


def registration_document(registration: Registration) -> RegistrationDocument:
    """The contract, and what became of it."""
    former = registration.former
    return RegistrationDocument(
        **_fields(registration.contract),
        created=registration.made,
        summary=summary(registration),
        former=former and _former(former),
    )


def _former(former: Former) -> FormerDocument:
    differing = former.difference
    return FormerDocument(
        contract_id=former.contract.id,
        state=former.contract.state,
        fields=[FieldChangeDocument.model_validate(change, from_attributes=True) for change in differing.fields],
        columns=ColumnsDifferenceDocument(**_differing(differing.columns)) if differing.columns else None,
        reordered=differing.reordered,
    )


def _fields(contract: ContractRecord) -> dict[str, Any]:
    policy = contract.policy
    limited = policy.max_rejected_rows is not None or policy.max_rejected_share is not None
    return dict(
        ingestion_semantics=ShownSemantics(**contract.semantics.document()),
        unknown_columns=policy.unknown_columns,
        type_changes=policy.type_changes,
        max_rejected=MaxRejectedDocument(rows=policy.max_rejected_rows, share=policy.max_rejected_share)
        if limited
        else None,
        owner=OwnerDocument(id=contract.owner_id, label=contract.owner_label),
        description=contract.description,
        columns={name: ColumnWordsDocument(**words.document()) for name, words in contract.words.items()},
        **{name: getattr(contract, name) for name in _OF_RECORD},
    )


_OF_RECORD = ("id", "table_id", "table_name", "version", "state", "endpoint", "schema_version", "created_at")


def schema_document(schema: SchemaRecord) -> ContractSchemaDocument:
    """One version of a contract's schema."""
    return ContractSchemaDocument(
        contract_id=schema.contract_id,
        version=schema.version,
        origin=schema.origin.value,
        columns=[ShownColumn.model_validate(document) for document in schema.documents],
        created_by=schema.created_by,
        created_at=schema.created_at,
    )


def difference_document(found: SchemaDifference) -> SchemaDifferenceDocument:
    """What differs between two versions of a contract's schema."""
    return SchemaDifferenceDocument(
        contract_id=found.contract_id,
        from_version=found.from_version,
        to_version=found.to_version,
        **_differing(found.columns),
    )


def _differing(columns: Difference[Column]) -> dict[str, Any]:
    return {
        "added": [_shown(column) for column in columns.added],
        "removed": [_shown(column) for column in columns.removed],
        "changed": [
            ChangedColumn(
                name=change.after.name,
                aspects=list(aspects(change)),
                before=_shown(change.before),
                after=_shown(change.after),
            )
            for change in columns.changed
        ],
        "breaking": columns.breaking,
    }


def _shown(column: Column) -> ShownColumn:
    return ShownColumn.model_validate(column_document(column))
