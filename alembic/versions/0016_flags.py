"""Feature flags, and who may evaluate them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feature_flags",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        _time("created_at", "Time of creation", server_default=sa.text("now()"), nullable=False),
        sa.Column("key", sa.String(128), nullable=False, comment="What code asks for; never used twice"),
        _text("type", "boolean, string, number or object: what every value is"),
        sa.Column("variants", postgresql.JSONB(), nullable=False, comment="Values by variant"),
        _text("default_variant", "When no rule chooses"),
        _text("off_variant", "While the flag is off"),
        sa.Column(
            "enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Whether the rules count"
        ),
        sa.Column(
            "rules",
            postgresql.JSONB(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="In order: name, when, variant or split with its slots of 10,000 buckets",
        ),
        _text("description", "What it decides", server_default=""),
        _text("owner", "Who answers for it", server_default=""),
        _time("expires_at", "When it should be gone; a hint that changes nothing"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="Counts changes; the ETag"),
        _text("created_by", "Label of who made it"),
        _time("updated_at", "Time of the last change", server_default=sa.text("now()"), nullable=False),
        _text("updated_by", "Label of who changed it last"),
        _time("archived_at", "Unknown to evaluations from then on"),
        sa.PrimaryKeyConstraint("id", name="pk_feature_flags"),
        sa.CheckConstraint("type IN ('boolean', 'string', 'number', 'object')", name="ck_feature_flags_type"),
        schema="spyne",
    )
    op.create_index("uq_feature_flags_key", "feature_flags", ["key"], unique=True, schema="spyne")
    grant("feature_flags", "SELECT, INSERT, UPDATE")
    op.execute(
        "INSERT INTO spyne.role_permissions (role, permission) SELECT name, 'flags:evaluate' FROM spyne.roles "
        "WHERE name IN ('VIEWER', 'ANALYST', 'ENGINEER', 'ADMIN', 'REQUESTOR', 'APPROVER', 'KNOWLEDGE_MANAGER')"
    )


def _text(name: str, comment: str, **options: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, comment=comment, **options)


def _time(name: str, comment: str, **options: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), comment=comment, **options)


def downgrade() -> None:
    op.execute("DELETE FROM spyne.role_permissions WHERE permission = 'flags:evaluate'")
    op.drop_table("feature_flags", schema="spyne")
