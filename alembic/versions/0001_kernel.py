"""Schemas, grants and the tables that every domain uses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import APP_ROLE, QUERY_ROLE, grant
from app.kernel.jobs import grant_statements, install_statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for schema in ("data", "staging", "jobs"):
        op.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    op.execute(f"GRANT USAGE ON SCHEMA spyne, jobs TO {APP_ROLE}")
    op.execute(f"GRANT USAGE, CREATE ON SCHEMA data, staging TO {APP_ROLE}")
    op.execute(f"GRANT USAGE ON SCHEMA data TO {QUERY_ROLE}")
    op.execute(f"GRANT SELECT ON spyne.alembic_version TO {APP_ROLE}")
    op.create_table(
        "idempotency_keys",
        sa.Column("scope", sa.String(), primary_key=True, comment="Caller and operation that the key belongs to"),
        sa.Column("key", sa.String(), primary_key=True, comment="The client's Idempotency-Key"),
        sa.Column(
            "fingerprint",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of the request; another one under the same key is refused",
        ),
        sa.Column("status", sa.SmallInteger(), nullable=False, comment="HTTP status of the stored answer"),
        sa.Column("answer", postgresql.JSONB(), nullable=False, comment="The stored answer, replayed as it was"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Time of creation",
        ),
        schema="spyne",
    )
    grant("idempotency_keys", "SELECT, INSERT, DELETE")
    _jobs()


def _jobs() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "job_runs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("name", sa.Text(), nullable=False, comment="The job definition's name"),
        sa.Column("key", sa.Text(), comment="Jobs with one key never run at the same time"),
        sa.Column("payload", postgresql.JSONB(), nullable=False, comment="The handler's input"),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False, comment="See JobState"),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False, comment="Higher first"),
        sa.Column(
            "starts",
            sa.Integer(),
            server_default="0",
            nullable=False,
            comment="Starts that count towards the definition's limit",
        ),
        sa.Column(
            "attempt", sa.Integer(), server_default="0", nullable=False, comment="Fencing number: raised by every claim"
        ),
        sa.Column("worker_id", sa.Uuid(), comment="The worker that claimed it last"),
        sa.Column("last_error", sa.Text(), comment="Why the last start ended badly, without data"),
        sa.Column(
            "progress",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="What the handler tells about its work",
        ),
        sa.Column("queued_at", time, server_default=sa.text("now()"), nullable=False, comment="When it was enqueued"),
        sa.Column("run_at", time, server_default=sa.text("now()"), nullable=False, comment="Not before this time"),
        sa.Column("started_at", time, comment="When it was claimed last"),
        sa.Column("heartbeat_at", time, comment="Last sign of life of the claim"),
        sa.Column("finished_at", time, comment="When it came to its end"),
        sa.Column("cancel_requested_at", time, comment="When somebody asked for its end"),
        sa.Column("correlation_id", sa.Text(), comment="The request which caused it"),
        sa.Column("actor", sa.Text(), nullable=False, comment="Label of the actor who caused it"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')", name=op.f("ck_job_runs_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_runs")),
        schema="spyne",
        comment="Every background job; the engine's tickets are in schema jobs",
    )
    op.create_index(
        "ix_job_runs_open",
        "job_runs",
        ["key", "name"],
        schema="spyne",
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_job_runs_state", "job_runs", ["state", "id"], schema="spyne")
    op.create_table(
        "worker_heartbeats",
        sa.Column("id", sa.Uuid(), nullable=False, comment="UUIDv7, made by the worker at its start"),
        sa.Column("label", sa.Text(), nullable=False, comment="Host and process id"),
        sa.Column(
            "started_at", time, server_default=sa.text("now()"), nullable=False, comment="When it was first seen"
        ),
        sa.Column("seen_at", time, server_default=sa.text("now()"), nullable=False, comment="When it was last seen"),
        sa.Column("running", sa.Integer(), server_default="0", nullable=False, comment="Jobs under way"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_heartbeats")),
        schema="spyne",
        comment="Worker processes and when they were seen",
    )
    grant("job_runs", "SELECT, INSERT, UPDATE, DELETE")
    grant("worker_heartbeats", "SELECT, INSERT, UPDATE, DELETE")
    for statement in (*install_statements(), *grant_statements(APP_ROLE)):
        op.execute(sa.text(statement.replace(":", r"\:")))


def downgrade() -> None:
    for table in ("worker_heartbeats", "job_runs", "idempotency_keys"):
        op.drop_table(table, schema="spyne")
    for schema in ("jobs", "staging", "data"):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
