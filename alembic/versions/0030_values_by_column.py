"""The index of values by columns: what changed is written alone, and a term is found in every column."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from app.kernel.db.grants import grant

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

ROWS = "SELECT, INSERT, UPDATE, DELETE"


def upgrade() -> None:
    op.drop_table("value_terms", schema="spyne")
    op.execute("DELETE FROM spyne.value_index")  # a worker indexes all tables anew within a minute
    for name in ("few", "indexed"):
        op.drop_column("value_index", name, schema="spyne")
    words = sa.Column("words", ARRAY(sa.Text()), nullable=False, comment="Stems of the words of its name")
    op.add_column("value_index", words, schema="spyne")
    _comments(
        signature="Of its shape, of which columns are private, and of the rules",
        failure="Which columns could not be read, and why; null when all could",
    )
    op.create_table(
        "value_columns",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False, comment="Short: every term has one"),
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version"),
        sa.Column("column_name", sa.String(), nullable=False, comment="The column"),
        sa.Column("words", ARRAY(sa.Text()), nullable=False, comment="Stems of the words of its name"),
        sa.Column("few", ARRAY(sa.Text()), nullable=True, comment="All values, where there are few"),
        sa.Column("terms", sa.Integer(), nullable=False, comment="How many terms it has"),
        sa.Column("bytes", sa.Integer(), nullable=False, comment="UTF-8 bytes of its terms and values"),
        sa.Column(
            "digest", sa.String(), nullable=False, comment="Of its values and terms: the same, and nothing is written"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["spyne.value_index.table_id"],
            name=op.f("fk_value_columns_table_id_value_index"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value_columns")),
        sa.UniqueConstraint("table_id", "column_name", name=op.f("uq_value_columns_table_id_column_name")),
        schema="spyne",
    )
    op.create_table(
        "value_terms",
        sa.Column("column_id", sa.Integer(), nullable=False, comment="The column"),
        sa.Column(
            "place",
            sa.SmallInteger(),
            nullable=False,
            comment="Counts the values of the column that the term finds, surest first",
        ),
        sa.Column(
            "worth",
            sa.SmallInteger(),
            nullable=False,
            comment="In hundredths: 100 of the whole value, less of its stems or a word of it",
        ),
        sa.Column("term", sa.Text(), nullable=False, comment="The value, its stems or a word of it"),
        sa.Column("value", sa.Text(), nullable=False, comment="The value as it is stored"),
        sa.ForeignKeyConstraint(
            ["column_id"],
            ["spyne.value_columns.id"],
            name=op.f("fk_value_terms_column_id_value_columns"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("term", "place", "column_id", name=op.f("pk_value_terms")),
        schema="spyne",
    )
    op.create_index(op.f("ix_value_terms_column_id"), "value_terms", ["column_id"], schema="spyne")
    grant("value_columns", ROWS)
    grant("value_terms", ROWS)


def downgrade() -> None:
    for table in ("value_terms", "value_columns"):
        op.drop_table(table, schema="spyne")
    op.execute("DELETE FROM spyne.value_index")
    op.drop_column("value_index", "words", schema="spyne")
    for name, comment in (
        ("few", "Columns of few values, each with all of them"),
        ("indexed", "All columns whose values are indexed"),
    ):
        op.add_column("value_index", sa.Column(name, JSONB(), nullable=False, comment=comment), schema="spyne")
    _comments(
        signature="Of its shape, and of which columns are private",
        failure="Why nothing could be indexed; null when it could",
    )
    op.create_table(
        "value_terms",
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version"),
        sa.Column("column_name", sa.String(), nullable=False, comment="The column"),
        sa.Column("value", sa.String(), nullable=False, comment="The value as it is stored"),
        sa.Column("term", sa.String(), nullable=False, comment="The value, its stems or a word of it"),
        sa.Column(
            "worth", sa.REAL(), nullable=False, comment="1 of the whole value, less of its stems or a word of it"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["spyne.value_index.table_id"],
            name=op.f("fk_value_terms_table_id_value_index"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("table_id", "column_name", "value", "term", name=op.f("pk_value_terms")),
        schema="spyne",
    )
    op.create_index(op.f("ix_value_terms_term"), "value_terms", ["term"], schema="spyne")
    grant("value_terms", ROWS)


def _comments(**comments: str) -> None:
    for name, comment in comments.items():
        op.alter_column("value_index", name, comment=comment, schema="spyne")
