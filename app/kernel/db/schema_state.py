"""What a database is made of, as text by object: so that two of them can be compared, grants and triggers included.

Tables of the data schema are not shown: they have another keeper, the catalogue.
"""

from collections.abc import Mapping
from typing import Final

import asyncpg

from app.settings import DatabaseSettings

SCHEMAS: Final = ("spyne", "jobs", "staging")
"""Made by migrations, with all that is in them."""

State = Mapping[str, str]
"""Definition by kind and name of the object."""

_RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY($1)"
_GRANTEES = (
    "(SELECT string_agg(x.line, ' ' ORDER BY x.line) FROM (SELECT coalesce(r.rolname, 'PUBLIC') || '=' || "
    "string_agg(e.privilege_type || CASE WHEN e.is_grantable THEN '*' ELSE '' END, ',' ORDER BY e.privilege_type) "
    "AS line FROM aclexplode({acl}) e LEFT JOIN pg_roles r ON r.oid = e.grantee GROUP BY r.rolname) x)"
)


def _default(kind: str, owner: str) -> str:
    return f"acldefault('{kind}'::\"char\", {owner})"


def _grants(acl: str) -> str:
    return f"coalesce({_GRANTEES.format(acl=acl)}, '')"


_RELATION_ACL = (
    "coalesce(c.relacl, CASE c.relkind WHEN 'S' THEN "
    f"{_default('s', 'c.relowner')} ELSE {_default('r', 'c.relowner')} END)"
)
_FUNCTION_ACL = f"coalesce(p.proacl, {_default('f', 'p.proowner')})"
_SCHEMA_ACL = f"coalesce(n.nspacl, {_default('n', 'n.nspowner')})"
_DATABASE_ACL = f"coalesce(d.datacl, {_default('d', 'd.datdba')})"

_QUERIES: Final = {
    "column": (
        "SELECT format('%s.%s.%s', n.nspname, c.relname, a.attname), concat_ws(' ', format_type(a.atttypid, "
        "a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END, pg_get_expr(d.adbin, d.adrelid), "
        "nullif(a.attidentity::text, ''), nullif(a.attgenerated::text, '')) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid "
        "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
        "WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped"
    ),
    "relation": (
        "SELECT format('%s.%s', n.nspname, c.relname), concat_ws(' ', c.relkind, c.relpersistence, 'of', "  # noqa: S608 - constants
        "pg_get_userbyid(c.relowner), CASE WHEN c.relrowsecurity THEN 'row security' END, "
        f"c.reloptions::text, CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) FROM {_RELATIONS} "
        "AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
    ),
    "constraint": (
        "SELECT format('%s.%s.%s', n.nspname, c.relname, k.conname), concat_ws(' ', pg_get_constraintdef(k.oid), "
        "CASE WHEN NOT k.convalidated THEN 'NOT VALID' END) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY($1) AND k.contype <> 'n'"
    ),
    "index": (
        "SELECT format('%s.%s', n.nspname, i.relname), concat_ws(' ', pg_get_indexdef(x.indexrelid), "
        "CASE WHEN NOT x.indisvalid THEN 'INVALID' END) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid "
        "JOIN pg_namespace n ON n.oid = i.relnamespace WHERE n.nspname = ANY($1)"
    ),
    "trigger": (
        "SELECT format('%s.%s.%s', n.nspname, c.relname, t.tgname), concat_ws(' ', pg_get_triggerdef(t.oid), CASE "
        "t.tgenabled WHEN 'D' THEN 'DISABLED' WHEN 'A' THEN 'ALWAYS' WHEN 'R' THEN 'REPLICA' ELSE 'ORIGIN' END) "
        "FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ANY($1) AND (NOT t.tgisinternal OR t.tgenabled <> 'O')"
    ),
    "rule": (
        "SELECT format('%s.%s.%s', n.nspname, c.relname, r.rulename), pg_get_ruledef(r.oid) FROM pg_rewrite r "
        "JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ANY($1 || '{data}'::name[]) AND r.rulename <> '_RETURN'"
    ),
    "policy": "SELECT format('%s.%s.%s', schemaname, tablename, policyname), coalesce(qual, '') FROM pg_policies "
    "WHERE schemaname = ANY($1 || '{data}'::name[])",
    "function": (
        "SELECT p.oid::regprocedure::text, concat_ws(' ', pg_get_functiondef(p.oid), 'of', "
        "pg_get_userbyid(p.proowner)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = ANY($1 || '{data}'::name[]) AND p.prokind IN ('f', 'p')"
    ),
    "grants": (
        f"SELECT format('%s.%s', n.nspname, c.relname), {_grants(_RELATION_ACL)} "  # noqa: S608 - constants
        f"FROM {_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
    ),
    "grants of column": (
        f"SELECT format('%s.%s.%s', n.nspname, c.relname, a.attname), {_grants('a.attacl')} FROM pg_attribute a "  # noqa: S608 - constants
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = ANY($1) AND a.attacl IS NOT NULL AND NOT a.attisdropped"
    ),
    "grants of function": (
        "SELECT p.oid::regprocedure::text, "  # noqa: S608 - constants
        f"{_grants(_FUNCTION_ACL)} "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY($1)"
    ),
    "grants of schema": (
        f"SELECT n.nspname::text, {_grants(_SCHEMA_ACL)} "  # noqa: S608 - constants
        "FROM pg_namespace n WHERE n.nspname = ANY($1 || '{data}'::name[])"
    ),
    "schema": (
        "SELECT n.nspname::text, 'of ' || pg_get_userbyid(n.nspowner) FROM pg_namespace n "
        "WHERE n.nspname = ANY($1 || '{data}'::name[])"
    ),
    "grants of database": (
        f"SELECT 'this', {_grants(_DATABASE_ACL)} FROM pg_database d "  # noqa: S608 - constants
        "WHERE d.datname = current_database() AND cardinality($1::text[]) > 0"
    ),
    "grants to come": (
        "SELECT concat_ws(' ', pg_get_userbyid(d.defaclrole), n.nspname, d.defaclobjtype), "  # noqa: S608 - constants
        f"{_grants('d.defaclacl')} FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace "
        "WHERE cardinality($1::text[]) > 0"
    ),
}

_ROLES: Final = (
    "SELECT r.rolname::text, concat_ws(' ', CASE WHEN r.rolcanlogin THEN 'login' END, CASE WHEN r.rolsuper THEN "
    "'SUPERUSER' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, "
    "CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, "
    "CASE WHEN r.rolinherit THEN 'INHERIT' END, (SELECT string_agg('member of ' || pg_get_userbyid(m.roleid), ' ' "
    "ORDER BY pg_get_userbyid(m.roleid)) FROM pg_auth_members m WHERE m.member = r.oid), "
    "(SELECT string_agg(DISTINCT 'has member ' || pg_get_userbyid(m.member), ' ') FROM pg_auth_members m "
    "WHERE m.roleid = r.oid AND pg_get_userbyid(m.member) <> current_user)) FROM pg_roles r WHERE r.rolname = ANY($1)"
)
"""The owner's own membership is not looked at: who is no superuser has one, and a superuser needs none."""
_ROLE_SETTINGS: Final = (
    "SELECT r.rolname::text, concat_ws(' ', 'connections', r.rolconnlimit::text, (SELECT string_agg(x, ' ' ORDER BY x) "
    "FROM pg_db_role_setting s, unnest(s.setconfig) x WHERE s.setrole = r.oid AND s.setdatabase IN (0, "
    "(SELECT oid FROM pg_database WHERE datname = current_database())))) FROM pg_roles r WHERE r.rolname = ANY($1)"
)
_WALLS: Final = (
    f"SELECT p.oid::regprocedure::text, {_grants(_FUNCTION_ACL)} "  # noqa: S608 - constants
    "FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND NOT EXISTS (SELECT FROM aclexplode("
    f"{_FUNCTION_ACL}) e WHERE e.grantee = 0)"
)
"""Functions of PostgreSQL that not everybody may call."""

SETTINGS: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "local", "remote_write", "remote_apply"),
    "zero_damaged_pages": ("off",),
    "ignore_checksum_failure": ("off",),
    "session_replication_role": ("origin",),
}
"""Values with which what was committed is there after a crash, and triggers fire."""


async def is_superuser(connection: asyncpg.Connection) -> bool:
    """Whether the owner may do everything; only then the migrations wall off PostgreSQL's own functions."""
    return bool(await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))


async def state(connection: asyncpg.Connection, settings: DatabaseSettings, *, walls: bool) -> State:
    """What the database is made of. `walls` adds PostgreSQL's own functions."""
    roles = [settings.app_role, settings.query_role]
    asked = [(kind, query, list(SCHEMAS)) for kind, query in _QUERIES.items()]
    asked += [("role", _ROLES, roles), ("role settings", _ROLE_SETTINGS, roles)]
    found: dict[str, str] = {}
    async with connection.transaction(readonly=True):
        await connection.execute("SET LOCAL search_path = pg_catalog")
        for kind, query, argument in asked:
            for name, definition in await connection.fetch(query, argument):
                found[f"{kind} {name}"] = definition or ""
        if walls:
            for name, definition in await connection.fetch(_WALLS):
                found[f"grants of function {name}"] = definition or ""
    return found


async def unsafe_settings(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """Settings, and their values, with which committed changes could be lost or triggers be silent."""
    rows = await connection.fetch(
        "SELECT name, setting FROM pg_settings WHERE name = ANY($1) UNION "
        "SELECT split_part(x, '=', 1), split_part(x, '=', 2) FROM pg_db_role_setting, unnest(setconfig) x",
        list(SETTINGS),
    )
    return sorted((name, value) for name, value in rows if name in SETTINGS and value not in SETTINGS[name])
