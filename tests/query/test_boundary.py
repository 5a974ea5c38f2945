"""The role is the boundary: what the query login itself may not do, with no guard before it."""

import re
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.migrations import connect
from app.kernel.db.query_login import QueryLimits
from tests import owners
from tests.query.attacks import ATTACKS
from tests.query.conftest import Warehouse

walled = pytest.mark.skipif(owners.PLAIN, reason="a superuser alone takes PostgreSQL's own functions from everybody")

DENIED = ("42501", "25006")
"""insufficient_privilege, read_only_sql_transaction."""

FORBIDDEN = {
    "insert": "INSERT INTO data.airlines__v1 (carrier) VALUES ('XX')",
    "update": "UPDATE data.airlines__v1 SET name = 'x'",
    "delete": "DELETE FROM data.airlines__v1",
    "truncate": "TRUNCATE data.airlines__v1",
    "drop": "DROP TABLE data.airlines__v1",
    "alter": "ALTER TABLE data.airlines__v1 ADD COLUMN x int",
    "lock": "LOCK TABLE data.airlines__v1 IN ACCESS EXCLUSIVE MODE",
    "row lock": "SELECT carrier FROM data.airlines__v1 FOR UPDATE",
    "create in data": "CREATE TABLE data.evil (x int)",
    "create in public": "CREATE TABLE public.evil (x int)",
    "create temporary": "CREATE TEMPORARY TABLE evil (x int)",
    "select into": "SELECT 1 AS x INTO TEMPORARY evil",
    "create function": "CREATE FUNCTION data.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "create schema": "CREATE SCHEMA evil",
    "create role": "CREATE ROLE evil",
    "hidden column": "SELECT _spyne_hash FROM data.airlines__v1",
    "hidden batch": "SELECT _spyne_batch FROM data.flights__v1",
    "star over hidden": "SELECT * FROM data.airlines__v1",
    "whole row": "SELECT a FROM data.airlines__v1 a",
    "system column": "SELECT xmin FROM data.airlines__v1",
    "control tables": "SELECT * FROM spyne.users",
    "audit": "SELECT * FROM spyne.audit_log",
    "previews of others": "SELECT * FROM spyne.query_previews",
    "jobs": "SELECT * FROM jobs.pgqueuer",
    "unpublished": "SELECT id FROM data.orders__v1",
    "password hashes": "SELECT rolpassword FROM pg_authid",
    "shadow passwords": "SELECT * FROM pg_shadow",
    "statistics of hidden": "SELECT * FROM pg_statistic",
    "statements of others": "SELECT query FROM pg_stat_activity",
    "hba": "SELECT * FROM pg_hba_file_rules",
    "sleep": "SELECT pg_sleep(10)",
    "sleep until": "SELECT pg_sleep_until(now() + interval '1 hour')",
    "read file": "SELECT pg_read_file('/etc/passwd')",
    "read binary file": "SELECT pg_read_binary_file('/etc/passwd')",
    "list directory": "SELECT pg_ls_dir('/')",
    "list wal": "SELECT pg_ls_waldir()",
    "stat file": "SELECT pg_stat_file('/etc/passwd')",
    "copy to file": "COPY (SELECT 1) TO '/tmp/spyne-evil'",
    "copy from file": "COPY data.airlines__v1 FROM '/etc/passwd'",
    "copy to program": "COPY (SELECT 1) TO PROGRAM 'id'",
    "set_config": "SELECT set_config('statement_timeout', '0', false)",
    "advisory lock": "SELECT pg_advisory_lock(1)",
    "advisory transaction lock": "SELECT pg_try_advisory_xact_lock(1)",
    "terminate": "SELECT pg_terminate_backend(1)",
    "cancel": "SELECT pg_cancel_backend(1)",
    "reload": "SELECT pg_reload_conf()",
    "notify function": "SELECT pg_notify('channel', 'x')",
    "large object create": "SELECT lo_create(0)",
    "large object import": "SELECT lo_import('/etc/passwd')",
    "large object export": "SELECT lo_export(1, '/tmp/spyne-evil')",
    "large object from bytes": "SELECT lo_from_bytea(0, 'x')",
    "query to xml": "SELECT query_to_xml('SELECT 1', true, true, '')",
    "query to xml and schema": "SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')",
    "table to xml": "SELECT table_to_xml('data.airlines__v1', true, true, '')",
    "database to xml": "SELECT database_to_xml(true, true, '')",
    "text as statement": "SELECT ts_stat('SELECT 1')",
    "transaction id": "SELECT txid_current()",
    "current transaction id": "SELECT pg_current_xact_id()",
    "export snapshot": "SELECT pg_export_snapshot()",
    "switch wal": "SELECT pg_switch_wal()",
    "replication slot": "SELECT pg_create_logical_replication_slot('x', 'pgoutput')",
    "logical message": "SELECT pg_logical_emit_message(false, 'x', 'y')",
    "server address": "SELECT inet_server_addr()",
    "backend activity": "SELECT pg_stat_get_backend_activity(1)",
    "set role app": "SET ROLE spyne_app",
    "session authorization": "SET SESSION AUTHORIZATION spyne_app",
    "alter self": "ALTER ROLE spyne_query SUPERUSER",
    "superuser setting": "SET log_statement = 'all'",
    "temporary file limit": "SET temp_file_limit = -1",
    "grant": "GRANT SELECT ON data.airlines__v1 TO PUBLIC",
    "publish": "SELECT spyne.publish('data.airlines__v1'::regclass, ARRAY['_spyne_hash'])",
}


@pytest.fixture
async def raw(urls: DatabaseUrls, flights: Warehouse) -> "AsyncIterator[asyncpg.Connection[Any]]":
    """The query login with no guard, no pool and no settings before it."""
    await flights.owner.execute(
        "SET ROLE spyne_app; CREATE TABLE data.orders__v1 (id int, _spyne_hash bigint); RESET ROLE"
    )
    connection = await connect(urls.query)
    yield connection
    await connection.close()


@walled
@pytest.mark.parametrize("read_only", [True, False], ids=["read-only", "read-write"])
async def test_the_login_may_not(raw: "asyncpg.Connection[Any]", read_only: bool) -> None:
    allowed = {}
    for name, statement in FORBIDDEN.items():
        transaction = raw.transaction(readonly=read_only)
        await transaction.start()
        try:
            await raw.execute("SET LOCAL transaction_read_only = " + ("on" if read_only else "off"))
            await raw.execute(statement)
            allowed[name] = "ran"
        except asyncpg.PostgresError as error:
            if error.sqlstate not in DENIED:
                allowed[name] = f"{error.sqlstate} {error}"
        finally:
            await transaction.rollback()
    assert allowed == {}


async def test_it_may_not_become_somebody_else_or_change_the_server(
    raw: "asyncpg.Connection[Any]", owner: "asyncpg.Connection[Any]"
) -> None:
    superuser = await owner.fetchval("SELECT quote_ident(current_user)")
    for statement in (
        f"SET ROLE {superuser}",
        f"SET SESSION AUTHORIZATION {superuser}",
        "ALTER SYSTEM SET work_mem = 1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await raw.execute(statement)


async def test_it_reads_what_is_published(raw: "asyncpg.Connection[Any]") -> None:
    assert await raw.fetchval("SELECT count(*) FROM data.flights__v1") == 3000
    assert await raw.fetchval("SELECT name FROM data.airlines__v1 WHERE carrier = 'A1'") == "Airline 1"


async def test_its_limits_hold_without_any_of_ours(raw: "asyncpg.Connection[Any]") -> None:
    expected = {
        "default_transaction_read_only": "on",
        "statement_timeout": "2min",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "1min",
        "temp_file_limit": "2GB",
        "search_path": "pg_catalog",
    }
    if owners.PLAIN:
        del expected["temp_file_limit"]  # a superuser's to say
    assert {name: await raw.fetchval(f"SHOW {name}") for name in expected} == expected
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await raw.execute("CREATE TABLE data.evil (x int)")


TABLES = ("flights", "airlines", "airports", "planes", "weather")
_LOGICAL = re.compile(rf"\b({'|'.join(TABLES)})\b", re.IGNORECASE)
DIGESTS = " UNION ALL ".join(f"SELECT sum(hashtext(t::text)::bigint) AS n FROM data.{name}__v1 t" for name in TABLES)
EXHAUSTING = {"unbounded-value"}
"""PostgreSQL cannot interrupt the making of one huge value: these the guard alone keeps out."""
TRACES = (
    f"SELECT (SELECT sum(n) FROM ({DIGESTS}) d), (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_roles), "
    "(SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_db_role_setting), "
    "(SELECT count(*) FROM pg_proc), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
)


@walled
async def test_the_attacks_of_the_corpus_change_nothing_when_the_bare_login_runs_them(
    urls: DatabaseUrls, flights: Warehouse
) -> None:
    before = await flights.owner.fetchrow(TRACES)
    connection = await connect(urls.query)
    secrets = []
    for case in ATTACKS:
        if case.expected in EXHAUSTING:
            continue
        if connection.is_closed():
            connection = await connect(urls.query)
        try:
            await connection.execute("BEGIN READ ONLY; SET LOCAL statement_timeout = 50")
            found = await connection.fetch(_LOGICAL.sub(r"data.\1__v1", case.sql))
            if any("_spyne_" in str(row) for row in found):
                secrets.append(case.name)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError, ConnectionError):
            pass
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
            await connection.execute("DISCARD ALL")
    await connection.close()
    assert secrets == []
    assert await flights.owner.fetchrow(TRACES) == before


async def test_the_pools_connections_are_bounded_and_come_back_clean(flights: Warehouse) -> None:
    login = flights.resources.query_login
    async with login.transaction(QueryLimits(1_500, 250, 4_096)) as connection:
        assert await connection.fetchval("SHOW transaction_read_only") == "on"
        assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
        assert await connection.fetchval("SHOW statement_timeout") == "1500ms"
        assert await connection.fetchval("SHOW lock_timeout") == "250ms"
        assert await connection.fetchval("SHOW work_mem") == "4MB"
        assert await connection.fetchval("SHOW search_path") == "pg_catalog"
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("SET timezone = 'Asia/Tokyo'; PREPARE left_behind AS SELECT 1")
        assert await connection.fetchval("SELECT ARRAY[1, 2]") == [1, 2]
    async with login.transaction(QueryLimits()) as connection:
        assert await connection.fetchval("SELECT pg_backend_pid()") == pid
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
    assert login.in_use == 0


async def test_a_failed_statement_gives_the_connection_back(flights: Warehouse) -> None:
    login = flights.resources.query_login
    for _ in range(5):
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with login.transaction(QueryLimits()) as connection:
                await connection.fetchval("SELECT 1 / 0")
    assert login.in_use == 0


@walled
async def test_the_runtime_keeps_the_functions_that_it_calls(urls: DatabaseUrls) -> None:
    connection = await connect(urls.app)
    try:
        assert await connection.fetchval("SELECT set_config('search_path', 'pg_catalog', false)") == "pg_catalog"
        assert await connection.fetchval("SELECT pg_try_advisory_lock(77)") is True
        assert await connection.fetchval("SELECT pg_advisory_unlock(77)") is True
        await connection.execute("SELECT pg_notify('spyne_test', 'x')")
        assert await connection.fetchval("SELECT pg_current_xact_id()::text") is not None
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT pg_sleep(0)")
    finally:
        await connection.close()
