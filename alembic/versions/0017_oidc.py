"""Log-ins at the identity provider: none is taken twice."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oidc_ended_logins",
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the state"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="The row is of no use after it"),
        sa.PrimaryKeyConstraint("digest", name="pk_oidc_ended_logins"),
        schema="spyne",
    )
    op.create_index("ix_oidc_ended_logins_expires_at", "oidc_ended_logins", ["expires_at"], schema="spyne")
    grant("oidc_ended_logins", "SELECT, INSERT, DELETE")


def downgrade() -> None:
    op.drop_table("oidc_ended_logins", schema="spyne")
