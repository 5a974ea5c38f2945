"""What is unique in a table as far as its data says; all values of columns of few values."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "join_evidence",
        sa.Column(
            "row_key",
            ARRAY(sa.Text()),
            nullable=True,
            comment="Columns that together identify a row, as far as the data says; null when nothing does",
        ),
        schema="spyne",
    )
    op.add_column(
        "join_evidence",
        sa.Column(
            "unique_columns",
            ARRAY(sa.Text()),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="Single columns in which no value occurs twice",
        ),
        schema="spyne",
    )
    _few("Columns of few values, each with all of them", "Columns of few values, each with one of them")


def downgrade() -> None:
    _few("Columns of few values, each with one of them", "Columns of few values, each with all of them")
    for name in ("unique_columns", "row_key"):
        op.drop_column("join_evidence", name, schema="spyne")


def _few(comment: str, before: str) -> None:
    """Say what the column holds; what is indexed goes, and a worker indexes it anew within a minute."""
    op.alter_column("value_index", "few", comment=comment, existing_comment=before, schema="spyne")
    op.execute("DELETE FROM spyne.value_index")
