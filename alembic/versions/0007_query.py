"""`query_previews`, `query_executions`, and the walls of the query login."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import APP_ROLE, QUERY_ROLE, grant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Functions that wait, signal, lock, write, reach files or the network, read what others do, or run a text as SQL.
DANGEROUS = (
    r"pg_sleep|pg_sleep_for|pg_sleep_until|pg_read_\w*file|pg_ls_\w+|pg_stat_file|pg_file_\w+|lo_\w+|loread|lowrite"
    r"|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile|pg_promote|pg_signal_\w+|set_config|pg_notify"
    r"|pg_(try_)?advisory_\w+|query_to_xml\w*|table_to_xml\w*|schema_to_xml\w*|database_to_xml\w*|cursor_to_xml\w*"
    r"|ts_stat|ts_rewrite|txid_\w+|pg_current_xact_id\w*|pg_current_snapshot|pg_export_snapshot|pg_logical_\w+"
    r"|pg_replication_\w+|pg_\w+_replication_slot\w*|pg_(switch|create|backup|wal)_\w+|pg_current_wal_\w+|pg_current_logfile"
    r"|inet_server_\w+|inet_client_\w+|pg_stat_get_activity|pg_stat_get_backend_\w+|pg_stat_reset\w*|pg_get_\w+_wal_\w+"
    r"|pg_log_backend_\w+|pg_restore_\w+|pg_clear_\w+|pg_import_system_collations|binary_upgrade_\w+|pg_start_\w+|pg_stop_\w+"
)
# What the runtime itself calls: locks, notifications, transaction ids, and set_config (asyncpg, to look types up).
RUNTIME = (
    r"set_config|pg_notify|pg_(try_)?advisory_\w+|pg_current_xact_id\w*|pg_current_snapshot|txid_\w+|pg_export_snapshot"
)


def upgrade() -> None:
    op.create_table(
        "query_previews",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("owner_kind", sa.String(), nullable=False, comment="user, api_client or system"),
        sa.Column(
            "owner_id", sa.Uuid(), nullable=True, comment="Id of the user or client who asked; null for the system"
        ),
        sa.Column("owner_label", sa.String(), nullable=False, comment="Name of who asked, at that time"),
        sa.Column("request", postgresql.JSONB(), nullable=False, comment="What was asked: sql and options, as sent"),
        sa.Column(
            "sql_hash", sa.String(), nullable=False, comment="SHA-256 of the regenerated SQL with physical names"
        ),
        sa.Column(
            "basis", postgresql.JSONB(), nullable=False, comment="What it is bound to: tables, roles, limits, SQL hash"
        ),
        sa.Column("answer", postgresql.JSONB(), nullable=False, comment="What was answered, without id and times"),
        sa.Column("estimated_rows", sa.Double(), nullable=False, comment="Rows, by the planner"),
        sa.Column("estimated_cost", sa.Double(), nullable=False, comment="Total cost, by the planner"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, comment="May be executed until then"),
        sa.Column(
            "used_at", sa.DateTime(timezone=True), nullable=True, comment="When it was executed; it cannot be again"
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Time of creation",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_query_previews"),
        sa.CheckConstraint("owner_kind IN ('user', 'api_client', 'system')", name="ck_query_previews_owner_kind"),
        schema="spyne",
    )
    op.create_index("ix_query_previews_owner_id_id", "query_previews", ["owner_id", "id"], schema="spyne")
    op.create_index("ix_query_previews_expires_at", "query_previews", ["expires_at"], schema="spyne")
    grant("query_previews", "SELECT, INSERT, UPDATE (used_at)")
    _executions()
    _walls()


def _executions() -> None:
    op.create_table(
        "query_executions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        sa.Column("preview_id", sa.Uuid(), nullable=False, comment="The preview; used once"),
        sa.Column("actor_kind", sa.String(), nullable=False, comment="user, api_client or system"),
        sa.Column("actor_id", sa.Uuid(), nullable=True, comment="Id of who executed it; null for the system"),
        sa.Column("actor_label", sa.String(), nullable=False, comment="Name of who executed it, at that time"),
        sa.Column("sql_hash", sa.String(), nullable=False, comment="SHA-256 of the SQL that ran"),
        sa.Column("format", sa.String(), nullable=False, comment="json, ndjson, csv, arrow or parquet"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, comment="When it was claimed"),
        sa.Column(
            "finished_at", sa.DateTime(timezone=True), nullable=True, comment="When it ended; null while it runs"
        ),
        sa.Column("seconds", sa.Double(), nullable=True, comment="Seconds from the claim to the encoded answer"),
        sa.Column("rows", sa.BigInteger(), nullable=True, comment="Rows answered"),
        sa.Column("bytes", sa.BigInteger(), nullable=True, comment="Bytes answered"),
        sa.Column("estimated_rows", sa.Double(), nullable=False, comment="Rows, by the planner, just before it ran"),
        sa.Column("truncated", sa.Boolean(), nullable=True, comment="Whether a cap cut the answer"),
        sa.Column("outcome", sa.String(), nullable=False, comment="running, succeeded, failed or cancelled"),
        sa.Column("error_code", sa.String(), nullable=True, comment="Code of the problem that was answered"),
        sa.PrimaryKeyConstraint("id", name="pk_query_executions"),
        sa.UniqueConstraint("preview_id", name="uq_query_executions_preview_id"),
        sa.ForeignKeyConstraint(
            ["preview_id"], ["spyne.query_previews.id"], name="fk_query_executions_preview_id_query_previews"
        ),
        sa.CheckConstraint(
            "outcome IN ('running', 'succeeded', 'failed', 'cancelled')", name="ck_query_executions_outcome"
        ),
        schema="spyne",
    )
    op.create_index("ix_query_executions_actor_id_id", "query_executions", ["actor_id", "id"], schema="spyne")
    grant(
        "query_executions", "SELECT, INSERT, UPDATE (finished_at, seconds, rows, bytes, truncated, outcome, error_code)"
    )


def _walls() -> None:
    """Take away from everybody what no query needs. Only a superuser can; elsewhere guard and grants stand alone."""
    op.execute(
        f"""
        DO $walls$
        DECLARE
            callee record;
            setting text;
        BEGIN
            IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                RAISE NOTICE 'the owner is no superuser: the query login keeps the functions that everybody has';
                RETURN;
            END IF;
            FOR callee IN
                SELECT p.oid::regprocedure AS signature, p.proname ~ '^({RUNTIME})$' AS needed,
                       p.proname ~ '^pg_stat_get_' AS statistics
                FROM pg_proc p
                WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^({DANGEROUS})$'
                  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
            LOOP
                EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', callee.signature);
                IF callee.statistics THEN  -- who may see the server's statistics still may
                    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_read_all_stats', callee.signature);
                END IF;
                IF callee.needed THEN
                    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {APP_ROLE}', callee.signature);
                END IF;
            END LOOP;
            -- Settings of a role are the whole server's: another database's migration may be writing the same row.
            FOREACH setting IN ARRAY ARRAY[
                'CONNECTION LIMIT 60', 'SET default_transaction_read_only = on', 'SET statement_timeout = ''120s''',
                'SET idle_in_transaction_session_timeout = ''60s''', 'SET lock_timeout = ''2s''',
                'SET temp_file_limit = ''2GB''', 'SET search_path = pg_catalog'
            ] LOOP
                FOR attempt IN 1..50 LOOP
                    BEGIN
                        EXECUTE 'ALTER ROLE {QUERY_ROLE} ' || setting;
                        EXIT;
                    EXCEPTION WHEN internal_error OR unique_violation THEN
                        PERFORM pg_sleep(0.02);
                    END;
                END LOOP;
            END LOOP;
        END $walls$
        """
    )


def downgrade() -> None:
    op.execute(
        f"""
        DO $walls$
        DECLARE callee record;
        BEGIN
            IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
                RETURN;
            END IF;
            ALTER ROLE {QUERY_ROLE} CONNECTION LIMIT -1;
            ALTER ROLE {QUERY_ROLE} RESET ALL;
            -- What the server itself keeps from the public has a row in pg_init_privs.
            FOR callee IN
                SELECT p.oid::regprocedure AS signature FROM pg_proc p
                WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^({DANGEROUS})$'
                  AND NOT EXISTS (
                    SELECT FROM pg_init_privs i WHERE i.objoid = p.oid AND i.classoid = 'pg_proc'::regclass)
            LOOP
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', callee.signature);
            END LOOP;
        END $walls$
        """
    )
    op.drop_table("query_executions", schema="spyne")
    op.drop_table("query_previews", schema="spyne")
