"""`system_config`: the modes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "system_config",
        sa.Column("key", sa.String(), nullable=False, comment="What is decided"),
        sa.Column("value", postgresql.JSONB(), nullable=False, comment="The decision"),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False, comment="Counts changes; the ETag"),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Time of the last change",
        ),
        sa.Column("updated_by", sa.String(), nullable=False, comment="Label of who changed it last"),
        sa.PrimaryKeyConstraint("key", name="pk_system_config"),
        schema="spyne",
    )
    grant("system_config", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_table("system_config", schema="spyne")
