"""Batches and quarantine."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "ingestion_history",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("created_at", time, server_default=sa.text("now()"), nullable=False, comment="Time of creation"),
        sa.Column(
            "sequence",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Order of acceptance; rows that a batch wrote carry it",
        ),
        sa.Column("contract_id", sa.String(), nullable=False, comment="The contract it came under"),
        sa.Column("schema_version", sa.Integer(), comment="Schema that its rows were held to"),
        sa.Column("status", sa.String(), nullable=False, comment="pending, completed or failed"),
        sa.Column("media_type", sa.String(), nullable=False, comment="Media type of the body"),
        sa.Column("encoding", sa.String(), comment="Content coding of the body; null when it had none"),
        sa.Column("actor_kind", sa.String(), nullable=False, comment="Kind of the sender"),
        sa.Column("actor_id", sa.Uuid(), comment="Id of the sender"),
        sa.Column("actor_label", sa.String(), nullable=False, comment="Name of the sender, at that time"),
        sa.Column("counts", postgresql.JSONB(), server_default="{}", nullable=False, comment="Rows by verdict"),
        sa.Column("rows_received", sa.BigInteger(), server_default="0", nullable=False, comment="Rows received"),
        sa.Column(
            "bytes_received", sa.BigInteger(), server_default="0", nullable=False, comment="Bytes received, as sent"
        ),
        sa.Column("sha256", sa.LargeBinary(), comment="Of the body as sent"),
        sa.Column("raw_key", sa.String(), comment="Stored raw body: decoded, zstd; null when it is not kept"),
        sa.Column("max_rejected", postgresql.JSONB(), comment="Limits of rejections asked for"),
        sa.Column("first_event_time", time, comment="Earliest event time among its rows"),
        sa.Column("last_event_time", time, comment="Latest event time among its rows"),
        sa.Column("lag_seconds", sa.Double(), comment="Processing time less the last event time"),
        sa.Column("seconds", sa.Double(), comment="From the first byte to the merge"),
        sa.Column("problem", postgresql.JSONB(), comment="Why it failed (RFC 9457)"),
        sa.Column("completed_at", time, comment="When it was merged, or given up"),
        sa.Column("correlation_id", sa.String(), comment="Request that brought it"),
        sa.CheckConstraint("status IN ('pending', 'completed', 'failed')", name=op.f("ck_ingestion_history_status")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["spyne.contracts.id"], name=op.f("fk_ingestion_history_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingestion_history")),
        schema="spyne",
    )
    op.create_index(
        op.f("ix_ingestion_history_contract_id_id"), "ingestion_history", ["contract_id", "id"], schema="spyne"
    )
    op.create_index("uq_ingestion_history_sequence", "ingestion_history", ["sequence"], unique=True, schema="spyne")
    op.create_table(
        "ingestion_quarantine",
        sa.Column("batch_id", sa.Uuid(), nullable=False, comment="The batch it came in"),
        sa.Column(
            "line",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="Physical line, or position of the element, from 1",
        ),
        sa.Column("code", sa.String(), nullable=False, comment="Stable reason"),
        sa.Column("column_name", sa.String(), comment="Column at fault, when it is one"),
        sa.Column("message", sa.String(), nullable=False, comment="The reason in words"),
        sa.Column("raw", sa.String(), nullable=False, comment="The row's text, cut to a bounded length"),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["spyne.ingestion_history.id"],
            name=op.f("fk_ingestion_quarantine_batch_id_ingestion_history"),
        ),
        sa.PrimaryKeyConstraint("batch_id", "line", name=op.f("pk_ingestion_quarantine")),
        schema="spyne",
    )
    grant("ingestion_history", "SELECT, INSERT, UPDATE")
    grant("ingestion_quarantine", "SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("ingestion_quarantine", schema="spyne")
    op.drop_table("ingestion_history", schema="spyne")
