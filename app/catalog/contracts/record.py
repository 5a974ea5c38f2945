"""A contract as it is kept, with what belongs to it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from app.catalog.contracts.definition import Origin, Policy, Semantics, UnknownColumns, columns_of, relation_plan
from app.catalog.tables.lifecycle import TableState
from app.kernel.etags import etag
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
    schema_version: int | None
    revision: int
    relation: RelationName
    created_at: datetime

    @property
    def etag(self) -> str:
        """Changes with every change of the contract."""
        return etag(self.id, self.revision)


@dataclass(frozen=True, slots=True)
class SchemaRecord:
    """One version of a contract's schema."""

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


@dataclass(frozen=True)
class ContractForIngestion:
    """All that ingestion must know of a contract, as it stood when it was read."""

    id: str
    table_id: UUID
    table_name: str
    version: int
    state: TableState
    relation: RelationName
    semantics: Semantics
    policy: Policy
    schema_version: int | None
    columns: tuple[Column, ...] | None
    """In order, with the processing time; None until the first batch has said what they are."""

    @property
    def unknown_columns(self) -> UnknownColumns:
        """What becomes of a row with a column that the schema does not know."""
        return self.policy.unknown_columns

    @property
    def max_rejected_rows(self) -> int | None:
        """A batch with more rejected rows fails as a whole; None is without a limit."""
        return self.policy.max_rejected_rows

    @property
    def max_rejected_share(self) -> float | None:
        """A batch with a larger share of rejected rows fails as a whole; None is without a limit."""
        return self.policy.max_rejected_share

    @cached_property
    def plan(self) -> RelationPlan | None:
        """What the warehouse must know; None until there are columns."""
        return None if self.columns is None else relation_plan(self.relation, self.semantics, self.columns)


def for_ingestion(contract: ContractRecord, columns: tuple[Column, ...] | None) -> ContractForIngestion:
    """The contract as ingestion knows it."""
    return ContractForIngestion(
        id=contract.id,
        table_id=contract.table_id,
        table_name=contract.table_name,
        version=contract.version,
        state=contract.state,
        relation=contract.relation,
        semantics=contract.semantics,
        policy=contract.policy,
        schema_version=contract.schema_version,
        columns=columns,
    )
