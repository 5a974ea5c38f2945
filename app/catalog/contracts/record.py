"""A contract as it is kept, with what belongs to it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from app.catalog.contracts.column_words import Words
from app.catalog.contracts.definition import ContractDefinition, Origin, Policy, Semantics, columns_of, relation_plan
from app.catalog.contracts.difference import ContractDifference
from app.catalog.tables.lifecycle import PROPERTIES, TableState
from app.kernel.http.etags import etag
from app.warehouse.naming import RelationName
from app.warehouse.plan import Column, RelationPlan


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A contract, and how its table stands."""

    id: str
    table_id: UUID
    table_name: str
    version: int
    state: TableState
    endpoint: str
    semantics: Semantics
    policy: Policy
    owner_id: UUID | None
    owner_label: str
    description: str | None
    """What the data is, in the words of whoever answers for it."""
    words: Words
    schema_version: int | None
    revision: int
    relation: RelationName
    created_at: datetime

    @property
    def column_words(self) -> dict[str, dict[str, Any]]:
        """By column: `description`, `labels` and `sensitivity`, as far as something is said by them."""
        return {name: each.said() for name, each in self.words.items()}

    @property
    def etag(self) -> str:
        """Changes with every change of the contract."""
        return etag(self.id, self.revision)

    def definition(self, columns: tuple[Column, ...] | None) -> ContractDefinition:
        """What the contract says, with these columns."""
        return ContractDefinition(
            self.endpoint, self.table_name, self.semantics, self.policy, columns, self.description, self.words
        )


@dataclass(frozen=True, slots=True)
class SchemaRecord:
    """A version of a contract's schema."""

    contract_id: str
    version: int
    origin: Origin
    documents: tuple[dict[str, Any], ...]
    created_by: str
    created_at: datetime

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns as the warehouse knows them."""
        return columns_of(self.documents)


@dataclass(frozen=True, slots=True)
class Former:
    """A contract that a new version is compared with, and what the new version says otherwise."""

    contract: ContractRecord
    difference: ContractDifference


@dataclass(frozen=True, slots=True)
class Registration:
    """What became of a contract that was sent: a new one, or the one that said the same before."""

    contract: ContractRecord
    made: bool
    former: Former | None = None
    """Of a new version: the one that the table's name stands for, else the newest, of those that the caller sees."""


@dataclass(frozen=True)
class IngestionContract:
    """All that ingestion must know of a contract, as it stood when it was read."""

    contract: ContractRecord
    columns: tuple[Column, ...] | None
    """In order, with the processing time; None until the first batch has said what they are."""

    @property
    def id(self) -> str:
        """`<table>_v<version>`."""
        return self.contract.id

    @property
    def writable(self) -> bool:
        """Whether rows may come in."""
        return PROPERTIES[self.contract.state].writable

    @cached_property
    def plan(self) -> RelationPlan | None:
        """What the warehouse must know; None until there are columns."""
        if self.columns is None:
            return None
        return relation_plan(self.contract.relation, self.contract.semantics, self.columns)
