"""Maintenance windows, and configuration with its history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _time(name: str, comment: str, *, default: str | None = None, nullable: bool = False) -> sa.Column:
    return sa.Column(
        name,
        sa.DateTime(timezone=True),
        nullable=nullable,
        comment=comment,
        server_default=None if default is None else sa.text(default),
    )


def upgrade() -> None:
    _windows()
    _configuration()


def _windows() -> None:
    op.create_table(
        "maintenance_windows",
        sa.Column("id", sa.Uuid(), nullable=False, server_default=sa.text("uuidv7()"), comment="UUIDv7"),
        _time("created_at", "Time of creation", default="now()"),
        sa.Column("mode", sa.String(), nullable=False, comment="read_only or maintenance"),
        _time("starts_at", "In force from then on"),
        _time("ends_at", "In force until before this"),
        sa.Column("reason", sa.String(), nullable=False, comment="Shown to those who are refused"),
        sa.Column("created_by", sa.String(), nullable=False, comment="Label of who made it"),
        _time("cancelled_at", "When it was called off, maybe while it ran", nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True, comment="Label of who called it off"),
        _time("entered_at", "When its begin was put on record", nullable=True),
        _time("left_at", "When its end was put on record", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_maintenance_windows"),
        sa.CheckConstraint("mode IN ('read_only', 'maintenance')", name="ck_maintenance_windows_mode"),
        sa.CheckConstraint("starts_at < ends_at", name="ck_maintenance_windows_times"),
        postgresql.ExcludeConstraint(
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_maintenance_windows_times",
            using="gist",
            where=sa.text("cancelled_at IS NULL"),
        ),
        schema="spyne",
    )
    for name, column, where in (
        ("ends_at", "ends_at", "cancelled_at IS NULL"),
        ("open", "starts_at", "cancelled_at IS NULL AND left_at IS NULL"),
    ):
        op.create_index(
            f"ix_maintenance_windows_{name}",
            "maintenance_windows",
            [column],
            postgresql_where=sa.text(where),
            schema="spyne",
        )
    grant("maintenance_windows", "SELECT, INSERT, UPDATE")


def _configuration() -> None:
    op.create_table(
        "configuration_versions",
        sa.Column("key", sa.String(), nullable=False, comment="Name in the catalogue of keys"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Counts the decisions about the key from 1"),
        sa.Column(
            "value", postgresql.JSONB(), nullable=True, comment="As decided; null for secrets and for the default"
        ),
        sa.Column("sealed", sa.Text(), nullable=True, comment="A secret value, encrypted with the service's key"),
        sa.Column("is_default", sa.Boolean(), nullable=False, comment="Back to the default of the environment"),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why, in the words of who decided"),
        _time("decided_at", "When", default="clock_timestamp()"),
        sa.Column("decided_by", sa.String(), nullable=False, comment="Label of who decided"),
        sa.PrimaryKeyConstraint("key", "version", name="pk_configuration_versions"),
        sa.CheckConstraint(
            "num_nonnulls(value, sealed) = CASE WHEN is_default THEN 0 ELSE 1 END", name="ck_configuration_versions_one"
        ),
        schema="spyne",
    )
    grant("configuration_versions", "SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("configuration_versions", schema="spyne")
    op.drop_table("maintenance_windows", schema="spyne")
