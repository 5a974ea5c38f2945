"""Taking relations that exist already."""

from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.adoption.patterns import logical_name, parse_pattern
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.warehouse.naming import RelationName

WORLD = """
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, "Total: EUR" numeric(12,2), placed timestamptz, _spyne_mine int);
INSERT INTO shop.orders SELECT i, i, now(), i FROM generate_series(1, 10) i;
CREATE TABLE shop.clients (id int, name text, tags text[]);
CREATE VIEW shop.big_orders AS SELECT id FROM shop.orders WHERE id > 5;
CREATE MATERIALIZED VIEW shop.totals AS SELECT count(*) AS orders FROM shop.orders;
CREATE VIEW shop.passwords AS SELECT rolname FROM pg_authid;
CREATE VIEW shop.people AS SELECT * FROM spyne.users;
CREATE VIEW shop.more_people AS SELECT * FROM shop.people;
CREATE TABLE shop.events (at date) PARTITION BY RANGE (at);
CREATE TABLE shop.events_2026 PARTITION OF shop.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE shop."Odd Name" (id int);
CREATE TABLE shop."1§" (id int);
CREATE TABLE shop.nothing ();
CREATE SEQUENCE shop.numbers;
CREATE SCHEMA other;
CREATE TABLE other.orders (id int);
"""


@pytest.fixture
async def world(owner: asyncpg.Connection) -> None:
    await owner.execute(WORLD)


async def adopted(admin: httpx.AsyncClient, *relations: str, **more: Any) -> dict[str, dict[str, Any]]:
    answer = await admin.post("/api/tables/adopt", json={"relations": list(relations)} | more)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert report["adopted"] == sum(item["adopted"] for item in report["relations"])
    return {item["relation"]: item for item in report["relations"]}


@pytest.mark.usefixtures("world")
async def test_a_pattern_takes_what_it_can_and_says_why_not(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    tried = await adopted(admin, "shop.*", dry_run=True)
    assert await owner.fetchval("SELECT count(*) FROM spyne.tables") == 0
    found = await adopted(admin, "shop.*")
    refusals = {relation: item["refusal"] for relation, item in found.items()}
    assert refusals == {
        "shop.1§": "name-unusable",
        "shop.Odd Name": None,
        "shop.big_orders": None,
        "shop.clients": None,
        "shop.events": None,
        "shop.events_2026": "partition",
        "shop.more_people": "view-reads-protected",
        "shop.nothing": "no-columns",
        "shop.orders": None,
        "shop.passwords": "view-reads-protected",
        "shop.people": "view-reads-protected",
        "shop.totals": None,
    }
    assert {relation: item["refusal"] for relation, item in tried.items()} == refusals
    states = await owner.fetch("SELECT name, state, version, origin FROM spyne.tables ORDER BY 1")
    assert [tuple(row) for row in states] == [
        (name, "READ_ONLY", 1, "adopted")
        for name in ("big_orders", "clients", "events", "odd_name", "orders", "totals")
    ]
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'table:adopt'") == 6
    again = await adopted(admin, "shop.orders")
    assert again["shop.orders"]["refusal"] == "already-adopted"


@pytest.mark.usefixtures("world")
async def test_what_is_never_taken(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    found = await adopted(
        admin,
        "pg_catalog.pg_class",
        "information_schema.tables",
        "spyne.users",
        "shop.numbers",
        "shop.gone",
        "*.pg_class",
    )
    assert {relation: item["refusal"] for relation, item in found.items()} == {
        "pg_catalog.pg_class": "system-schema",
        "information_schema.tables": "system-schema",
        "spyne.users": "control-schema",
        "shop.numbers": "not-a-table",
        "shop.gone": "not-found",
    } | ({"*.pg_class": "not-found"} if "*.pg_class" in found else {})
    assert await owner.fetchval("SELECT count(*) FROM spyne.tables") == 0


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("marks.a_b", {"a_b"}),
        ("marks.a?b", {"a_b", "axb", "a%b", "a\\b"}),
        ("marks.a*b", {"a_b", "axb", "a%b", "a\\b", "axxb"}),
        ("marks.a%b", {"a%b"}),
        ("marks.a\\b", {"a\\b"}),
        ("mark_.a_b", set()),
        ("mark?.a_b", {"a_b"}),
    ],
)
async def test_only_star_and_question_mark_stand_for_others(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, pattern: str, found: set[str]
) -> None:
    await owner.execute("CREATE SCHEMA marks")
    for name in ("a_b", "axb", "a%b", "a\\b", "axxb"):
        await owner.execute(f'CREATE TABLE marks."{name}" (id int)')
    report = await adopted(admin, pattern, dry_run=True)
    assert {relation for relation, item in report.items() if item["refusal"] != "not-found"} == {
        f"marks.{name}" for name in found
    }


@pytest.mark.usefixtures("world")
async def test_names_can_be_given(admin: httpx.AsyncClient) -> None:
    tried = await adopted(admin, "*.orders", dry_run=True)
    both = await adopted(admin, "*.orders")
    assert {name: item["refusal"] for name, item in tried.items()} == {
        name: item["refusal"] for name, item in both.items()
    }
    assert sorted(str(item["refusal"]) for item in both.values()) == ["None", "name-taken"]
    named = await adopted(admin, "shop.orders", "shop.Odd Name", names={"shop.orders": "sales", "shop.Odd Name": "odd"})
    assert named["shop.Odd Name"]["adopted"]
    assert (await admin.get("/api/tables/odd")).json()["relation"] == "shop.Odd Name"


@pytest.mark.usefixtures("world")
async def test_an_adopted_table_can_be_read_and_only_read(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    before = await owner.fetch("SELECT * FROM shop.orders")
    await adopted(admin, "shop.orders")
    assert await owner.fetch("SELECT * FROM shop.orders") == before
    table = (await admin.get("/api/tables/orders")).json()
    assert [column["name"] for column in table["columns"]] == ["id", "Total: EUR", "placed"]
    query = await migrations.connect(urls.query)
    app = await migrations.connect(urls.app)
    try:
        assert await query.fetchval('SELECT sum("Total: EUR") FROM shop.orders') == 55
        for connection in (query, app):
            for statement in (
                "SELECT _spyne_mine FROM shop.orders",
                "DELETE FROM shop.orders",
                "SELECT id FROM shop.clients",
            ):
                with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
                    await connection.execute(statement)
    finally:
        await query.close()
        await app.close()
    profile = (await admin.get("/api/tables/orders/profile")).json()
    assert (profile["rows"], profile["complete"]) == (10, True)
    plan = await admin.post(
        "/api/tables/orders/promote",
        json={"from_state": "READ_ONLY", "to_state": "ACTIVE", "reason": "x", "dry_run": True},
    )
    assert plan.json()["table"] | {"id": None} == {
        "id": None,
        "version": 1,
        "state": "READ_ONLY",
        "row_count": 10,
        "row_count_exact": True,
        "checksum": None,
    }


@pytest.mark.usefixtures("world")
async def test_a_relation_that_went_away_is_told_and_can_still_be_deprecated(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await adopted(admin, "shop.clients")
    await owner.execute("DROP TABLE shop.clients")
    assert (await admin.get("/api/tables/clients/profile")).json()["code"] == "relation-unreadable"
    promotion = {"from_state": "READ_ONLY", "to_state": "ACTIVE", "reason": "x"}
    assert (await admin.post("/api/tables/clients/promote", json=promotion)).json()["code"] == "relation-gone"
    assert (await admin.post("/api/tables/clients/deprecate", json={"reason": "gone"})).status_code == 200


async def test_without_the_right_to_grant_the_grant_is_named(
    admin: httpx.AsyncClient, superuser: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    """The function belongs to a login that owns nothing else, as where the owner of Spyne is no superuser."""
    await superuser.execute(
        """
        DO $$ BEGIN CREATE ROLE tests_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, note text);
        GRANT USAGE, CREATE ON SCHEMA spyne TO tests_owner; GRANT SELECT ON spyne.tables TO tests_owner;
        GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) TO tests_owner;
        ALTER FUNCTION spyne.publish(regclass, text[]) OWNER TO tests_owner;
        """
    )
    found = (await adopted(admin, "shop.orders"))["shop.orders"]
    assert (found["adopted"], found["refusal"]) == (False, "grant-needed")
    assert 'GRANT SELECT ("id", "note") ON "shop"."orders" TO spyne_query, spyne_app;' in found["grant"]
    assert await superuser.fetchval("SELECT count(*) FROM spyne.tables") == 0
    assert await superuser.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'table:adopt'") == 0
    await superuser.execute(found["grant"])
    found = (await adopted(admin, "shop.orders"))["shop.orders"]
    assert found["adopted"], found
    query = await migrations.connect(urls.query)
    try:
        assert await query.fetch("SELECT id, note FROM shop.orders") == []
    finally:
        await query.close()


@pytest.mark.usefixtures("world")
async def test_the_runtime_login_cannot_publish_what_is_not_registered(
    owner: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    app = await migrations.connect(urls.app)
    oid = await owner.fetchval("SELECT 'shop.orders'::regclass::oid::bigint")
    users = await owner.fetchval("SELECT 'spyne.users'::regclass::oid::bigint")
    publish = "SELECT spyne.publish($1::bigint::oid::regclass, $2::text[])"
    forged = (
        "INSERT INTO spyne.tables (name, version, state, origin, owner_label, relation_schema, relation_name) "
        "VALUES ($1, 1, 'READ_ONLY', 'adopted', 'x', $2, $1)"
    )
    try:
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await app.execute(publish, oid, ["id"])
        await app.execute(forged, "users", "spyne")
        with pytest.raises(asyncpg.InvalidParameterValueError):
            await app.execute(publish, users, ["username"])
        await app.execute(forged, "orders", "shop")
        for columns in ([], ["_spyne_mine"], ["ctid"], ['id") ON shop.clients TO spyne_app; --'], None):
            with pytest.raises(asyncpg.InvalidParameterValueError):
                await app.execute(publish, oid, columns)
        await app.execute(publish, oid, ["id"])
    finally:
        await app.close()
    query = await migrations.connect(urls.query)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query.execute("SELECT spyne.publish('pg_class'::regclass, ARRAY['oid'])")
    finally:
        await query.close()


MALFORMED: list[Any] = [
    {},
    {"relations": []},
    {"relations": ["orders"]},
    {"relations": ["a.b.c"]},
    {"relations": [1]},
    {"relations": ["a." + "x" * 64]},
    {"relations": "a.b"},
    {"relations": ["a.b"], "force": True},
    {"relations": ["a.b"], "dry_run": "no"},
    {"relations": ["a.b"], "reason": ""},
]


async def test_malformed_adoptions(admin: httpx.AsyncClient) -> None:
    for body in MALFORMED:
        answer = await admin.post("/api/tables/adopt", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json()["faults"]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00.*?"), min_size=1, max_size=15)


@given(NAMES, NAMES, NAMES)
def test_patterns_without_wildcards_find_themselves_alone(schema: str, name: str, other: str) -> None:
    pattern = parse_pattern(f"{schema}.{name}")
    assert not pattern.wild
    assert pattern.finds(RelationName(schema, name))
    assert pattern.finds(RelationName(schema, other)) is (other == name)


@pytest.mark.parametrize(
    ("pattern", "name", "finds"),
    [
        ("*", "orders", True),
        ("o*s", "orders", True),
        ("o?ders", "orders", True),
        ("o?", "orders", False),
        ("%", "orders", False),
    ],
)
def test_wildcards(pattern: str, name: str, finds: bool) -> None:
    assert parse_pattern(f"shop.{pattern}").finds(RelationName("shop", name)) is finds


@pytest.mark.parametrize(
    ("name", "given", "called"),
    [
        ("orders", None, "orders"),
        ("Office", None, "office"),
        ("OrderLines", None, "order_lines"),
        ("order lines", None, "order_lines"),
        ("tblHTTPLog2", None, "tbl_http_log2"),
        ("1§", None, None),
        ("Office", "bureaus", "bureaus"),
        ("Office", "Bureaus", None),
    ],
)
def test_what_a_relation_is_called(name: str, given: str | None, called: str | None) -> None:
    relation = RelationName("shop", name)
    assert logical_name(relation, {} if given is None else {str(relation): given}) == called
