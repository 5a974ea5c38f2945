"""Rows of the catalog: versions of logical tables, their shapes and changes of state; contracts and their schemas.

They stand together because no contract is read without its table, to which it belongs for good. At most one version of
a name is current (ACTIVE or READ_ONLY): a partial unique index holds what `tables/lifecycle.py` says.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified

CHANGE_POLICIES = "'freeze', 'quarantine_row', 'discard_value', 'evolve'"
"""Values of `contracts.definition.ChangePolicy`."""


class TableVersionRow(Identified, Created, Base):
    """A version of a logical table; `TableSchemaVersionRow` has its shapes."""

    __tablename__ = "tables"
    __table_args__ = (
        UniqueConstraint("name", "version"),
        UniqueConstraint("relation_schema", "relation_name"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("state IN ('SHADOW', 'READ_ONLY', 'ACTIVE', 'DEPRECATED')", name="state"),
        CheckConstraint("(state = 'DEPRECATED') = (deprecated_at IS NOT NULL)", name="deprecated_at"),
        CheckConstraint("origin IN ('contract', 'adopted')", name="origin"),
        Index("uq_tables_current", "name", unique=True, postgresql_where=text("state IN ('ACTIVE', 'READ_ONLY')")),
    )

    name: Mapped[str] = mapped_column(comment="Logical name, shared by all versions")
    version: Mapped[int] = mapped_column(comment="Counts the versions of the name from 1")
    state: Mapped[str] = mapped_column(comment="SHADOW, READ_ONLY, ACTIVE or DEPRECATED")
    origin: Mapped[str] = mapped_column(comment="contract or adopted")
    owner_id: Mapped[UUID | None] = mapped_column(comment="Id of the user or client who owns it")
    owner_label: Mapped[str] = mapped_column(comment="Name of the owner when it was made")
    relation_schema: Mapped[str] = mapped_column(comment="Schema of the physical relation")
    relation_name: Mapped[str] = mapped_column(comment="Name of the physical relation")
    contract_id: Mapped[str | None] = mapped_column(comment="Id of its contract; contracts.table_id is the constraint")
    schema_version: Mapped[int | None] = mapped_column(
        comment="Shape in force; null until a first batch has said what it looks like"
    )
    supersedes_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("spyne.tables.id"), comment="Version that this one took the name from"
    )
    successor: Mapped[str | None] = mapped_column(comment="What to use instead, as name or name@version")
    state_changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Time of the last transition")
    deprecated_at: Mapped[datetime | None] = mapped_column(comment="Since when it is deprecated")
    sunset: Mapped[datetime | None] = mapped_column(comment="When it is announced to go away")
    revision: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of this row; the ETag")


class TableSchemaVersionRow(Identified, Created, Base):
    """A shape that a version of a table had or has, and what was in it when it was last measured."""

    __tablename__ = "table_versions"
    __table_args__ = (UniqueConstraint("table_id", "schema_version"),)

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="The table")
    schema_version: Mapped[int] = mapped_column(comment="Counts its shapes from 1")
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, comment="Visible columns: name, type, nullable")
    row_count: Mapped[int | None] = mapped_column(BigInteger, comment="Rows when last measured")
    row_count_exact: Mapped[bool | None] = mapped_column(comment="Counted, or the planner's estimate")
    checksum: Mapped[str | None] = mapped_column(comment="Of the visible rows when last measured, whatever their order")
    measured_at: Mapped[datetime | None] = mapped_column(comment="When rows and checksum were measured")
    created_by: Mapped[str] = mapped_column(comment="Label of who made this shape")


class TableStateChangeRow(Identified, Created, Base):
    """A change of state. Rows are only ever added."""

    __tablename__ = "table_state_history"
    __table_args__ = (Index(None, "table_id", "id"),)

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="The table")
    from_state: Mapped[str | None] = mapped_column(comment="State before; null when it was made")
    to_state: Mapped[str] = mapped_column(comment="State after")
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of who changed it")
    actor_label: Mapped[str] = mapped_column(comment="Name of who changed it, at that time")
    reason: Mapped[str | None] = mapped_column(comment="Why, in the words of who changed it")
    plan_hash: Mapped[str | None] = mapped_column(comment="SHA-256 of the plan, as a dry run answers it")


class ContractRow(Created, Base):
    """A contract: how data for a version of a table comes in, and who answers for it."""

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("table_id"),
        UniqueConstraint("table_name", "version"),
        CheckConstraint("mode IN ('append', 'upsert', 'replace')", name="mode"),
        CheckConstraint(
            "conflict_resolution IN ('latest_wins', 'earliest_wins', 'first_write_wins', 'last_write_wins', 'reject')",
            name="conflict_resolution",
        ),
        CheckConstraint(f"unknown_columns IN ({CHANGE_POLICIES})", name="unknown_columns"),
        CheckConstraint(f"type_changes IN ({CHANGE_POLICIES})", name="type_changes"),
        CheckConstraint("dedupe_window_seconds > 0", name="dedupe_window"),
        Index(None, "endpoint"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, comment="<table>_v<version>")
    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="The version of the table")
    table_name: Mapped[str] = mapped_column(comment="Logical name of the table")
    version: Mapped[int] = mapped_column(comment="Version of the table")
    endpoint: Mapped[str] = mapped_column(comment="Path that the data is known under; one per logical table")
    mode: Mapped[str] = mapped_column(comment="append, upsert or replace")
    idempotency_key: Mapped[list[str]] = mapped_column(JSONB, comment="Columns of the key, in order")
    event_time_column: Mapped[str] = mapped_column(comment="When it happened")
    processing_time_column: Mapped[str] = mapped_column(comment="When it came in; set by Spyne")
    dedupe_window: Mapped[str] = mapped_column(comment="As it was written: 24h or PT24H")
    dedupe_window_seconds: Mapped[int] = mapped_column(BigInteger, comment="The same in seconds")
    conflict_resolution: Mapped[str] = mapped_column(comment="Who wins when a key comes with other content")
    unknown_columns: Mapped[str] = mapped_column(
        server_default="freeze", comment="What becomes of rows with unknown columns: a change policy"
    )
    type_changes: Mapped[str] = mapped_column(
        server_default="freeze", comment="What becomes of rows with values of other types: a change policy"
    )
    max_rejected_rows: Mapped[int | None] = mapped_column(BigInteger, comment="A batch with more fails as a whole")
    max_rejected_share: Mapped[float | None] = mapped_column(Double, comment="A batch with a larger share fails")
    owner_id: Mapped[UUID | None] = mapped_column(comment="Id of who registered it")
    owner_label: Mapped[str] = mapped_column(comment="Name of who registered it, at that time")
    description: Mapped[str | None] = mapped_column(comment="What the data is, in the words of whoever answers for it")
    column_words: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default="{}", comment="By column: description, labels, sensitivity"
    )
    schema_version: Mapped[int | None] = mapped_column(comment="Schema in force; null until the first batch")
    revision: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of this row; the ETag")


class ContractSchemaRow(Created, Base):
    """A version of a contract's schema. Rows are only ever added."""

    __tablename__ = "contract_schemas"
    __table_args__ = (CheckConstraint("origin IN ('declared', 'inferred', 'evolved', 'imported')", name="origin"),)

    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), primary_key=True, comment="The contract")
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="Counts its schemas from 1")
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, comment="Columns: name, type, nullable, checks")
    origin: Mapped[str] = mapped_column(comment="declared, inferred, evolved or imported")
    created_by: Mapped[str] = mapped_column(comment="Label of who made it")


class ContractDocumentRow(Created, Base):
    """The document of the Open Data Contract Standard that contracts were imported from, as it was sent."""

    __tablename__ = "contract_documents"

    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), primary_key=True, comment="The contract")
    api_version: Mapped[str] = mapped_column(comment="Version of the standard, as the document says: v3.1.0")
    schema_name: Mapped[str] = mapped_column(comment="Name of the entry of its schema that became the contract")
    document: Mapped[str] = mapped_column(comment="The whole document as JSON text, in the order of its fields")
    imported_by: Mapped[str] = mapped_column(comment="Label of who imported it")
