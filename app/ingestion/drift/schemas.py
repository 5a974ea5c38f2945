"""What is asked when a schema, rows or a relation are compared with a contract."""

from collections import Counter
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.catalog.contracts.durations import parse_duration
from app.catalog.contracts.schemas import CheckDocument, StrictDocument
from app.warehouse.plan import Mode, Resolution

MAX_ROWS: Final = 1_000
"""Sample rows of one request: enough to see a column's type; whoever has more sends a batch with `dry_run`."""

MAX_COLUMNS: Final = 1_600
"""Columns of a schema that is compared; PostgreSQL's relations have no more."""


class ComparedColumn(BaseModel):
    """A column as another system declares it."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=256, examples=["email"])
    type: str | None = Field(
        None, max_length=256, description="A type in any spelling: PostgreSQL's, ODCS's, Avro's.", examples=["string"]
    )
    nullable: bool = True
    default: Any = None
    checks: list[CheckDocument] = Field(default_factory=list, max_length=16, description="As contracts write them.")

    def document(self) -> dict[str, Any]:
        """The column as contracts write columns; that it may not be null stands in `nullable` alone."""
        required = any(check.type == "not_null" for check in self.checks)
        return self.model_dump() | {"nullable": self.nullable and not required}


class ComparedSchema(BaseModel):
    """A schema as another system declares it."""

    model_config = ConfigDict(extra="forbid")

    columns: list[ComparedColumn] = Field(min_length=1, max_length=MAX_COLUMNS)

    @model_validator(mode="after")
    def _one_column_of_a_name(self) -> "ComparedSchema":
        twice = [name for name, times in Counter(column.name for column in self.columns).items() if times > 1]
        if twice:
            raise ValueError(f"each column has a name of its own: {', '.join(twice[:5])}")
        return self


def _duration(text: str) -> str:
    parse_duration(text)
    return text


class ComparedSemantics(StrictDocument):
    """Semantics as another system declares them; of what is left out or null nothing is said."""

    mode: Annotated[Mode | None, Field(strict=False)] = None
    idempotency_key: list[str] | None = Field(None, max_length=MAX_COLUMNS)
    event_time_column: str | None = Field(None, max_length=256)
    processing_time_column: str | None = Field(None, max_length=256)
    dedupe_window: Annotated[str, AfterValidator(_duration)] | None = Field(None, examples=["24h", "PT24H"])
    conflict_resolution: Annotated[Resolution | None, Field(strict=False)] = None

    def document(self) -> dict[str, Any]:
        """What is said, as contracts write semantics, with the window in seconds."""
        said = self.model_dump(mode="json", exclude_none=True)
        if self.dedupe_window is not None:
            said["dedupe_window_seconds"] = parse_duration(self.dedupe_window).total_seconds()
        return said


class CompareRequest(BaseModel):
    """What is to be compared with the contract: a schema, sample rows, or the relation that is there; one of them."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False)

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
        None, description="Semantics to be compared as well, in the fields of a contract; with `schema` alone."
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
