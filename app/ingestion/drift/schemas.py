"""What is asked when a schema, rows or a relation are compared with a contract."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    checks: list[dict[str, Any]] = Field(default_factory=list, max_length=16, description="As contracts write them.")


class ComparedSchema(BaseModel):
    """A schema as another system declares it."""

    model_config = ConfigDict(extra="forbid")

    columns: list[ComparedColumn] = Field(min_length=1, max_length=MAX_COLUMNS)


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
    ingestion_semantics: dict[str, Any] | None = Field(
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
