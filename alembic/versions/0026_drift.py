"""Drift: reports, their changes, baselines of live relations; contracts that change, and documents they came from."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
POLICIES = "'freeze', 'quarantine_row', 'discard_value', 'evolve'"
SEVERITIES = "'COMPATIBLE', 'WARNING', 'BREAKING'"


def upgrade() -> None:
    _contracts()
    _documents()
    _reports()
    _changes()
    _baselines()
    op.add_column(
        "ingestion_history",
        sa.Column(
            "drift",
            postgresql.JSONB(),
            server_default="[]",
            nullable=False,
            comment="Reports of drift that its rows showed, by id",
        ),
        schema="spyne",
    )


def _contracts() -> None:
    op.drop_constraint(op.f("ck_contracts_unknown_columns"), "contracts", schema="spyne", type_="check")
    op.execute(
        "UPDATE spyne.contracts SET unknown_columns = CASE unknown_columns WHEN 'discard' THEN 'discard_value' "
        "ELSE 'freeze' END"
    )
    op.alter_column(
        "contracts",
        "unknown_columns",
        server_default="freeze",
        comment="What becomes of rows with unknown columns: a change policy",
        existing_comment="reject or discard",
        existing_nullable=False,
        schema="spyne",
    )
    op.add_column(
        "contracts",
        sa.Column(
            "type_changes",
            sa.String(),
            server_default="freeze",
            nullable=False,
            comment="What becomes of rows with values of other types: a change policy",
        ),
        schema="spyne",
    )
    for name in ("unknown_columns", "type_changes"):
        op.create_check_constraint(op.f(f"ck_contracts_{name}"), "contracts", f"{name} IN ({POLICIES})", schema="spyne")
    op.add_column(
        "contracts",
        sa.Column("description", sa.String(), comment="What the data is, in the words of whoever answers for it"),
        schema="spyne",
    )
    op.add_column(
        "contracts",
        sa.Column(
            "column_words",
            postgresql.JSONB(),
            server_default="{}",
            nullable=False,
            comment="By column: description, labels, sensitivity",
        ),
        schema="spyne",
    )
    op.drop_constraint(op.f("ck_contract_schemas_origin"), "contract_schemas", schema="spyne", type_="check")
    op.create_check_constraint(
        op.f("ck_contract_schemas_origin"),
        "contract_schemas",
        "origin IN ('declared', 'inferred', 'evolved', 'imported')",
        schema="spyne",
    )
    op.alter_column(
        "contract_schemas",
        "origin",
        comment="declared, inferred, evolved or imported",
        existing_comment="declared, or inferred from the first batch",
        existing_nullable=False,
        schema="spyne",
    )


def _documents() -> None:
    op.create_table(
        "contract_documents",
        sa.Column("contract_id", sa.String(), nullable=False, comment="The contract"),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False, comment="Time of creation"),
        sa.Column(
            "api_version", sa.String(), nullable=False, comment="Version of the standard, as the document says: v3.1.0"
        ),
        sa.Column(
            "schema_name",
            sa.String(),
            nullable=False,
            comment="Name of the entry of its schema that became the contract",
        ),
        sa.Column(
            "document",
            sa.String(),
            nullable=False,
            comment="The whole document as JSON text, in the order of its fields",
        ),
        sa.Column("imported_by", sa.String(), nullable=False, comment="Label of who imported it"),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["spyne.contracts.id"], name=op.f("fk_contract_documents_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_contract_documents")),
        schema="spyne",
    )
    grant("contract_documents", "SELECT, INSERT, UPDATE")


def _reports() -> None:
    op.create_table(
        "drift_reports",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False, comment="Time of creation"),
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version of the table"),
        sa.Column("contract_id", sa.String(), comment="Its contract; null of an adopted table"),
        sa.Column("schema_version", sa.Integer(), comment="Schema that it differs from"),
        sa.Column(
            "source", sa.String(), nullable=False, comment="batch, request, relation or import: where it was seen"
        ),
        sa.Column(
            "status",
            sa.String(),
            server_default="open",
            nullable=False,
            comment="open, accepted, rejected, new_version or undone",
        ),
        sa.Column(
            "severity", sa.String(), nullable=False, comment="The worst of its changes: COMPATIBLE, WARNING or BREAKING"
        ),
        sa.Column(
            "fingerprint",
            sa.String(),
            nullable=False,
            comment="Hash of its changes: the same difference seen again is this one",
        ),
        sa.Column("batch_id", sa.Uuid(), comment="The batch in which it was seen last"),
        sa.Column("times_seen", sa.BigInteger(), server_default="1", nullable=False, comment="How often it was seen"),
        sa.Column("rows", sa.BigInteger(), server_default="0", nullable=False, comment="Rows concerned, in all"),
        sa.Column("last_seen_at", TIME, nullable=False, comment="When it was seen last"),
        sa.Column("found_by", sa.String(), nullable=False, comment="Label of whose batch or request showed it first"),
        sa.Column("resolved_at", TIME, comment="When somebody decided, or the change was applied"),
        sa.Column("resolved_by", sa.String(), comment="Label of who decided"),
        sa.Column("note", sa.String(), comment="Why, in the words of who decided"),
        sa.Column("applied_version", sa.Integer(), comment="Schema version that the change made, if it did"),
        sa.Column("successor_contract", sa.String(), comment="Contract that was made for it: customers_v2"),
        sa.Column(
            "revision", sa.Integer(), server_default="1", nullable=False, comment="Counts changes of this row; the ETag"
        ),
        sa.CheckConstraint(
            "source IN ('batch', 'request', 'relation', 'import')", name=op.f("ck_drift_reports_source")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'accepted', 'rejected', 'new_version', 'undone')", name=op.f("ck_drift_reports_status")
        ),
        sa.CheckConstraint(f"severity IN ({SEVERITIES})", name=op.f("ck_drift_reports_severity")),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_drift_reports_table_id_tables")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["spyne.contracts.id"], name=op.f("fk_drift_reports_contract_id_contracts")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_reports")),
        schema="spyne",
    )
    op.create_index(
        "uq_drift_reports_known",
        "drift_reports",
        ["table_id", "fingerprint"],
        unique=True,
        schema="spyne",
        postgresql_where=sa.text("status IN ('open', 'rejected')"),
    )
    op.create_index(op.f("ix_drift_reports_table_id_id"), "drift_reports", ["table_id", "id"], schema="spyne")
    op.create_index(op.f("ix_drift_reports_status_id"), "drift_reports", ["status", "id"], schema="spyne")
    grant("drift_reports", "SELECT, INSERT, UPDATE, DELETE")


def _changes() -> None:
    op.create_table(
        "drift_changes",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("report_id", sa.Uuid(), nullable=False, comment="The report"),
        sa.Column(
            "position", sa.Integer(), nullable=False, comment="Its place among the changes of the report, from 0"
        ),
        sa.Column("kind", sa.String(), nullable=False, comment="ADD, REMOVE, RENAME, TYPE_CHANGE, …"),
        sa.Column("rule", sa.String(), nullable=False, comment="Rule that graded it"),
        sa.Column("path", sa.String(), nullable=False, comment="JSON pointer into the schema"),
        sa.Column("column_name", sa.String(), comment="The column, by its old name where there is one"),
        sa.Column("old", postgresql.JSONB(none_as_null=True), comment="Before"),
        sa.Column("new", postgresql.JSONB(none_as_null=True), comment="After"),
        sa.Column("severity", sa.String(), nullable=False, comment="The worse of the two"),
        sa.Column("readers", sa.String(), nullable=False, comment="For people who query"),
        sa.Column("writers", sa.String(), nullable=False, comment="For those who send rows"),
        sa.Column("suggestion", sa.String(), nullable=False, comment="The cheapest safe thing to do"),
        sa.Column("confidence", sa.Double(), comment="Of a guessed rename, 0 to 1"),
        sa.Column(
            "evidence", postgresql.JSONB(), server_default="{}", nullable=False, comment="What the verdict rests on"
        ),
        sa.Column("rows", sa.BigInteger(), comment="Rows that it was seen in"),
        sa.CheckConstraint(f"severity IN ({SEVERITIES})", name=op.f("ck_drift_changes_severity")),
        sa.CheckConstraint(f"readers IN ({SEVERITIES})", name=op.f("ck_drift_changes_readers")),
        sa.CheckConstraint(f"writers IN ({SEVERITIES})", name=op.f("ck_drift_changes_writers")),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["spyne.drift_reports.id"],
            name=op.f("fk_drift_changes_report_id_drift_reports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_changes")),
        schema="spyne",
    )
    op.create_index(
        op.f("ix_drift_changes_report_id_position"), "drift_changes", ["report_id", "position"], schema="spyne"
    )
    grant("drift_changes", "SELECT, INSERT, UPDATE, DELETE")


def _baselines() -> None:
    op.create_table(
        "drift_baselines",
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The table"),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False, comment="Time of creation"),
        sa.Column("relation_oid", sa.BigInteger(), nullable=False, comment="Its oid: another one after a restore"),
        sa.Column(
            "document",
            postgresql.JSONB(),
            nullable=False,
            comment="Columns with attnum, type, nullability, default, comment; keys",
        ),
        sa.Column("taken_at", TIME, nullable=False, comment="When it was taken"),
        sa.Column("checked_at", TIME, nullable=False, comment="When the relation was compared with it last"),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_drift_baselines_table_id_tables")),
        sa.PrimaryKeyConstraint("table_id", name=op.f("pk_drift_baselines")),
        schema="spyne",
    )
    grant("drift_baselines", "SELECT, INSERT, UPDATE")


def downgrade() -> None:
    op.drop_column("ingestion_history", "drift", schema="spyne")
    for table in ("drift_baselines", "drift_changes", "drift_reports", "contract_documents"):
        op.drop_table(table, schema="spyne")
    op.execute("UPDATE spyne.contract_schemas SET origin = 'declared' WHERE origin IN ('evolved', 'imported')")
    op.drop_constraint(op.f("ck_contract_schemas_origin"), "contract_schemas", schema="spyne", type_="check")
    op.create_check_constraint(
        op.f("ck_contract_schemas_origin"), "contract_schemas", "origin IN ('declared', 'inferred')", schema="spyne"
    )
    for name in ("unknown_columns", "type_changes"):
        op.drop_constraint(op.f(f"ck_contracts_{name}"), "contracts", schema="spyne", type_="check")
    for column in ("column_words", "description", "type_changes"):
        op.drop_column("contracts", column, schema="spyne")
    op.alter_column("contracts", "unknown_columns", server_default="reject", schema="spyne")
    op.execute(
        "UPDATE spyne.contracts SET unknown_columns = CASE WHEN unknown_columns IN ('discard_value', 'evolve') "
        "THEN 'discard' ELSE 'reject' END"
    )
    op.create_check_constraint(
        op.f("ck_contracts_unknown_columns"), "contracts", "unknown_columns IN ('reject', 'discard')", schema="spyne"
    )
