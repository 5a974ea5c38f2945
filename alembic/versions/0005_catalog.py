"""Tables, contracts, and `spyne.publish`, which lets the query login read what is published and nothing else."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.kernel.db.grants import APP_ROLE, QUERY_ROLE, grant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# The runtime login does not own the relations that it adopts, so it cannot grant on them: the owner's function does,
# for relations registered in spyne.tables alone, never in a system or control schema, and never a hidden column.
PUBLISH = f"""
CREATE FUNCTION spyne.publish(relation regclass, columns text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $publish$
DECLARE
  in_schema name;
  named name;
  listed text;
  reader name;
BEGIN
  SELECT n.nspname, c.relname INTO in_schema, named
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
  IF in_schema IS NULL OR in_schema ~ '^pg_' OR in_schema IN ('information_schema', 'spyne', 'jobs', 'staging')
     OR NOT EXISTS (SELECT FROM spyne.tables AS t
                     WHERE t.relation_schema = in_schema AND t.relation_name = named AND t.state <> 'SHADOW') THEN
    RAISE EXCEPTION 'only published tables can be granted' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF coalesce(cardinality(columns), 0) = 0 OR EXISTS (
       SELECT FROM unnest(columns) AS wanted(name)
        WHERE starts_with(wanted.name, '_spyne_') OR NOT EXISTS (
          SELECT FROM pg_catalog.pg_attribute AS a
           WHERE a.attrelid = relation AND a.attname = wanted.name AND a.attnum > 0 AND NOT a.attisdropped)) THEN
    RAISE EXCEPTION 'not the visible columns of the relation' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  -- Two grants on one schema at once would fail with "tuple concurrently updated".
  PERFORM pg_advisory_xact_lock(hashtextextended('spyne.publish', 0));
  SELECT string_agg(format('%I', wanted.name), ', ') INTO listed FROM unnest(columns) AS wanted(name);
  FOREACH reader IN ARRAY ARRAY['{QUERY_ROLE}', '{APP_ROLE}']::name[] LOOP
    IF NOT has_schema_privilege(reader, in_schema, 'USAGE') THEN
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', in_schema, reader);
    END IF;
    IF EXISTS (SELECT FROM unnest(columns) AS wanted(name)
                WHERE NOT has_column_privilege(reader, relation::oid, wanted.name, 'SELECT')) THEN
      EXECUTE format('GRANT SELECT (%s) ON %I.%I TO %I', listed, in_schema, named, reader);
    END IF;
    -- Without the right to grant, GRANT may only warn: what counts is what the reader may do now.
    IF NOT has_schema_privilege(reader, in_schema, 'USAGE') OR EXISTS (
         SELECT FROM unnest(columns) AS wanted(name)
          WHERE NOT has_column_privilege(reader, relation::oid, wanted.name, 'SELECT')) THEN
      RAISE EXCEPTION 'the owner of the service may not grant on %.%', in_schema, named
        USING ERRCODE = 'insufficient_privilege';
    END IF;
  END LOOP;
END
$publish$
"""


def _identified() -> list[sa.Column[object]]:
    return [
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False, comment="UUIDv7"),
        _created(),
    ]


def _created() -> sa.Column[object]:
    return sa.Column(
        "created_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("now()"),
        nullable=False,
        comment="Time of creation",
    )


def upgrade() -> None:
    _tables()
    _table_versions()
    _table_state_history()
    _contracts()
    _contract_schemas()
    op.execute(PUBLISH)
    op.execute("REVOKE ALL ON FUNCTION spyne.publish(regclass, text[]) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION spyne.publish(regclass, text[]) TO {APP_ROLE}")


def _tables() -> None:
    op.create_table(
        "tables",
        *_identified(),
        sa.Column("name", sa.String(), nullable=False, comment="Logical name, shared by all versions"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Counts the versions of the name from 1"),
        sa.Column("state", sa.String(), nullable=False, comment="SHADOW, READ_ONLY, ACTIVE or DEPRECATED"),
        sa.Column("origin", sa.String(), nullable=False, comment="contract or adopted"),
        sa.Column("owner_id", sa.Uuid(), nullable=True, comment="Id of the user or client who owns it"),
        sa.Column("owner_label", sa.String(), nullable=False, comment="Name of the owner when it was made"),
        sa.Column("relation_schema", sa.String(), nullable=False, comment="Schema of the physical relation"),
        sa.Column("relation_name", sa.String(), nullable=False, comment="Name of the physical relation"),
        sa.Column(
            "contract_id",
            sa.String(),
            nullable=True,
            comment="Id of its contract; contracts.table_id is the constraint",
        ),
        sa.Column(
            "schema_version",
            sa.Integer(),
            nullable=True,
            comment="Shape in force; null until a first batch has said what it looks like",
        ),
        sa.Column("supersedes_id", sa.Uuid(), nullable=True, comment="Version that this one took the name from"),
        sa.Column("successor", sa.String(), nullable=True, comment="What to use instead, as name or name@version"),
        sa.Column(
            "state_changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="Time of the last transition",
        ),
        sa.Column("deprecated_at", sa.DateTime(timezone=True), nullable=True, comment="Since when it is deprecated"),
        sa.Column("sunset", sa.DateTime(timezone=True), nullable=True, comment="When it is announced to go away"),
        sa.Column(
            "revision", sa.Integer(), server_default="1", nullable=False, comment="Counts changes of this row; the ETag"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tables")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_tables_name_version")),
        sa.UniqueConstraint("relation_schema", "relation_name", name=op.f("uq_tables_relation_schema_relation_name")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["spyne.tables.id"], name=op.f("fk_tables_supersedes_id_tables")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_tables_version")),
        sa.CheckConstraint("state IN ('SHADOW', 'READ_ONLY', 'ACTIVE', 'DEPRECATED')", name=op.f("ck_tables_state")),
        sa.CheckConstraint(
            "(state = 'DEPRECATED') = (deprecated_at IS NOT NULL)", name=op.f("ck_tables_deprecated_at")
        ),
        sa.CheckConstraint("origin IN ('contract', 'adopted')", name=op.f("ck_tables_origin")),
        schema="spyne",
    )
    op.create_index(
        "uq_tables_current",
        "tables",
        ["name"],
        unique=True,
        schema="spyne",
        postgresql_where=sa.text("state IN ('ACTIVE', 'READ_ONLY')"),
    )
    grant("tables", "SELECT, INSERT, UPDATE")


def _table_versions() -> None:
    op.create_table(
        "table_versions",
        *_identified(),
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The table"),
        sa.Column("schema_version", sa.Integer(), nullable=False, comment="Counts its shapes from 1"),
        sa.Column("columns", postgresql.JSONB(), nullable=False, comment="Visible columns: name, type, nullable"),
        sa.Column("row_count", sa.BigInteger(), nullable=True, comment="Rows when last measured"),
        sa.Column("row_count_exact", sa.Boolean(), nullable=True, comment="Counted, or the planner's estimate"),
        sa.Column(
            "checksum",
            sa.String(),
            nullable=True,
            comment="Of the visible rows when last measured, whatever their order",
        ),
        sa.Column(
            "measured_at", sa.DateTime(timezone=True), nullable=True, comment="When rows and checksum were measured"
        ),
        sa.Column("created_by", sa.String(), nullable=False, comment="Label of who made this shape"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_versions")),
        sa.UniqueConstraint("table_id", "schema_version", name=op.f("uq_table_versions_table_id_schema_version")),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_table_versions_table_id_tables")),
        schema="spyne",
    )
    grant("table_versions", "SELECT, INSERT, UPDATE")


def _table_state_history() -> None:
    op.create_table(
        "table_state_history",
        *_identified(),
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The table"),
        sa.Column("from_state", sa.String(), nullable=True, comment="State before; null when it was made"),
        sa.Column("to_state", sa.String(), nullable=False, comment="State after"),
        sa.Column("actor_id", sa.Uuid(), nullable=True, comment="Id of who changed it"),
        sa.Column("actor_label", sa.String(), nullable=False, comment="Name of who changed it, at that time"),
        sa.Column("reason", sa.String(), nullable=True, comment="Why, in the words of who changed it"),
        sa.Column("plan_hash", sa.String(), nullable=True, comment="SHA-256 of the plan, as a dry run answers it"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_state_history")),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_table_state_history_table_id_tables")),
        schema="spyne",
    )
    op.create_index(
        "ix_table_state_history_table_id_id", "table_state_history", ["table_id", "id"], unique=False, schema="spyne"
    )
    grant("table_state_history", "SELECT, INSERT")


def _contracts() -> None:
    op.create_table(
        "contracts",
        sa.Column("id", sa.String(), nullable=False, comment="<table>_v<version>"),
        _created(),
        sa.Column("table_id", sa.Uuid(), nullable=False, comment="The version of the table"),
        sa.Column("table_name", sa.String(), nullable=False, comment="Logical name of the table"),
        sa.Column("version", sa.Integer(), nullable=False, comment="Version of the table"),
        sa.Column(
            "endpoint", sa.String(), nullable=False, comment="Path that the data is known under; one per logical table"
        ),
        sa.Column("mode", sa.String(), nullable=False, comment="append, upsert or replace"),
        sa.Column("idempotency_key", postgresql.JSONB(), nullable=False, comment="Columns of the key, in order"),
        sa.Column("event_time_column", sa.String(), nullable=False, comment="When it happened"),
        sa.Column("processing_time_column", sa.String(), nullable=False, comment="When it came in; set by Spyne"),
        sa.Column("dedupe_window", sa.String(), nullable=False, comment="As it was written: 24h or PT24H"),
        sa.Column("dedupe_window_seconds", sa.BigInteger(), nullable=False, comment="The same in seconds"),
        sa.Column(
            "conflict_resolution", sa.String(), nullable=False, comment="Who wins when a key comes with other content"
        ),
        sa.Column("unknown_columns", sa.String(), server_default="reject", nullable=False, comment="reject or discard"),
        sa.Column("max_rejected_rows", sa.BigInteger(), nullable=True, comment="A batch with more fails as a whole"),
        sa.Column("max_rejected_share", sa.Double(), nullable=True, comment="A batch with a larger share fails"),
        sa.Column("owner_id", sa.Uuid(), nullable=True, comment="Id of who registered it"),
        sa.Column("owner_label", sa.String(), nullable=False, comment="Name of who registered it, at that time"),
        sa.Column("schema_version", sa.Integer(), nullable=True, comment="Schema in force; null until the first batch"),
        sa.Column(
            "revision", sa.Integer(), server_default="1", nullable=False, comment="Counts changes of this row; the ETag"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
        sa.UniqueConstraint("table_id", name=op.f("uq_contracts_table_id")),
        sa.UniqueConstraint("table_name", "version", name=op.f("uq_contracts_table_name_version")),
        sa.ForeignKeyConstraint(["table_id"], ["spyne.tables.id"], name=op.f("fk_contracts_table_id_tables")),
        sa.CheckConstraint("mode IN ('append', 'upsert', 'replace')", name=op.f("ck_contracts_mode")),
        sa.CheckConstraint(
            "conflict_resolution IN ('latest_wins', 'earliest_wins', 'first_write_wins', 'last_write_wins', 'reject')",
            name=op.f("ck_contracts_conflict_resolution"),
        ),
        sa.CheckConstraint("unknown_columns IN ('reject', 'discard')", name=op.f("ck_contracts_unknown_columns")),
        sa.CheckConstraint("dedupe_window_seconds > 0", name=op.f("ck_contracts_dedupe_window")),
        schema="spyne",
    )
    op.create_index("ix_contracts_endpoint", "contracts", ["endpoint"], unique=False, schema="spyne")
    grant("contracts", "SELECT, INSERT, UPDATE")


def _contract_schemas() -> None:
    op.create_table(
        "contract_schemas",
        _created(),
        sa.Column("contract_id", sa.String(), nullable=False, comment="The contract"),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False, comment="Counts its schemas from 1"),
        sa.Column("columns", postgresql.JSONB(), nullable=False, comment="Columns: name, type, nullable, checks"),
        sa.Column("origin", sa.String(), nullable=False, comment="declared, or inferred from the first batch"),
        sa.Column("created_by", sa.String(), nullable=False, comment="Label of who made it"),
        sa.PrimaryKeyConstraint("contract_id", "version", name=op.f("pk_contract_schemas")),
        sa.ForeignKeyConstraint(
            ["contract_id"], ["spyne.contracts.id"], name=op.f("fk_contract_schemas_contract_id_contracts")
        ),
        sa.CheckConstraint("origin IN ('declared', 'inferred')", name=op.f("ck_contract_schemas_origin")),
        schema="spyne",
    )
    grant("contract_schemas", "SELECT, INSERT")


def downgrade() -> None:
    op.execute("DROP FUNCTION spyne.publish(regclass, text[])")
    for table in ("contract_schemas", "contracts", "table_state_history", "table_versions", "tables"):
        op.drop_table(table, schema="spyne")
