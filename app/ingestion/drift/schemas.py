"""What is asked when a schema, rows or a relation are compared with a contract."""

from collections import Counter
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue, field_validator, model_validator

from app.catalog.contracts.durations import parse_duration
from app.catalog.contracts.schemas import CheckDocument, ColumnWordsDocument, ContractSchemaDocument, StrictDocument
from app.warehouse.plan import Mode, Resolution

MAX_ROWS: Final = 1_000
"""Sample rows of one request: enough to see a column's type; whoever has more sends a batch with `dry_run`."""

MAX_COLUMNS: Final = 1_600
"""Columns of a schema that is compared; PostgreSQL's relations have no more."""

Name = Annotated[str, Field(min_length=1, max_length=256)]


class ComparedColumn(ColumnWordsDocument):
    """A column as another system, a registration or a schema of Spyne's declares it; words about it are passed over."""

    name: str = Field(min_length=1, max_length=256, examples=["email"])
    type: str | None = Field(
        None, max_length=256, description="A type in any spelling: PostgreSQL's, ODCS's, Avro's.", examples=["string"]
    )
    nullable: bool = True
    default: JsonValue = Field(None, description="A value, or its expression as text.", examples=["now()"])
    checks: list[CheckDocument] = Field(default_factory=list, max_length=16, description="As contracts write them.")
    source: str | None = Field(
        None, max_length=256, description="Where the contract reads it from; what is left out is not compared."
    )

    def document(self) -> dict[str, Any]:
        """The column as contracts write columns; that it may not be null stands in `nullable` alone."""
        required = any(check.type == "not_null" for check in self.checks)
        declared = self.model_dump(exclude=set(ColumnWordsDocument.model_fields))
        return declared | {"nullable": self.nullable and not required}


class ComparedSchema(StrictDocument):
    """A schema as another system declares it, or as `GET /api/contracts/{id}/schema` answers it."""

    columns: list[ComparedColumn] = Field(min_length=1, max_length=MAX_COLUMNS, description="No two of one name.")

    @model_validator(mode="before")
    @classmethod
    def _without_provenance(cls, document: Any) -> Any:
        """What the answer says beside the columns is passed over: who made the version, and when."""
        if not isinstance(document, dict):
            return document
        passed_over = ContractSchemaDocument.model_fields.keys() - {"columns"}
        return {name: value for name, value in document.items() if name not in passed_over}

    @field_validator("columns")
    @classmethod
    def _named_once(cls, columns: list[ComparedColumn]) -> list[ComparedColumn]:
        twice = [name for name, count in Counter(column.name for column in columns).items() if count > 1]
        if twice:
            raise ValueError(f"every column has a name of its own, and these stand twice: {', '.join(twice[:10])}")
        return columns


class ComparedSemantics(StrictDocument):
    """Ingestion semantics in the fields of a contract; what is left out is not compared."""

    mode: Annotated[Mode, Field(strict=False)] | None = Field(None, examples=["upsert"])
    idempotency_key: list[Name] | None = Field(None, min_length=1, max_length=MAX_COLUMNS, examples=[["customer_id"]])
    event_time_column: Name | None = Field(None, examples=["event_time"])
    processing_time_column: Name | None = Field(None, examples=["ingested_at"])
    dedupe_window: str | None = Field(None, description="`24h`, or an ISO 8601 duration.", examples=["24h"])
    conflict_resolution: Annotated[Resolution, Field(strict=False)] | None = Field(None, examples=["latest_wins"])

    @field_validator("dedupe_window")
    @classmethod
    def _of_fixed_length(cls, text: str | None) -> str | None:
        if text is not None:
            parse_duration(text)
        return text

    def document(self) -> dict[str, Any]:
        """The fields that are given, and how many seconds the dedupe window is."""
        given: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        if self.dedupe_window is None:
            return given
        return given | {"dedupe_window_seconds": parse_duration(self.dedupe_window).total_seconds()}


class CompareRequest(StrictDocument):
    """What is to be compared with the contract: a schema, sample rows, or the relation that is there; one of them."""

    schema_: ComparedSchema | None = Field(
        None,
        alias="schema",
        description="A schema as another system declares it.",
        examples=[{"columns": [{"name": "customer_id", "type": "bigint"}, {"name": "email", "type": "string"}]}],
    )
    rows: list[dict[str, Any]] | None = Field(
        None, min_length=1, max_length=MAX_ROWS, description="Sample rows, as a batch would bring them."
    )
    relation: bool = Field(default=False, description="The relation behind the table, as it is now.")
    ingestion_semantics: ComparedSemantics | None = Field(
        None, description="Semantics to be compared as well; with `schema` alone."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> "CompareRequest":
        if (self.schema_ is not None) + (self.rows is not None) + self.relation != 1:
            raise ValueError(
                'exactly one of schema, rows and relation is compared, for example {"relation": true} or '
                '{"rows": [{"id": 1, "at": "2026-01-01T00:00:00Z", "vip": true}]}'
            )
        if self.ingestion_semantics is not None and self.schema_ is None:
            raise ValueError('ingestion_semantics stand beside a schema: {"schema": …, "ingestion_semantics": …}')
        return self
