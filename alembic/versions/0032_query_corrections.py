"""Corrections of questions; terms that are whole questions, answered by a statement."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_KINDS = "meaning IN ('table', 'column', 'value', 'expression', 'join')"
_ALL = "meaning IN ('table', 'column', 'value', 'expression', 'join', 'statement')"
_BEFORE = "table, column, value, expression or join"
_MEANING = "table, column, value, expression, join or statement"


def upgrade() -> None:
    _meanings(_ALL, _MEANING, _BEFORE)
    _note("Why, in the words of who gave the meaning", "Why, in the words of who added it")
    sql = sa.Column("sql", sa.String(), nullable=True, comment="Statement that answers the term, which is a question")
    op.add_column("glossary_entries", sql, schema="spyne")
    _corrections()
    for role in ("ANALYST", "ENGINEER", "ADMIN"):
        op.execute(f"INSERT INTO spyne.role_permissions (role, permission) VALUES ('{role}', 'query:correct')")


def downgrade() -> None:
    op.execute("DELETE FROM spyne.role_permissions WHERE permission = 'query:correct'")
    op.drop_table("query_corrections", schema="spyne")
    op.execute("DELETE FROM spyne.glossary_entries WHERE meaning = 'statement'")
    op.drop_column("glossary_entries", "sql", schema="spyne")
    _note("Why, in the words of who added it", "Why, in the words of who gave the meaning")
    _meanings(_KINDS, _BEFORE, _MEANING)


def _meanings(condition: str, comment: str, before: str) -> None:
    name = op.f("ck_glossary_entries_meaning")
    op.drop_constraint(name, "glossary_entries", schema="spyne", type_="check")
    op.create_check_constraint(name, "glossary_entries", condition, schema="spyne")
    op.alter_column("glossary_entries", "meaning", comment=comment, existing_comment=before, schema="spyne")


def _note(comment: str, before: str) -> None:
    op.alter_column("glossary_entries", "note", comment=comment, existing_comment=before, schema="spyne")


def _corrections() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "query_corrections",
        sa.Column("said", sa.String(), comment="Sentence that it was made of; null of one that names its parts"),
        sa.Column("question", sa.String(), nullable=False, comment="The question that was asked"),
        sa.Column("preview_id", sa.Uuid(), comment="The preview that was corrected"),
        sa.Column("sql_before", sa.String(), comment="Statement that was corrected; null: it was refused"),
        _text("sql_after", "Statement as it is with the correction, logical names"),
        _text("author_kind", "user, api_client or system"),
        sa.Column("author_id", sa.Uuid(), comment="Id of the author; null for the system"),
        _text("author_label", "Name of the author, at that time"),
        _text("state", "proposed, accepted, rejected or revoked"),
        sa.Column("decided_at", time, comment="When that was decided; null of a proposal"),
        sa.Column("decided_by", sa.String(), comment="Label of who decided"),
        sa.Column("reason", sa.String(), comment="Why, in the words of who decided"),
        sa.Column("entry_id", sa.Uuid(), comment="Term of the glossary that it became"),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("created_at", time, server_default=sa.func.now(), nullable=False, comment="Time of creation"),
        _text("term", "As it was written"),
        _text("plain_term", "As it is compared: lower case, single spaces"),
        _text("meaning", _MEANING),
        sa.Column("table_name", sa.String(), comment="Logical name"),
        sa.Column("column_name", sa.String(), comment="Column of it"),
        sa.Column("value", sa.String(), comment="Value of the column, as text"),
        sa.Column("expression", sa.String(), comment="Other words that can be read"),
        sa.Column("join_id", sa.String(), comment="Accepted join"),
        sa.Column("sql", sa.String(), comment="Statement that answers the term, which is a question"),
        sa.Column("note", sa.String(), comment="Why, in the words of who gave the meaning"),
        sa.CheckConstraint(_ALL, name=op.f("ck_query_corrections_meaning")),
        sa.CheckConstraint(
            "author_kind IN ('user', 'api_client', 'system')", name=op.f("ck_query_corrections_author_kind")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'accepted', 'rejected', 'revoked')", name=op.f("ck_query_corrections_state")
        ),
        sa.ForeignKeyConstraint(
            ["preview_id"],
            ["spyne.query_previews.id"],
            name=op.f("fk_query_corrections_preview_id_query_previews"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["spyne.glossary_entries.id"], name=op.f("fk_query_corrections_entry_id_glossary_entries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_corrections")),
        schema="spyne",
    )
    for columns in (["author_id", "id"], ["preview_id"]):
        name = op.f(f"ix_query_corrections_{'_'.join(columns)}")
        op.create_index(name, "query_corrections", columns, schema="spyne")
    op.create_index(
        "uq_query_corrections_proposed",
        "query_corrections",
        ["author_kind", "author_id", "plain_term"],
        unique=True,
        schema="spyne",
        postgresql_where=sa.text("state = 'proposed'"),
    )
    grant("query_corrections", "SELECT, INSERT, UPDATE, DELETE")


def _text(name: str, comment: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False, comment=comment)
