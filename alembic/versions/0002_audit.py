"""`audit_log`, append-only by grants and by triggers that hold for the owner too."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import grant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column(
            "time",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When, by the database's clock",
        ),
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("((pg_current_xact_id())::text)::bigint"),
            nullable=False,
            comment="Rows of one change share it; orders them against a snapshot",
        ),
        sa.Column("actor_kind", sa.Text(), nullable=False, comment="user, api_client or system"),
        sa.Column(
            "actor_id",
            sa.Uuid(),
            nullable=True,
            comment="Id of the user or client; null for the system and unknown names",
        ),
        sa.Column("actor_label", sa.Text(), nullable=False, comment="Name at that time; outlives deletion"),
        sa.Column("action", sa.Text(), nullable=False, comment="subject:action"),
        sa.Column("verb", sa.Text(), nullable=False, comment="Kind of action across all domains"),
        sa.Column("entity_type", sa.Text(), nullable=False, comment="Kind of thing acted on"),
        sa.Column("entity_id", sa.Text(), nullable=True, comment="Id of the thing, as text"),
        sa.Column("entity_label", sa.Text(), nullable=True, comment="Name of the thing at that time"),
        sa.Column(
            "before", postgresql.JSONB(), nullable=True, comment="Changed fields before; secrets as keyed hashes"
        ),
        sa.Column("after", postgresql.JSONB(), nullable=True, comment="Changed fields after; secrets as keyed hashes"),
        sa.Column("correlation_id", sa.Text(), nullable=True, comment="Request or job that did it"),
        sa.Column("trace_id", sa.Text(), nullable=True, comment="W3C trace id, 32 hex digits"),
        sa.Column("client_address", sa.Text(), nullable=True, comment="Peer address of the request"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="success or failure"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sa.CheckConstraint("action ~ '^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$'", name="ck_audit_log_action"),
        sa.CheckConstraint(
            "verb IN ('CREATE', 'UPDATE', 'DELETE', 'APPROVE', 'REJECT', 'DOWNLOAD', 'UPLOAD', 'LOGIN', 'LOGOUT')",
            name="ck_audit_log_verb",
        ),
        sa.CheckConstraint("outcome IN ('success', 'failure')", name="ck_audit_log_outcome"),
        schema="spyne",
    )
    for columns in (("time",), ("actor_id",), ("entity_type", "entity_id"), ("correlation_id",)):
        op.create_index(f"ix_audit_log_{'_'.join(columns)}", "audit_log", list(columns), schema="spyne")
    op.execute(
        """
        CREATE FUNCTION spyne.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'audit_log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON spyne.audit_log
        FOR EACH STATEMENT EXECUTE FUNCTION spyne.refuse_audit_change()
        """
    )
    # Without ALWAYS a superuser could silence the trigger by session_replication_role = replica.
    op.execute("ALTER TABLE spyne.audit_log ENABLE ALWAYS TRIGGER append_only")
    grant("audit_log", "SELECT, INSERT")


def downgrade() -> None:
    op.drop_table("audit_log", schema="spyne")
    op.execute("DROP FUNCTION spyne.refuse_audit_change()")
