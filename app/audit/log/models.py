"""`audit_log`: one row for everything that somebody did; and its seals. Grants and triggers keep all append-only."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Identified


class AuditEntry(Identified, Base):
    """A thing that somebody did."""

    __tablename__ = "audit_log"
    __table_args__ = (
        CheckConstraint("action ~ '^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$'", name="action"),
        CheckConstraint(
            "verb IN ('CREATE', 'UPDATE', 'DELETE', 'APPROVE', 'REJECT', 'DOWNLOAD', 'UPLOAD', 'LOGIN', 'LOGOUT')",
            name="verb",
        ),
        CheckConstraint("outcome IN ('success', 'failure')", name="outcome"),
        Index(None, "time"),
        Index(None, "actor_id"),
        Index(None, "entity_type", "entity_id"),
        Index(None, "correlation_id"),
        Index(None, "transaction_id", "id"),
    )

    time: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp(), comment="When, by the database's clock"
    )
    transaction_id: Mapped[int] = mapped_column(
        BigInteger,
        server_default=text("((pg_current_xact_id())::text)::bigint"),
        comment="Rows of one change share it; orders them against a snapshot",
    )
    actor_kind: Mapped[str] = mapped_column(Text, comment="user, api_client or system")
    actor_id: Mapped[UUID | None] = mapped_column(
        comment="Id of the user or client; null for the system and unknown names"
    )
    actor_label: Mapped[str] = mapped_column(Text, comment="Name at that time; outlives deletion")
    action: Mapped[str] = mapped_column(Text, comment="subject:action")
    verb: Mapped[str] = mapped_column(Text, comment="Kind of action across all domains")
    entity_type: Mapped[str] = mapped_column(Text, comment="Kind of thing acted on")
    entity_id: Mapped[str | None] = mapped_column(Text, comment="Id of the thing, as text")
    entity_label: Mapped[str | None] = mapped_column(Text, comment="Name of the thing at that time")
    before: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Changed fields before; secrets as keyed hashes"
    )
    after: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="Changed fields after; secrets as keyed hashes"
    )
    correlation_id: Mapped[str | None] = mapped_column(Text, comment="Request or job that did it")
    trace_id: Mapped[str | None] = mapped_column(Text, comment="W3C trace id, 32 hex digits")
    client_address: Mapped[str | None] = mapped_column(Text, comment="Peer address of the request")
    outcome: Mapped[str] = mapped_column(Text, comment="success or failure")


class AuditSeal(Base):
    """A batch of rows, stated and signed; see `app.audit.seals.chain.Seal`."""

    __tablename__ = "audit_seals"
    __table_args__ = (Index(None, "sealed_at"),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="1 for the first")
    encoding: Mapped[int] = mapped_column(SmallInteger, comment="Of the rows' canonical bytes")
    count: Mapped[int] = mapped_column(Integer, comment="Rows of the batch")
    total: Mapped[int] = mapped_column(BigInteger, comment="Rows sealed so far, with this batch")
    root: Mapped[bytes] = mapped_column(LargeBinary, comment="Merkle tree head of the batch, RFC 9162")
    previous: Mapped[bytes] = mapped_column(LargeBinary, comment="Hash of the seal before")
    first_entry: Mapped[UUID | None] = mapped_column(comment="Id of the first row")
    last_entry: Mapped[UUID | None] = mapped_column(comment="Id of the last row")
    lineage: Mapped[str] = mapped_column(Text, comment="Server and database whose transaction numbers the rows bear")
    adopted: Mapped[bool] = mapped_column(comment="Rows were taken whatever their transaction")
    horizon: Mapped[int] = mapped_column(BigInteger, comment="Every row of a transaction below it is sealed")
    snapshot_end: Mapped[int] = mapped_column(BigInteger, comment="First transaction that had not begun")
    sealed_at: Mapped[int] = mapped_column(BigInteger, comment="Microseconds since 1970, by the database's clock")
    key: Mapped[str] = mapped_column(Text, comment="Fingerprint of the key that signed it")
    signature: Mapped[bytes] = mapped_column(LargeBinary, comment="Ed25519")


class SealedEntry(Base):
    """Which seal covers a row; nothing rests on it but speed, for the root of the seal shows whether it is true."""

    __tablename__ = "audit_sealed_entries"
    __table_args__ = (Index(None, "entry_id", unique=True),)

    seal: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="Number of the seal")
    leaf: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False, comment="Place in it, from 0")
    entry_id: Mapped[UUID] = mapped_column(comment="Id of the row; it may be gone")
    leaf_hash: Mapped[bytes] = mapped_column(LargeBinary, comment="Hash of its canonical bytes as a leaf, RFC 9162")


class AuditArchive(Base):
    """Seals whose rows are kept in an object, stated and signed; see `app.audit.archives.statements.Archive`."""

    __tablename__ = "audit_archives"
    __table_args__ = (Index("uq_audit_archives_last_seal", "last_seal", unique=True),)

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, comment="1 for the first")
    first_seal: Mapped[int] = mapped_column(BigInteger, comment="Number of the first seal in it")
    last_seal: Mapped[int] = mapped_column(BigInteger, comment="Number of the last seal in it")
    seal_hash: Mapped[bytes] = mapped_column(LargeBinary, comment="Hash of the last seal")
    rows: Mapped[int] = mapped_column(BigInteger, comment="Rows under these seals")
    object: Mapped[str] = mapped_column(Text, comment="Key in the object storage")
    size: Mapped[int] = mapped_column(BigInteger, comment="Bytes of the object")
    sha256: Mapped[bytes] = mapped_column(LargeBinary, comment="Of the object")
    previous: Mapped[bytes] = mapped_column(LargeBinary, comment="Hash of the archive before")
    archived_at: Mapped[int] = mapped_column(BigInteger, comment="Microseconds since 1970, by the service's clock")
    key: Mapped[str] = mapped_column(Text, comment="Fingerprint of the key that signed it")
    signature: Mapped[bytes] = mapped_column(LargeBinary, comment="Ed25519")
