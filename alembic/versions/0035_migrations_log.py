"""The log of migrations: what was applied, reverted or stamped when, by whom, in how long, by which version."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "schema_migrations_log",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("revision", sa.Text(), nullable=False, comment="The revision; base for a stamp of an empty database"),
        sa.Column("direction", sa.Text(), nullable=False, comment="upgrade, downgrade or stamp"),
        sa.Column("applied_by", sa.Text(), nullable=False, comment="The login that did it"),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False, comment="How long it took, in milliseconds"),
        sa.Column("service_version", sa.Text(), nullable=False, comment="Version of the service whose code did it"),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was done",
        ),
        sa.CheckConstraint("direction IN ('upgrade', 'downgrade', 'stamp')", name="ck_schema_migrations_log_direction"),
        sa.CheckConstraint("duration_ms >= 0", name="ck_schema_migrations_log_duration_ms"),
        sa.PrimaryKeyConstraint("id", name="pk_schema_migrations_log"),
        schema="spyne",
        comment="Migrations that were applied, reverted or stamped, the oldest first by id",
    )
    grant("schema_migrations_log", "SELECT")


def downgrade() -> None:
    op.drop_table("schema_migrations_log", schema="spyne")
