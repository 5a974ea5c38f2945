"""Installation: the fingerprint of the service secret that the data belongs to."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column(
            "single", sa.Boolean(), server_default=sa.text("true"), nullable=False, comment="True: there is one row"
        ),
        sa.Column(
            "secret_fingerprint",
            sa.Text(),
            nullable=False,
            comment="By which the service secret is known, in hexadecimal",
        ),
        sa.Column(
            "secret_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Since when this is the secret",
        ),
        sa.CheckConstraint("single", name="ck_installation_one_row"),
        sa.PrimaryKeyConstraint("single", name="pk_installation"),
        schema="spyne",
        comment="The installation: one row",
    )
    grant("installation", "SELECT")


def downgrade() -> None:
    op.drop_table("installation", schema="spyne")
