"""What stands in a database, or on its server, that no migration made, and could act in Spyne's name or on its data.

`schema_state` compares what migrations make with what is there; here is looked at everything beside it. A database
may be shared, so not everything of others is a finding: what belongs to Spyne's own logins, what runs with their rights
or a superuser's, and what acts by itself on whoever connects is. Adopted relations are known by name.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from app.settings import DatabaseSettings

_FIRST_OF_USERS: Final = 16_384
"""Objects of PostgreSQL itself have smaller numbers (`FirstNormalObjectId`)."""

_ELSEWHERE: Final = (
    "n.nspname <> ALL('{spyne,jobs,staging,data,pg_catalog,information_schema}'::name[]) AND n.nspname !~ '^pg_'"
)
_OF_AN_EXTENSION: Final = (
    "EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{catalog}'::regclass AND d.objid = {oid} AND d.deptype = 'e')"
)


def _no_extension(catalog: str, oid: str) -> str:
    return f"NOT {_OF_AN_EXTENSION.format(catalog=catalog, oid=oid)}"


# $1: Spyne's logins and the owner. Each answers name, what it is of.
_QUERIES: Final = {
    "schema": (
        "SELECT n.nspname::text, pg_get_userbyid(n.nspowner)::text FROM pg_namespace n "  # noqa: S608 - constants
        f"WHERE {_ELSEWHERE} AND n.oid >= {_FIRST_OF_USERS} AND pg_get_userbyid(n.nspowner) = ANY($1) "
        f"AND {_no_extension('pg_namespace', 'n.oid')}"
    ),
    "relation": (
        "SELECT format('%s.%s', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text FROM pg_class c "  # noqa: S608 - constants
        f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_ELSEWHERE} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') "
        f"AND pg_get_userbyid(c.relowner) = ANY($1) AND {_no_extension('pg_class', 'c.oid')}"
    ),
    "function": (
        "SELECT p.oid::regprocedure::text, pg_get_userbyid(p.proowner)::text FROM pg_proc p "  # noqa: S608 - constants
        f"JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ({_ELSEWHERE} OR n.nspname IN ('pg_catalog', "
        f"'information_schema')) AND p.oid >= {_FIRST_OF_USERS} AND {_no_extension('pg_proc', 'p.oid')} "
        "AND (pg_get_userbyid(p.proowner) = ANY($1) OR n.nspname IN ('pg_catalog', 'information_schema') "
        "OR p.prosecdef AND (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = p.proowner))"
    ),
    "relation of the system's": (
        "SELECT format('%s.%s', n.nspname, c.relname), pg_get_userbyid(c.relowner)::text FROM pg_class c "  # noqa: S608 - constants
        "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('pg_catalog', 'information_schema') "
        f"AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= {_FIRST_OF_USERS} "
        f"AND {_no_extension('pg_class', 'c.oid')}"
    ),
    "operator": (
        "SELECT o.oid::regoperator::text, pg_get_userbyid(o.oprowner)::text FROM pg_operator o "  # noqa: S608 - constants
        f"WHERE o.oid >= {_FIRST_OF_USERS} AND {_no_extension('pg_operator', 'o.oid')}"
    ),
    "cast": (
        "SELECT format('%s to %s', k.castsource::regtype, k.casttarget::regtype), 'nobody' FROM pg_cast k "  # noqa: S608 - constants
        f"WHERE k.oid >= {_FIRST_OF_USERS} AND {_no_extension('pg_cast', 'k.oid')}"
    ),
    "language": (
        "SELECT l.lanname::text, pg_get_userbyid(l.lanowner)::text FROM pg_language l "  # noqa: S608 - constants
        f"WHERE l.oid >= {_FIRST_OF_USERS} AND l.lanname <> 'plpgsql' AND NOT l.lanpltrusted"
    ),
    "event trigger": (
        "SELECT e.evtname::text, pg_get_userbyid(e.evtowner)::text FROM pg_event_trigger e "  # noqa: S608 - constants
        "WHERE (pg_get_userbyid(e.evtowner) = ANY($1) OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)) "
        f"AND {_no_extension('pg_event_trigger', 'e.oid')}"
    ),
    "subscription": (
        "SELECT s.subname::text, pg_get_userbyid(s.subowner)::text FROM pg_subscription s "
        "WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ),
    "publication": "SELECT p.pubname::text, pg_get_userbyid(p.pubowner)::text FROM pg_publication p "
    "WHERE pg_get_userbyid(p.pubowner) = ANY($1)",
    "foreign server": (
        "SELECT s.srvname::text, pg_get_userbyid(s.srvowner)::text FROM pg_foreign_server s "
        "WHERE pg_get_userbyid(s.srvowner) = ANY($1)"
    ),
    "setting of everybody": (
        "SELECT x, coalesce(pg_get_userbyid(nullif(s.setrole, 0)), 'everybody')::text FROM pg_db_role_setting s, "
        "unnest(s.setconfig) x WHERE s.setrole = 0 AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname "
        "= current_database())) AND split_part(x, '=', 1) = ANY('{search_path,session_preload_libraries,"
        "local_preload_libraries,role,session_authorization,dynamic_library_path,row_security}')"
    ),
}
_LOGINS: Final = (
    "SELECT r.rolname::text, concat_ws(' ', CASE WHEN r.rolsuper THEN 'SUPERUSER' END, CASE WHEN r.rolcreaterole THEN "
    "'CREATEROLE' END, CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' "
    "END, CASE WHEN r.rolcanlogin THEN 'LOGIN' END) FROM pg_roles r WHERE r.rolname <> ALL($1) AND r.rolname !~ '^pg_' "
)
_MEMBERS: Final = (
    "SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m WHERE pg_get_userbyid(m.roleid) = current_user "
    "AND (m.inherit_option OR m.set_option) ORDER BY 1"
)
_MEANS: Final = {
    "event trigger": "it runs on what anybody changes",
    "subscription": "it writes what another server says",
    "setting of everybody": "it changes what names mean, or loads code",
}


@dataclass(slots=True)
class Foreign:
    """What was found beside what migrations make."""

    looked_at: int = 0
    findings: list[tuple[str, str]] = field(default_factory=list)
    """Kind and name, and what is wrong with it."""
    notes: list[str] = field(default_factory=list)
    """What may be right, and is somebody's to know."""


async def look(
    connection: asyncpg.Connection, settings: DatabaseSettings, adopted: Collection[str], *, ours_alone: bool
) -> Foreign:
    """What stands beside what migrations make.

    Args:
        connection: the owner's.
        settings: name the two other logins.
        adopted: relations in other schemas that the catalogue knows, as `schema.name`.
        ours_alone: whether the server is Spyne's own, so that nobody else has a login there.
    """
    found = Foreign()
    known = set(adopted)
    schemas = {name.partition(".")[0] for name in known}
    async with connection.transaction(readonly=True):
        await connection.execute("SET LOCAL search_path = pg_catalog")
        ours = [await connection.fetchval("SELECT current_user::text"), settings.app_role, settings.query_role]
        for kind, query in _QUERIES.items():
            arguments = [ours] if "$1" in query else []
            for name, of in await connection.fetch(query, *arguments):
                found.looked_at += 1
                if not (name in known and kind == "relation") and not (name in schemas and kind == "schema"):
                    means = _MEANS.get(kind, "no migration makes it, and nothing that was adopted needs it")
                    found.findings.append((f"{kind} {name}", f"{means}; it belongs to {of}"))
        await _logins(connection, ours, found, ours_alone=ours_alone)
    return found


async def _logins(connection: asyncpg.Connection, ours: list[str], found: Foreign, *, ours_alone: bool) -> None:
    others = [tuple(row) for row in await connection.fetch(_LOGINS, ours)]
    found.looked_at += len(others)
    if ours_alone:
        found.findings += [
            (f"role {name}", f"the server is Spyne's alone, and no migration makes it: {may or 'no attributes'}")
            for name, may in others
        ]
        return
    powerful = sorted(name for name, may in others if "SUPERUSER" in may or "BYPASSRLS" in may)
    if powerful:
        found.notes.append(f"others who may do everything on the server: {', '.join(powerful[:10])}")
    members = [row[0] for row in await connection.fetch(_MEMBERS)]
    if members:
        found.notes.append(f"others who may act as the owner login: {', '.join(members[:10])}")
