"""Questions in words: the index of values, and the glossary."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "value_index",
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version"),
        sa.Column("signature", sa.String(), nullable=False, comment="Of its shape, and of which columns are private"),
        sa.Column(
            "activity", sa.String(), nullable=True, comment="PostgreSQL's counters of changed rows, before the look"
        ),
        sa.Column("few", postgresql.JSONB(), nullable=False, comment="Columns of few values, each with one of them"),
        sa.Column("indexed", postgresql.JSONB(), nullable=False, comment="All columns whose values are indexed"),
        sa.Column("failure", sa.String(), nullable=True, comment="Why nothing could be indexed; null when it could"),
        sa.Column("built_at", sa.DateTime(timezone=True), nullable=False, comment="When it was looked at"),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_value_index_table_id_tables")),
        sa.PrimaryKeyConstraint("table_id", name=op.f("pk_value_index")),
        schema="spyne",
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
    for table in ("value_index", "value_terms"):
        grant(table, "SELECT, INSERT, UPDATE, DELETE")
    _glossary()
    for role in ("ENGINEER", "ADMIN"):
        op.execute(f"INSERT INTO spyne.role_permissions (role, permission) VALUES ('{role}', 'glossary:write')")


def _glossary() -> None:
    optional = {
        "table_name": "Logical name",
        "column_name": "Column of it",
        "value": "Value of the column, as text",
        "expression": "Other words that can be read",
        "join_id": "Accepted join",
        "note": "Why, in the words of who added it",
    }
    time = sa.DateTime(timezone=True)
    op.create_table(
        "glossary_entries",
        sa.Column("term", sa.String(), nullable=False, comment="As it was written"),
        sa.Column("plain_term", sa.String(), nullable=False, comment="As it is compared: lower case, single spaces"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Counts the meanings of the term from 1"),
        sa.Column("meaning", sa.String(), nullable=False, comment="table, column, value, expression or join"),
        *(sa.Column(name, sa.String(), nullable=True, comment=comment) for name, comment in optional.items()),
        sa.Column("created_by", sa.String(), nullable=False, comment="Label of who added it"),
        sa.Column("revoked_at", time, nullable=True, comment="When it was revoked; null while it is in force"),
        sa.Column(
            "revoked_by", sa.String(), nullable=True, comment="Label of who revoked it, or added another meaning"
        ),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("created_at", time, server_default=sa.func.now(), nullable=False, comment="Time of creation"),
        sa.CheckConstraint(
            "meaning IN ('table', 'column', 'value', 'expression', 'join')", name=op.f("ck_glossary_entries_meaning")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_glossary_entries")),
        sa.UniqueConstraint("plain_term", "version", name=op.f("uq_glossary_entries_plain_term_version")),
        schema="spyne",
    )
    op.create_index(
        "uq_glossary_entries_in_force",
        "glossary_entries",
        ["plain_term"],
        unique=True,
        schema="spyne",
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    grant("glossary_entries", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.execute("DELETE FROM spyne.role_permissions WHERE permission = 'glossary:write'")
    for table in ("glossary_entries", "value_terms", "value_index"):
        op.drop_table(table, schema="spyne")
