"""Retention: rules, holds, runs; archives of the audit log, and the one way in which archived rows may go."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import APP_ROLE, grant

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

REFUSE = """
CREATE OR REPLACE FUNCTION spyne.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {exception}
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$
"""
REMOVAL = """
    -- Only remove_archived_audit runs as the owner and says so, for its own transaction alone.
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('audit_log', 'audit_sealed_entries')
       AND current_user = (SELECT pg_get_userbyid(c.relowner) FROM pg_catalog.pg_class c WHERE c.oid = TG_RELID)
       AND current_setting('spyne.audit_removal', true) = pg_current_xact_id()::text THEN
        RETURN NULL;
    END IF;
"""


def _column(name: str, kind: Any, comment: str, *, nullable: bool = False, default: str | None = None) -> Any:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, kind, nullable=nullable, comment=comment, server_default=server_default)


def _time(name: str, comment: str, **options: Any) -> Any:
    return _column(name, sa.DateTime(timezone=True), comment, **options)


def upgrade() -> None:
    _rules()
    _holds()
    _runs()
    _tombstones()
    _archives()
    _removal()
    _targets()


def _rules() -> None:
    op.create_table(
        "retention_rules",
        _column("category", sa.Text(), "Name of the retention target"),
        _time("created_at", "Time of creation", default="now()"),
        _column("days_to_keep", sa.Integer(), "Older data goes"),
        _column("enabled", sa.Boolean(), "Whether it goes by the schedule"),
        _column("archive", sa.Boolean(), "Whether it is kept in the object storage before it goes"),
        _column("description", sa.Text(), "Why it is so", default="''"),
        _column("version", sa.Integer(), "Counts changes; the ETag", default="1"),
        _time("updated_at", "Time of the last change", default="now()"),
        _column("updated_by", sa.Text(), "Label of who changed it last"),
        sa.PrimaryKeyConstraint("category", name="pk_retention_rules"),
        sa.CheckConstraint("days_to_keep >= 1", name="ck_retention_rules_days_to_keep"),
        schema="spyne",
    )
    grant("retention_rules", "SELECT, INSERT, UPDATE")


def _holds() -> None:
    op.create_table(
        "retention_holds",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _time("created_at", "Time of creation", default="now()"),
        _column("category", sa.Text(), "Name of the retention target"),
        _column("filter", postgresql.JSONB(), "What it is about; empty: the whole category"),
        _column("reason", sa.Text(), "Why"),
        _column("made_by", sa.Text(), "Label of who made it"),
        _time("released_at", "Over from then on", nullable=True),
        _column("released_by", sa.Text(), "Label of who released it", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_retention_holds"),
        sa.CheckConstraint("(released_at IS NULL) = (released_by IS NULL)", name="ck_retention_holds_released"),
        schema="spyne",
    )
    op.create_index(
        "ix_retention_holds_open",
        "retention_holds",
        ["category"],
        postgresql_where=sa.text("released_at IS NULL"),
        schema="spyne",
    )
    grant("retention_holds", "SELECT, INSERT, UPDATE (released_at, released_by)")


def _runs() -> None:
    op.create_table(
        "retention_runs",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _time("created_at", "Time of creation", default="now()"),
        _column("category", sa.Text(), "Name of the retention target"),
        _column("dry_run", sa.Boolean(), "Whether it has only counted"),
        _column("status", sa.Text(), "queued, running, completed, failed or cancelled"),
        _time("cut_off", "What is older goes; fixed when the run is made"),
        _column("requested_by", sa.Text(), "Label of who asked for it"),
        _column("job_id", sa.Uuid(), "The job that does it", nullable=True),
        _column("cursor", sa.Text(), "Where it goes on after an interruption", nullable=True),
        _column("rows", sa.BigInteger(), "Rows that went", default="0"),
        _column("bytes", sa.BigInteger(), "Bytes that went, as they are counted", default="0"),
        _column("objects", sa.BigInteger(), "Stored objects that went", default="0"),
        _time("started_at", "When it began", nullable=True),
        _time("ended_at", "When it was over", nullable=True),
        _column("error", sa.Text(), "Why it failed", nullable=True),
        _column(
            "archives",
            postgresql.JSONB(),
            "Objects made before anything went, with their checksums",
            default="'[]'::jsonb",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_retention_runs"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name="ck_retention_runs_status"
        ),
        schema="spyne",
    )
    op.create_index(
        "uq_retention_runs_open",
        "retention_runs",
        ["category"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
        schema="spyne",
    )
    op.create_index("ix_retention_runs_category_id", "retention_runs", ["category", "id"], schema="spyne")
    grant("retention_runs", "SELECT, INSERT, UPDATE")


def _tombstones() -> None:
    op.create_table(
        "retention_tombstones",
        _column("id", sa.Uuid(), "UUIDv7", default="uuidv7()"),
        _time("created_at", "Time of creation", default="now()"),
        _column("run_id", sa.Uuid(), "The run that made it"),
        _column("object_key", sa.Text(), "Key in the object storage"),
        sa.PrimaryKeyConstraint("id", name="pk_retention_tombstones"),
        sa.ForeignKeyConstraint(
            ["run_id"], ["spyne.retention_runs.id"], name="fk_retention_tombstones_run_id_retention_runs"
        ),
        schema="spyne",
    )
    op.create_index("ix_retention_tombstones_run_id", "retention_tombstones", ["run_id"], schema="spyne")
    grant("retention_tombstones", "SELECT, INSERT, DELETE")


def _archives() -> None:
    op.create_table(
        "audit_archives",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False, comment="1 for the first"),
        _column("first_seal", sa.BigInteger(), "Number of the first seal in it"),
        _column("last_seal", sa.BigInteger(), "Number of the last seal in it"),
        _column("seal_hash", sa.LargeBinary(), "Hash of the last seal"),
        _column("rows", sa.BigInteger(), "Rows under these seals"),
        _column("object", sa.Text(), "Key in the object storage"),
        _column("size", sa.BigInteger(), "Bytes of the object"),
        _column("sha256", sa.LargeBinary(), "Of the object"),
        _column("previous", sa.LargeBinary(), "Hash of the archive before"),
        _column("archived_at", sa.BigInteger(), "Microseconds since 1970, by the service's clock"),
        _column("key", sa.Text(), "Fingerprint of the key that signed it"),
        _column("signature", sa.LargeBinary(), "Ed25519"),
        sa.PrimaryKeyConstraint("number", name="pk_audit_archives"),
        schema="spyne",
    )
    op.create_index("uq_audit_archives_last_seal", "audit_archives", ["last_seal"], unique=True, schema="spyne")
    op.execute(
        """
        CREATE FUNCTION spyne.check_audit_archive() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            before record;
            sealed bigint;
        BEGIN
            SELECT coalesce(max(a.number), 0) AS number, coalesce(max(a.last_seal), 0) AS seal
                INTO before FROM spyne.audit_archives a;
            SELECT l.total - coalesce(f.total, 0) INTO sealed FROM spyne.audit_seals l
                LEFT JOIN spyne.audit_seals f ON f.number = NEW.first_seal - 1 WHERE l.number = NEW.last_seal;
            IF NEW.number <> before.number + 1 OR NEW.first_seal <> before.seal + 1 OR NEW.last_seal < NEW.first_seal
               OR sealed IS DISTINCT FROM NEW.rows THEN
                RAISE EXCEPTION 'archive % does not follow on archive %', NEW.number, before.number
                    USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER follows BEFORE INSERT ON spyne.audit_archives
        FOR EACH ROW EXECUTE FUNCTION spyne.check_audit_archive()
        """
    )
    op.execute(
        """
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON spyne.audit_archives
        FOR EACH STATEMENT EXECUTE FUNCTION spyne.refuse_audit_change()
        """
    )
    for trigger in ("follows", "append_only"):
        op.execute(f"ALTER TABLE spyne.audit_archives ENABLE ALWAYS TRIGGER {trigger}")
    grant("audit_archives", "SELECT, INSERT")


def _removal() -> None:
    op.execute(REFUSE.format(exception=REMOVAL))
    op.execute(
        """
        CREATE FUNCTION spyne.remove_archived_audit(upto bigint) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        DECLARE
            first bigint;
            sealed bigint;
            removed bigint;
            members bigint;
        BEGIN
            SELECT min(m.seal) INTO first FROM spyne.audit_sealed_entries m;
            IF first IS NULL OR first > upto THEN
                RETURN 0;
            END IF;
            -- Archives follow on each other from the first seal on, so one that reaches so far covers all before it.
            IF NOT EXISTS (SELECT FROM spyne.audit_archives a WHERE a.last_seal >= upto) THEN
                RAISE EXCEPTION 'no archive covers seal %', upto USING ERRCODE = 'insufficient_privilege';
            END IF;
            SELECT coalesce(sum(s.count), 0) INTO sealed FROM spyne.audit_seals s
                WHERE s.number BETWEEN first AND upto;
            PERFORM set_config('spyne.audit_removal', pg_current_xact_id()::text, true);
            DELETE FROM spyne.audit_log e USING spyne.audit_sealed_entries m
                WHERE m.entry_id = e.id AND m.seal BETWEEN first AND upto;
            GET DIAGNOSTICS removed = ROW_COUNT;
            DELETE FROM spyne.audit_sealed_entries m WHERE m.seal BETWEEN first AND upto;
            GET DIAGNOSTICS members = ROW_COUNT;
            PERFORM set_config('spyne.audit_removal', '', true);
            IF removed <> sealed OR members <> sealed THEN
                RAISE EXCEPTION 'the rows up to seal % are not those which were sealed', upto
                    USING ERRCODE = 'data_corrupted';
            END IF;
            RETURN removed;
        END $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION spyne.remove_archived_audit(bigint) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION spyne.remove_archived_audit(bigint) TO {APP_ROLE}")


def _targets() -> None:
    """What removing takes; UPDATE of a column where rows are locked to be removed and never changed."""
    grant("idempotency_keys", "UPDATE (created_at)")
    grant("ingestion_quarantine", "DELETE, UPDATE (message)")
    grant("query_previews", "DELETE")
    grant("query_executions", "DELETE")


def downgrade() -> None:
    for table in ("query_executions", "query_previews", "ingestion_quarantine"):
        op.execute(f"REVOKE DELETE ON spyne.{table} FROM {APP_ROLE}")
    op.execute(f"REVOKE UPDATE (message) ON spyne.ingestion_quarantine FROM {APP_ROLE}")
    op.execute(f"REVOKE UPDATE (created_at) ON spyne.idempotency_keys FROM {APP_ROLE}")
    op.execute("DROP FUNCTION spyne.remove_archived_audit(bigint)")
    op.execute(REFUSE.format(exception=""))
    op.drop_table("audit_archives", schema="spyne")
    op.execute("DROP FUNCTION spyne.check_audit_archive()")
    for table in ("retention_tombstones", "retention_runs", "retention_holds", "retention_rules"):
        op.drop_table(table, schema="spyne")
