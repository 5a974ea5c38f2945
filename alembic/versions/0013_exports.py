"""Export jobs, and who may ask for them."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import APP_ROLE, grant

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _column(name: str, kind: Any, comment: str, *, nullable: bool = False, default: str | None = None) -> Any:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, kind, nullable=nullable, comment=comment, server_default=server_default)


def _text(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.Text(), comment, **options)


def _time(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.DateTime(timezone=True), comment, **options)


def upgrade() -> None:
    op.create_table(
        "export_jobs",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _time("created_at", "Time of creation", default="now()"),
        _text("job_type", "Name of the source"),
        _column("filter_params", postgresql.JSONB(), "What was asked for"),
        _column("subject", postgresql.JSONB(), "What that meant when it was asked for"),
        _text("format", "csv, ndjson, parquet or tar"),
        _text("compression", "none, gzip or zstd", default="'none'"),
        _text("status", "See Status", default="'pending'"),
        _text("maker", "service, or outside: another worker", default="'service'"),
        _text("object_key", "Of the stored object; null before and after it", nullable=True),
        _text("error_code", "Why it failed, for programs", nullable=True),
        _text("error_message", "Why it failed, in words", nullable=True),
        _text("requested_by_kind", "user, api_client or system"),
        _column("requested_by_id", sa.Uuid(), "Id of who asked; null for the system", nullable=True),
        _text("requested_by", "Name of who asked, at that time"),
        _time("started_at", "When it was begun, the last time", nullable=True),
        _time("completed_at", "When it came to its end", nullable=True),
        _time("expires_at", "From then on its object may be removed", nullable=True),
        _column("rows", sa.BigInteger(), "Rows written so far", default="0"),
        _column("bytes", sa.BigInteger(), "Bytes of the object so far", default="0"),
        _column("estimated_rows", sa.BigInteger(), "Rows to come, by the planner", nullable=True),
        _text("checksum", "SHA-256 of the object in hexadecimal", nullable=True),
        _column("version", sa.Integer(), "Counts changes of the status; the ETag", default="1"),
        _column("run_id", sa.Uuid(), "The job that makes it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_export_jobs"),
        sa.CheckConstraint(
            "status IN ('pending', 'running', 'completed', 'failed', 'cancelled', 'expired')",
            name="ck_export_jobs_status",
        ),
        sa.CheckConstraint("maker IN ('service', 'outside')", name="ck_export_jobs_maker"),
        sa.CheckConstraint(
            "status <> 'completed' OR (object_key IS NOT NULL AND checksum IS NOT NULL)",
            name="ck_export_jobs_completed",
        ),
        schema="spyne",
    )
    op.create_index("ix_export_jobs_requested_by_id", "export_jobs", ["requested_by_id", "id"], schema="spyne")
    for name, columns, condition in (
        ("open", ["status", "id"], "status IN ('pending', 'running')"),
        ("expires_at", ["expires_at"], "object_key IS NOT NULL"),
    ):
        op.create_index(
            f"ix_export_jobs_{name}", "export_jobs", columns, schema="spyne", postgresql_where=sa.text(condition)
        )
    grant("export_jobs", "SELECT, INSERT, UPDATE, DELETE")
    # A snapshot holds where the sequences stand, those of later migrations too.
    op.execute(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA spyne TO {APP_ROLE}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA spyne GRANT SELECT ON SEQUENCES TO {APP_ROLE}")
    for role in ("ANALYST", "ENGINEER", "ADMIN"):
        op.execute(f"INSERT INTO spyne.role_permissions (role, permission) VALUES ('{role}', 'exports:run')")


def downgrade() -> None:
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA spyne REVOKE SELECT ON SEQUENCES FROM {APP_ROLE}")
    op.execute(f"REVOKE SELECT ON ALL SEQUENCES IN SCHEMA spyne FROM {APP_ROLE}")
    op.execute("DELETE FROM spyne.role_permissions WHERE permission = 'exports:run'")
    op.drop_table("export_jobs", schema="spyne")
