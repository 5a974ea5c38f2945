"""`contracts` and the versions of their schemas. A contract belongs to one version of a table, for good."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Double, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created


class ContractRow(Created, Base):
    """One contract: how data for a version of a table comes in, and who answers for it."""

    __tablename__ = "contracts"
    __table_args__ = (
        UniqueConstraint("table_id"),
        UniqueConstraint("table_name", "version"),
        CheckConstraint("mode IN ('append', 'upsert', 'replace')", name="mode"),
        CheckConstraint(
            "conflict_resolution IN ('latest_wins', 'earliest_wins', 'first_write_wins', 'last_write_wins', 'reject')",
            name="conflict_resolution",
        ),
        CheckConstraint("unknown_columns IN ('reject', 'discard')", name="unknown_columns"),
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
    unknown_columns: Mapped[str] = mapped_column(server_default="reject", comment="reject or discard")
    max_rejected_rows: Mapped[int | None] = mapped_column(BigInteger, comment="A batch with more fails as a whole")
    max_rejected_share: Mapped[float | None] = mapped_column(Double, comment="A batch with a larger share fails")
    owner_id: Mapped[UUID | None] = mapped_column(comment="Id of who registered it")
    owner_label: Mapped[str] = mapped_column(comment="Name of who registered it, at that time")
    schema_version: Mapped[int | None] = mapped_column(comment="Schema in force; null until the first batch")
    revision: Mapped[int] = mapped_column(server_default="1", comment="Counts changes of this row; the ETag")


class ContractSchemaRow(Created, Base):
    """One version of a contract's schema. Rows are only ever added."""

    __tablename__ = "contract_schemas"
    __table_args__ = (CheckConstraint("origin IN ('declared', 'inferred')", name="origin"),)

    contract_id: Mapped[str] = mapped_column(ForeignKey("spyne.contracts.id"), primary_key=True, comment="The contract")
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, comment="Counts its schemas from 1")
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, comment="Columns: name, type, nullable, checks")
    origin: Mapped[str] = mapped_column(comment="declared, or inferred from the first batch")
    created_by: Mapped[str] = mapped_column(comment="Label of who made it")
