"""Refused rows: every fault of a row, bounds of quarantine, and batches of which nothing was accepted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

STATUS = "ck_ingestion_history_status"


def upgrade() -> None:
    _batches()
    _rows()
    _totals()
    _counting()


def _batches() -> None:
    op.drop_constraint(op.f(STATUS), "ingestion_history", schema="spyne")
    op.create_check_constraint(
        op.f(STATUS), "ingestion_history", "status IN ('pending', 'completed', 'failed', 'rejected')", schema="spyne"
    )
    for column in (
        sa.Column(
            "quarantined_rows",
            sa.BigInteger(),
            server_default="0",
            nullable=False,
            comment="Refused rows of it that are in quarantine",
        ),
        sa.Column(
            "fault_counts",
            postgresql.JSONB(),
            server_default="[]",
            nullable=False,
            comment="Refused rows by code and column, the most frequent first",
        ),
        sa.Column(
            "notices",
            postgresql.JSONB(),
            server_default="[]",
            nullable=False,
            comment="What was left out of rows without refusing them",
        ),
    ):
        op.add_column("ingestion_history", column, schema="spyne")
    op.execute("COMMENT ON COLUMN spyne.ingestion_history.status IS 'pending, completed, failed or rejected'")


def _rows() -> None:
    op.add_column(
        "ingestion_quarantine",
        sa.Column("more_faults", postgresql.JSONB(), comment="Faults beside the first: code, column, message"),
        schema="spyne",
    )
    op.add_column(
        "ingestion_quarantine",
        sa.Column(
            "clipped",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="Whether the row goes on beyond raw",
        ),
        schema="spyne",
    )
    op.add_column(
        "ingestion_quarantine",
        sa.Column("resolved_at", sa.DateTime(timezone=True), comment="When somebody said that it is dealt with"),
        schema="spyne",
    )
    grant("ingestion_quarantine", "UPDATE (resolved_at)")


def _totals() -> None:
    op.create_table(
        "ingestion_quarantine_totals",
        sa.Column("contract_id", sa.String(), nullable=False, comment="The contract"),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Refused rows of its batches in quarantine"),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["spyne.contracts.id"], name=op.f("fk_ingestion_quarantine_totals_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_ingestion_quarantine_totals")),
        schema="spyne",
    )
    grant("ingestion_quarantine_totals", "SELECT, INSERT, UPDATE")
    op.execute(
        """
        UPDATE spyne.ingestion_history h SET quarantined_rows = q.rows
        FROM (SELECT batch_id, count(*) AS rows FROM spyne.ingestion_quarantine GROUP BY batch_id) q
        WHERE q.batch_id = h.id
        """
    )
    op.execute(
        """
        INSERT INTO spyne.ingestion_quarantine_totals (contract_id, rows)
        SELECT contract_id, sum(quarantined_rows) FROM spyne.ingestion_history
        WHERE quarantined_rows > 0 GROUP BY contract_id
        """
    )


def _counting() -> None:
    """Whoever removes rows, the batch and the totals know: reports say what is there, and the room is free again."""
    op.execute(
        """
        CREATE FUNCTION spyne.count_removed_from_quarantine() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            WITH removed AS (SELECT g.batch_id, count(*) AS rows FROM gone g GROUP BY g.batch_id),
            batches AS (
                UPDATE spyne.ingestion_history h SET quarantined_rows = h.quarantined_rows - r.rows
                FROM removed r WHERE h.id = r.batch_id RETURNING h.contract_id, r.rows
            )
            UPDATE spyne.ingestion_quarantine_totals t SET rows = t.rows - b.rows
            FROM (SELECT contract_id, sum(rows) AS rows FROM batches GROUP BY contract_id) b
            WHERE t.contract_id = b.contract_id;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER counted AFTER DELETE ON spyne.ingestion_quarantine
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION spyne.count_removed_from_quarantine()
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER counted ON spyne.ingestion_quarantine")
    op.execute("DROP FUNCTION spyne.count_removed_from_quarantine()")
    op.drop_table("ingestion_quarantine_totals", schema="spyne")
    for column in ("resolved_at", "clipped", "more_faults"):
        op.drop_column("ingestion_quarantine", column, schema="spyne")
    for column in ("notices", "fault_counts", "quarantined_rows"):
        op.drop_column("ingestion_history", column, schema="spyne")
    op.execute("UPDATE spyne.ingestion_history SET status = 'failed' WHERE status = 'rejected'")
    op.drop_constraint(op.f(STATUS), "ingestion_history", schema="spyne")
    op.create_check_constraint(
        op.f(STATUS), "ingestion_history", "status IN ('pending', 'completed', 'failed')", schema="spyne"
    )
    op.execute("COMMENT ON COLUMN spyne.ingestion_history.status IS 'pending, completed or failed'")
