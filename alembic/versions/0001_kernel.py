"""Schemas, grants and the tables that every domain uses."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from app.kernel.grants import APP_ROLE, QUERY_ROLE, grant

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
        sa.Column("scope", sa.Text(), primary_key=True, comment="Caller and operation that the key belongs to"),
        sa.Column("key", sa.Text(), primary_key=True, comment="The client's Idempotency-Key"),
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


def downgrade() -> None:
    op.drop_table("idempotency_keys", schema="spyne")
    for schema in ("jobs", "staging", "data"):
        op.execute(f"DROP SCHEMA {schema} CASCADE")
