"""Reversible ingestion: what each batch was for and how many rows it changed; runs and their parts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import APP_ROLE, grant

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
COUNT = sa.BigInteger()


def upgrade() -> None:
    _runs()
    _parts()
    _history()
    _quarantine()
    op.execute("INSERT INTO spyne.role_permissions (role, permission) VALUES ('ADMIN', 'ingestion:rewrite')")


def _runs() -> None:
    op.create_table(
        "ingestion_runs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False, comment="Time of creation"),
        sa.Column("kind", sa.String(), nullable=False, comment="rollback, replay, quarantine or backfill"),
        sa.Column("contract_id", sa.String(), nullable=False, comment="Contract under which it writes"),
        sa.Column("status", sa.String(), nullable=False, comment="PENDING, RUNNING, COMPLETED, FAILED or CANCELLED"),
        sa.Column(
            "batch_id",
            sa.Uuid(),
            comment="The batch that it is about; null when it names others. Its parts have the constraint",
        ),
        sa.Column(
            "request", postgresql.JSONB(), nullable=False, comment="What was asked for, without reason and batch_ids"
        ),
        sa.Column(
            "world", postgresql.JSONB(), nullable=False, comment="What the plan was made on: schema and last batch"
        ),
        sa.Column(
            "items",
            postgresql.JSONB(),
            server_default="[]",
            nullable=False,
            comment="Bodies that a backfill reads, in order; batches that a replay was asked for",
        ),
        sa.Column("plan_hash", sa.String(), nullable=False, comment="Hash of the plan that was applied"),
        sa.Column("reason", sa.String(), nullable=False, comment="Why, in the words of who started it"),
        sa.Column("job_id", sa.Uuid(), comment="The job that does it"),
        sa.Column("parts_done", sa.Integer(), server_default="0", nullable=False, comment="Parts that are committed"),
        sa.Column("parts_total", sa.Integer(), comment="Parts in all; null while that is not known"),
        sa.Column("rows_done", COUNT, server_default="0", nullable=False, comment="Rows that were read"),
        sa.Column("rows_total", COUNT, comment="Rows in all, as the plan counted them"),
        sa.Column(
            "counts", postgresql.JSONB(), server_default="{}", nullable=False, comment="Rows by verdict, all parts"
        ),
        sa.Column("deleted", COUNT, server_default="0", nullable=False, comment="Stored rows that went"),
        sa.Column(
            "position", postgresql.JSONB(), comment="Where the next part begins in what is read; null at the beginning"
        ),
        sa.Column("actor_kind", sa.String(), nullable=False, comment="Kind of who started it"),
        sa.Column("actor_id", sa.Uuid(), comment="Id of who started it"),
        sa.Column("actor_label", sa.String(), nullable=False, comment="Name of who started it, at that time"),
        sa.Column("started_at", TIME, comment="When its first part began"),
        sa.Column("ended_at", TIME, comment="When it was over"),
        sa.Column("problem", postgresql.JSONB(), comment="Why it failed (RFC 9457)"),
        sa.Column("correlation_id", sa.String(), comment="Request that started it"),
        sa.CheckConstraint(
            "kind IN ('rollback', 'replay', 'quarantine', 'backfill')", name=op.f("ck_ingestion_runs_kind")
        ),
        sa.CheckConstraint(
            "status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED')",
            name=op.f("ck_ingestion_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["spyne.contracts.id"], name=op.f("fk_ingestion_runs_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingestion_runs")),
        schema="spyne",
    )
    op.create_index(op.f("ix_ingestion_runs_contract_id_id"), "ingestion_runs", ["contract_id", "id"], schema="spyne")
    op.create_index(op.f("ix_ingestion_runs_plan_hash"), "ingestion_runs", ["plan_hash"], schema="spyne")
    grant("ingestion_runs", "SELECT, INSERT, UPDATE")


def _parts() -> None:
    op.create_table(
        "ingestion_run_parts",
        sa.Column("run_id", sa.Uuid(), nullable=False, comment="The run"),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False, comment="Order, from 1"),
        sa.Column("action", sa.String(), nullable=False, comment="rollback, replay or quarantine"),
        sa.Column("batch_id", sa.Uuid(), nullable=False, comment="The batch it is about"),
        sa.CheckConstraint(
            "action IN ('rollback', 'replay', 'quarantine')", name=op.f("ck_ingestion_run_parts_action")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["spyne.ingestion_runs.id"], name=op.f("fk_ingestion_run_parts_run_id_ingestion_runs")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["spyne.ingestion_history.id"], name=op.f("fk_ingestion_run_parts_batch_id_ingestion_history")
        ),
        sa.PrimaryKeyConstraint("run_id", "part", name=op.f("pk_ingestion_run_parts")),
        schema="spyne",
    )
    grant("ingestion_run_parts", "SELECT, INSERT")


def _history() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("ingestion_merge_order", schema="spyne")))
    op.execute(f"GRANT USAGE ON SEQUENCE spyne.ingestion_merge_order TO {APP_ROLE}")
    for column in (
        sa.Column(
            "merge_order", COUNT, comment="Order in which batches became part of their table; null while it has not"
        ),
        sa.Column(
            "kind",
            sa.String(),
            server_default="batch",
            nullable=False,
            comment="batch, replay, backfill, quarantine, rollback or pull",
        ),
        sa.Column(
            "source_batch_id",
            sa.Uuid(),
            comment="Batch whose body, or refused rows, it took again; of a rollback the batch that was taken back",
        ),
        sa.Column("run_id", sa.Uuid(), comment="The run that made it"),
        sa.Column("part", sa.Integer(), comment="Which part of the run it is, from 1"),
        sa.Column(
            "deleted",
            COUNT,
            server_default="0",
            nullable=False,
            comment="Stored rows that went: absent, absorbed, or taken back",
        ),
        sa.Column("images", COUNT, comment="Before-images written; null of batches that are older than the count"),
        sa.Column("rolled_back_by", sa.Uuid(), comment="The rollback that took it back, while that stands"),
    ):
        op.add_column("ingestion_history", column, schema="spyne")
    op.alter_column(
        "ingestion_history",
        "media_type",
        nullable=True,
        comment="Media type of the body; null when there was none",
        existing_comment="Media type of the body",
        schema="spyne",
    )
    op.execute("UPDATE spyne.ingestion_history SET merge_order = sequence WHERE status = 'completed'")
    op.execute(
        "SELECT setval('spyne.ingestion_merge_order', coalesce(max(sequence), 0) + 1) FROM spyne.ingestion_history"
    )
    op.create_check_constraint(
        op.f("ck_ingestion_history_kind"),
        "ingestion_history",
        "kind IN ('batch', 'replay', 'backfill', 'quarantine', 'rollback', 'pull')",
        schema="spyne",
    )
    op.create_unique_constraint(
        op.f("uq_ingestion_history_run_id_part"), "ingestion_history", ["run_id", "part"], schema="spyne"
    )
    op.create_index(
        op.f("ix_ingestion_history_source_batch_id"), "ingestion_history", ["source_batch_id"], schema="spyne"
    )
    for column_name, table in (
        ("source_batch_id", "ingestion_history"),
        ("rolled_back_by", "ingestion_history"),
        ("run_id", "ingestion_runs"),
    ):
        op.create_foreign_key(
            op.f(f"fk_ingestion_history_{column_name}_{table}"),
            "ingestion_history",
            table,
            [column_name],
            ["id"],
            source_schema="spyne",
            referent_schema="spyne",
        )


def _quarantine() -> None:
    op.add_column(
        "ingestion_quarantine",
        sa.Column("resolved_by", sa.Uuid(), comment="The batch as which it was taken again, and accepted"),
        schema="spyne",
    )
    op.create_foreign_key(
        op.f("fk_ingestion_quarantine_resolved_by_ingestion_history"),
        "ingestion_quarantine",
        "ingestion_history",
        ["resolved_by"],
        ["id"],
        source_schema="spyne",
        referent_schema="spyne",
    )
    grant("ingestion_quarantine", "UPDATE (resolved_by, code, column_name, message, more_faults, raw, clipped)")


def downgrade() -> None:
    op.execute("DELETE FROM spyne.role_permissions WHERE permission = 'ingestion:rewrite'")
    op.drop_column("ingestion_quarantine", "resolved_by", schema="spyne")
    for name in ("kind", "source_batch_id", "run_id", "part", "deleted", "images", "rolled_back_by", "merge_order"):
        op.drop_column("ingestion_history", name, schema="spyne")
    op.execute(sa.schema.DropSequence(sa.Sequence("ingestion_merge_order", schema="spyne")))
    op.execute("UPDATE spyne.ingestion_history SET media_type = '' WHERE media_type IS NULL")
    op.alter_column(
        "ingestion_history",
        "media_type",
        nullable=False,
        comment="Media type of the body",
        existing_comment="Media type of the body; null when there was none",
        schema="spyne",
    )
    op.drop_table("ingestion_run_parts", schema="spyne")
    op.drop_table("ingestion_runs", schema="spyne")
