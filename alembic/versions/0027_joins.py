"""Joins: evidence of tables, answers of the data, candidates, accepted joins by version, and their usage."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
PERMISSIONS = {
    "joins:read": ("VIEWER", "ANALYST", "ENGINEER", "ADMIN"),
    "joins:suggest": ("ENGINEER", "ADMIN"),
    "joins:accept": ("ADMIN",),
}


def upgrade() -> None:
    _evidence()
    _answers()
    _candidates()
    _accepted()
    _usage()
    for permission, roles in PERMISSIONS.items():
        for role in roles:
            op.execute(f"INSERT INTO spyne.role_permissions (role, permission) VALUES ('{role}', '{permission}')")


def _evidence() -> None:
    op.create_table(
        "join_evidence",
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version"),
        sa.Column("schema_version", sa.Integer(), nullable=False, comment="Schema of the version that was looked at"),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Rows, counted"),
        sa.Column(
            "batch",
            sa.BigInteger(),
            nullable=True,
            comment="Last batch that wrote one of them; null of a relation that is not governed",
        ),
        sa.Column(
            "fingerprint",
            sa.BigInteger(),
            nullable=True,
            comment="Of all rows: by it the change that batches made is told from any other",
        ),
        sa.Column(
            "activity", sa.String(), nullable=True, comment="PostgreSQL's counters of changed rows, before the look"
        ),
        sa.Column("measured_at", TIME, nullable=False, comment="When it was looked at"),
        sa.Column(
            "usable", sa.Boolean(), nullable=False, comment="Whether there is evidence, perhaps of before the last look"
        ),
        sa.Column(
            "failure",
            sa.String(),
            nullable=True,
            comment="Why nothing could be found, the last time; null when it could",
        ),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_join_evidence_table_id_tables")),
        sa.PrimaryKeyConstraint("table_id", name=op.f("pk_join_evidence")),
        schema="spyne",
    )
    op.create_table(
        "join_evidence_columns",
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version"),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False, comment="Its place, from 0"),
        sa.Column("name", sa.String(), nullable=False, comment="The column"),
        sa.Column("type", sa.String(), nullable=False, comment="Its type as PostgreSQL spells it"),
        sa.Column("family", sa.String(), nullable=False, comment="number, text, uuid, date or instant"),
        sa.Column("nulls", sa.BigInteger(), nullable=False, comment="Rows without a value"),
        sa.Column("low", sa.Double(), nullable=True, comment="Smallest number, or moment in seconds since 1970"),
        sa.Column("high", sa.Double(), nullable=True, comment="Largest, likewise"),
        sa.Column("threshold", sa.Numeric(20, 0), nullable=False, comment="Hashes below it are kept, of 2**64"),
        sa.Column("hashes", sa.LargeBinary(), nullable=False, comment="64-bit hashes, ascending, little-endian"),
        sa.Column(
            "counts", sa.LargeBinary(), nullable=False, comment="Rows with each value, 64 bits each, little-endian"
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["spyne.join_evidence.table_id"],
            name=op.f("fk_join_evidence_columns_table_id_join_evidence"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("table_id", "position", name=op.f("pk_join_evidence_columns")),
        schema="spyne",
    )
    for table in ("join_evidence", "join_evidence_columns"):
        grant(table, "SELECT, INSERT, UPDATE, DELETE")


def _answers() -> None:
    op.create_table(
        "join_answers",
        sa.Column("question", sa.String(), nullable=False, comment="Kind, tables and columns"),
        sa.Column("left_table_id", sa.Uuid(), nullable=False, comment="Version that was asked about"),
        sa.Column("right_table_id", sa.Uuid(), nullable=False, comment="The other; or the same"),
        sa.Column(
            "answer",
            postgresql.JSONB(),
            nullable=False,
            comment="The answer: whether unique, or the measure of a join; and what the columns were like then",
        ),
        sa.Column("answered_at", TIME, nullable=False, comment="When it was looked at"),
        sa.ForeignKeyConstraint(
            ["left_table_id"], ["spyne.tables.id"], name=op.f("fk_join_answers_left_table_id_tables")
        ),
        sa.ForeignKeyConstraint(
            ["right_table_id"], ["spyne.tables.id"], name=op.f("fk_join_answers_right_table_id_tables")
        ),
        sa.PrimaryKeyConstraint("question", name=op.f("pk_join_answers")),
        schema="spyne",
    )
    grant("join_answers", "SELECT, INSERT, UPDATE, DELETE")


def _side(side: str, name: str, version: str, columns: str) -> list[sa.Column]:
    return [
        sa.Column(f"{side}_table", sa.String(), nullable=False, comment=name),
        sa.Column(f"{side}_table_id", sa.Uuid(), nullable=False, comment=version),
        sa.Column(f"{side}_columns", postgresql.JSONB(), nullable=False, comment=columns),
    ]


LEFT = ("Logical name of the side that refers", "Its columns, in order")
RIGHT = ("Logical name of the side that is referred to", "Its columns, each equal to one of the left")


def _sides(version: str) -> list[sa.Column]:
    return [*_side("left", LEFT[0], version, LEFT[1]), *_side("right", RIGHT[0], version, RIGHT[1])]


def _table_keys(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [f"{side}_table_id"], ["spyne.tables.id"], name=op.f(f"fk_{table}_{side}_table_id_tables")
        )
        for side in ("left", "right")
    ]


def _candidates() -> None:
    op.create_table(
        "join_candidates",
        sa.Column("id", sa.String(), nullable=False, comment="Readable: customers__orders__customer_id"),
        *_sides("Version that was measured"),
        sa.Column("cardinality", sa.String(), nullable=False, comment="1:1, n:1 or n:m, of left to right"),
        sa.Column("score", sa.Double(), nullable=False, comment="How good the evidence is, 0 to 1"),
        sa.Column("measure", postgresql.JSONB(), nullable=False, comment="What the join does, estimated or counted"),
        sa.Column("reasons", postgresql.JSONB(), nullable=False, comment="Why it is suggested"),
        sa.Column("warnings", postgresql.JSONB(), nullable=False, comment="What speaks against it"),
        sa.Column("measured_at", TIME, nullable=False, comment="When the older of both looks was"),
        sa.Column("status", sa.String(), server_default="suggested", nullable=False, comment="suggested or rejected"),
        sa.Column("rejected_reason", sa.String(), nullable=True, comment="Kind of reason it was rejected for"),
        sa.Column("rejected_note", sa.String(), nullable=True, comment="The reason in words"),
        sa.Column("rejected_by", sa.String(), nullable=True, comment="Label of who rejected it"),
        sa.Column("rejected_at", TIME, nullable=True, comment="When it was rejected"),
        sa.Column(
            "revision", sa.Integer(), server_default="1", nullable=False, comment="Counts changes of this row; the ETag"
        ),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False, comment="Time of creation"),
        sa.CheckConstraint("status IN ('suggested', 'rejected')", name=op.f("ck_join_candidates_status")),
        *_table_keys("join_candidates"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_join_candidates")),
        schema="spyne",
    )
    for columns in (["left_table"], ["right_table"], ["score", "id"]):
        name = op.f(f"ix_join_candidates_{'_'.join(columns)}")
        op.create_index(name, "join_candidates", columns, schema="spyne")
    grant("join_candidates", "SELECT, INSERT, UPDATE, DELETE")


def _accepted() -> None:
    op.create_table(
        "accepted_joins",
        sa.Column("join_id", sa.String(), nullable=False, comment="The candidate's readable id"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Counts acceptances of the join from 1"),
        *_sides("Version that was measured last"),
        sa.Column(
            "status", sa.String(), server_default="active", nullable=False, comment="active, superseded or deprecated"
        ),
        sa.Column("rationale", sa.String(), nullable=False, comment="Why it was accepted"),
        sa.Column("override_rationale", sa.String(), nullable=True, comment="Why it was accepted against the policy"),
        sa.Column("overridden", postgresql.JSONB(), nullable=False, comment="What the policy had against it"),
        sa.Column("accepted_by", sa.String(), nullable=False, comment="Label of who accepted it"),
        sa.Column(
            "accepted_measure", postgresql.JSONB(), nullable=False, comment="What the join did when it was accepted"
        ),
        sa.Column("measure", postgresql.JSONB(), nullable=False, comment="What the join did when it was measured last"),
        sa.Column("measured_at", TIME, nullable=False, comment="When that was"),
        sa.Column(
            "left_schema_version", sa.Integer(), nullable=True, comment="Schema of the left when it was measured last"
        ),
        sa.Column(
            "right_schema_version", sa.Integer(), nullable=True, comment="Schema of the right when it was measured last"
        ),
        sa.Column(
            "decay",
            postgresql.JSONB(),
            server_default="[]",
            nullable=False,
            comment="Why it does not hold any more as it was accepted",
        ),
        sa.Column("deprecated_at", TIME, nullable=True, comment="When it was deprecated"),
        sa.Column("deprecated_by", sa.String(), nullable=True, comment="Label of who deprecated it"),
        sa.Column("deprecated_reason", sa.String(), nullable=True, comment="Why"),
        sa.Column(
            "revision", sa.Integer(), server_default="1", nullable=False, comment="Counts changes of this row; the ETag"
        ),
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False, comment="Time of creation"),
        sa.CheckConstraint("status IN ('active', 'superseded', 'deprecated')", name=op.f("ck_accepted_joins_status")),
        *_table_keys("accepted_joins"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accepted_joins")),
        sa.UniqueConstraint("join_id", "version", name=op.f("uq_accepted_joins_join_id_version")),
        schema="spyne",
    )
    op.create_index(
        "uq_accepted_joins_active",
        "accepted_joins",
        ["join_id"],
        unique=True,
        schema="spyne",
        postgresql_where=sa.text("status = 'active'"),
    )
    for columns in (["left_table", "right_table"], ["right_table"]):
        name = op.f(f"ix_accepted_joins_{'_'.join(columns)}")
        op.create_index(name, "accepted_joins", columns, schema="spyne")
    grant("accepted_joins", "SELECT, INSERT, UPDATE")


def _usage() -> None:
    op.create_table(
        "join_usage",
        sa.Column("execution_id", sa.Uuid(), nullable=False, comment="The execution"),
        sa.Column("join_id", sa.String(), nullable=False, comment="The join"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="Its version"),
        sa.Column("used_at", TIME, nullable=False, comment="When it was used"),
        sa.PrimaryKeyConstraint("execution_id", "join_id", "version", name=op.f("pk_join_usage")),
        schema="spyne",
    )
    for columns in (["join_id", "used_at"], ["used_at"]):
        op.create_index(op.f(f"ix_join_usage_{'_'.join(columns)}"), "join_usage", columns, schema="spyne")
    grant("join_usage", "SELECT, INSERT, DELETE")
    grant("join_usage", "UPDATE (used_at)")


def downgrade() -> None:
    for permission in PERMISSIONS:
        op.execute(f"DELETE FROM spyne.role_permissions WHERE permission = '{permission}'")
    for table in (
        "join_usage",
        "accepted_joins",
        "join_candidates",
        "join_answers",
        "join_evidence_columns",
        "join_evidence",
    ):
        op.drop_table(table, schema="spyne")
