"""`tables` (one row per version of a logical table), the shapes it had, and how its state changed.

At most one version of a name is current (ACTIVE or READ_ONLY): a partial unique index holds what `lifecycle` says.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class TableVersionRow(Identified, Created, Base):
    """One version of a logical table."""

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
    """One shape that a version of a table had or has, and what was in it when it was last measured."""

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
    """One change of state. Rows are only ever added."""

    __tablename__ = "table_state_history"
    __table_args__ = (Index(None, "table_id", "id"),)

    table_id: Mapped[UUID] = mapped_column(ForeignKey("spyne.tables.id"), comment="The table")
    from_state: Mapped[str | None] = mapped_column(comment="State before; null when it was made")
    to_state: Mapped[str] = mapped_column(comment="State after")
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of who changed it")
    actor_label: Mapped[str] = mapped_column(comment="Name of who changed it, at that time")
    reason: Mapped[str | None] = mapped_column(comment="Why, in the words of who changed it")
    plan_hash: Mapped[str | None] = mapped_column(comment="SHA-256 of the plan, as a dry run answers it")
