"""Seals over the audit log, append-only like it."""

import sqlalchemy as sa
from alembic import op

from app.kernel.db.grants import grant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_audit_log_transaction_id_id", "audit_log", ["transaction_id", "id"], schema="spyne")
    _seals()
    op.create_table(
        "audit_sealed_entries",
        sa.Column("seal", sa.BigInteger(), autoincrement=False, nullable=False, comment="Number of the seal"),
        sa.Column("leaf", sa.Integer(), autoincrement=False, nullable=False, comment="Place in it, from 0"),
        sa.Column("entry_id", sa.Uuid(), nullable=False, comment="Id of the row; it may be gone"),
        sa.Column(
            "leaf_hash", sa.LargeBinary(), nullable=False, comment="Hash of its canonical bytes as a leaf, RFC 9162"
        ),
        sa.PrimaryKeyConstraint("seal", "leaf", name="pk_audit_sealed_entries"),
        schema="spyne",
    )
    op.create_index(
        "ix_audit_sealed_entries_entry_id", "audit_sealed_entries", ["entry_id"], unique=True, schema="spyne"
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION spyne.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    for table in ("audit_seals", "audit_sealed_entries"):
        op.execute(
            f"""
            CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON spyne.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION spyne.refuse_audit_change()
            """
        )
        op.execute(f"ALTER TABLE spyne.{table} ENABLE ALWAYS TRIGGER append_only")
        grant(table, "SELECT, INSERT")


def _seals() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="1 for the first"),
        sa.Column("encoding", sa.SmallInteger(), nullable=False, comment="Of the rows' canonical bytes"),
        sa.Column("count", sa.Integer(), nullable=False, comment="Rows of the batch"),
        sa.Column("total", sa.BigInteger(), nullable=False, comment="Rows sealed so far, with this batch"),
        sa.Column("root", sa.LargeBinary(), nullable=False, comment="Merkle tree head of the batch, RFC 9162"),
        sa.Column("previous", sa.LargeBinary(), nullable=False, comment="Hash of the seal before"),
        sa.Column("first_entry", sa.Uuid(), nullable=True, comment="Id of the first row"),
        sa.Column("last_entry", sa.Uuid(), nullable=True, comment="Id of the last row"),
        sa.Column(
            "lineage", sa.Text(), nullable=False, comment="Server and database whose transaction numbers the rows bear"
        ),
        sa.Column("adopted", sa.Boolean(), nullable=False, comment="Rows were taken whatever their transaction"),
        sa.Column("horizon", sa.BigInteger(), nullable=False, comment="Every row of a transaction below it is sealed"),
        sa.Column("snapshot_end", sa.BigInteger(), nullable=False, comment="First transaction that had not begun"),
        sa.Column(
            "sealed_at", sa.BigInteger(), nullable=False, comment="Microseconds since 1970, by the database's clock"
        ),
        sa.Column("key", sa.Text(), nullable=False, comment="Fingerprint of the key that signed it"),
        sa.Column("signature", sa.LargeBinary(), nullable=False, comment="Ed25519"),
        sa.PrimaryKeyConstraint("number", name="pk_audit_seals"),
        schema="spyne",
    )
    op.create_index("ix_audit_seals_sealed_at", "audit_seals", ["sealed_at"], schema="spyne")


def downgrade() -> None:
    op.drop_table("audit_sealed_entries", schema="spyne")
    op.drop_table("audit_seals", schema="spyne")
    op.drop_index("ix_audit_log_transaction_id_id", "audit_log", schema="spyne")
