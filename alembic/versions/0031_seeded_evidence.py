"""Evidence by seeded hashes; one name for the rows of the right that a row of the left meets."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_KEYS = ("joins.max-fan-out", "joins.max-multiplication")
_CARDINALITIES = ("1:1, n:1 or n:m, of left to right", "1:1, n:1, 1:n or n:m, of left to right")


def upgrade() -> None:
    op.add_column(
        "join_evidence",
        sa.Column("seed", sa.String(), nullable=True, comment="Mark of the seed of its hashes; null of hashes without"),
        schema="spyne",
    )
    _renamed(*_KEYS)
    _said(*_CARDINALITIES)


def downgrade() -> None:
    _said(*reversed(_CARDINALITIES))
    _renamed(*reversed(_KEYS))
    op.drop_column("join_evidence", "seed", schema="spyne")


def _renamed(old: str, new: str) -> None:
    """Give the decisions about a key to the key of the new name."""
    table = sa.table("configuration_versions", sa.column("key"), schema="spyne")
    op.execute(table.update().where(table.c.key == old).values(key=new))


def _said(old: str, new: str) -> None:
    op.alter_column("join_candidates", "cardinality", comment=new, existing_comment=old, schema="spyne")
