"""Changes of state over HTTP, on the real database."""

import asyncio
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.catalog.tables.lifecycle import TableState, transition
from app.catalog.tables.repository import TableWrites
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import REGISTRY
from tests.catalog.bodies import COLUMNS
from tests.catalog.steps import deprecated, filled, further, moved, promoted, registered, restored

pytestmark = pytest.mark.usefixtures("open_for_data")


async def brought_into(admin: httpx.AsyncClient, engineer: httpx.AsyncClient, name: str, state: TableState) -> None:
    await registered(engineer, name)
    if state is TableState.DEPRECATED:
        assert (await deprecated(admin, name)).status_code == 200
    elif state is not TableState.SHADOW:
        await promoted(admin, name, state.value)


async def state_of(client: httpx.AsyncClient, table: str) -> str:
    answer = await client.get(f"/api/tables/{table}/state")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


async def rows(owner: asyncpg.Connection, table: str) -> int:
    return int(await owner.fetchval(f"SELECT count(*) FROM spyne.{table}"))


async def test_every_pair_of_states(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for before, after in itertools.product(TableState, repeat=2):
        name = f"t_{before.value}_{after.value}".lower()
        await brought_into(admin, engineer, name, before)
        history = await rows(owner, "table_state_history")
        answer = await moved(admin, f"{name}@1", before.value, after.value)
        if transition(before, after):
            assert answer.status_code == 200, (before, after, answer.text)
            assert await state_of(admin, name) == after.value
            assert await rows(owner, "table_state_history") == history + 1
        else:
            assert answer.status_code == 409, (before, after, answer.text)
            assert answer.json()["code"] == "invalid-transition"
            assert await state_of(admin, name) == before.value
            assert await rows(owner, "table_state_history") == history


async def test_a_wrong_from_state_is_told_the_right_one(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    await registered(engineer)
    await promoted(admin, "customers")
    answer = await moved(admin, "customers", "READ_ONLY", "ACTIVE")
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["state"]) == ("state-changed", "ACTIVE")


async def test_of_many_promotions_at_once_one_is_made(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await registered(engineer)
    answers = await asyncio.gather(*(moved(admin, "customers", "SHADOW", "ACTIVE") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "state-changed",
        "plan-changed",
    }
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'table:promote'") == 1


async def test_a_state_is_compared_before_it_is_set(engineer: httpx.AsyncClient, resources: Resources) -> None:
    made = await registered(engineer)
    async with resources.database.write() as session:
        tables = TableWrites(session)
        table = UUID(made["table_id"])
        assert await tables.change_state(table, TableState.ACTIVE, TableState.READ_ONLY, {}) is None
        changed = await tables.change_state(table, TableState.SHADOW, TableState.READ_ONLY, {})
        assert changed is not None
        assert changed.state is TableState.READ_ONLY


async def test_versions_that_are_promoted_at_once_leave_one_current(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for _ in range(4):
        await further(engineer)
    answers = await asyncio.gather(*(moved(admin, f"customers@{n}", "SHADOW", "ACTIVE") for n in range(1, 5)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert any(answer.status_code == 200 for answer in answers)
    states = [row["state"] for row in await owner.fetch("SELECT state FROM spyne.tables")]
    assert states.count("ACTIVE") == 1


async def test_a_dry_run_tells_everything_and_changes_nothing(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await registered(engineer)
    await filled(owner, "customers__v1", 3)
    await promoted(admin, "customers")
    columns = [*COLUMNS[:3], {"name": "amount", "type": "bigint"}, {"name": "country", "type": "text"}]
    await registered(engineer, schema={"columns": columns})
    await filled_second(owner)
    before = await snapshot(owner)
    answer = await moved(admin, "customers", "SHADOW", "ACTIVE", dry_run=True)
    assert answer.status_code == 200, answer.text
    plan = answer.json()
    assert await snapshot(owner) == before
    assert plan["dry_run"] is True
    assert (plan["table"]["version"], plan["table"]["row_count"], plan["table"]["row_count_exact"]) == (2, 2, True)
    assert (plan["supersedes"]["version"], plan["supersedes"]["row_count"]) == (1, 3)
    difference = plan["schema_difference"]
    assert [column["name"] for column in difference["added"]] == ["country"]
    assert [column["name"] for column in difference["removed"]] == ["currency"]
    assert [change["after"]["type"] for change in difference["changed"]] == ["bigint"]
    assert difference["breaking"] is True
    assert plan["dependants"] == []

    wrong = await moved(admin, "customers", "SHADOW", "ACTIVE", plan_hash="0" * 64)
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["plan_hash"]) == (
        409,
        "plan-changed",
        plan["plan_hash"],
    )
    made = await moved(admin, "customers", "SHADOW", "ACTIVE", plan_hash=plan["plan_hash"])
    assert made.status_code == 200, made.text
    assert await state_of(admin, "customers@1") == "DEPRECATED"
    hashes = await owner.fetch("SELECT DISTINCT plan_hash FROM spyne.table_state_history WHERE from_state IS NOT NULL")
    assert plan["plan_hash"] in {row["plan_hash"] for row in hashes}


async def filled_second(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "INSERT INTO data.customers__v2 SELECT 'a', i, now(), i, 'x', now(), i, 1 FROM generate_series(1, 2) i"
    )


async def snapshot(owner: asyncpg.Connection) -> list[Any]:
    found: list[Any] = []
    for table in ("tables", "table_versions", "table_state_history", "audit_log"):
        found += await owner.fetch(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM spyne.{table} t")
    found += await owner.fetch(
        "SELECT attrelid::regclass::text, attname, attacl FROM pg_attribute WHERE attacl IS NOT NULL"
    )
    return found


async def test_a_new_version_takes_the_name_and_the_old_one_comes_back_with_everything(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await registered(engineer)
    await filled(owner, "customers__v1", 3)
    await promoted(admin, "customers")
    second = await further(engineer)
    assert (second["id"], second["version"], second["state"]) == ("customers_v2", 2, "SHADOW")
    await filled(owner, "customers__v2", 5)
    assert (await admin.get("/api/tables/customers")).json()["version"] == 1
    await promoted(admin, "customers")
    now = (await admin.get("/api/tables/customers")).json()
    assert (now["version"], now["state"], now["contract_id"], now["row_count"]) == (2, "ACTIVE", "customers_v2", 5)
    old = await admin.get("/api/tables/customers@1")
    assert (old.json()["state"], old.json()["successor"]) == ("DEPRECATED", "customers@2")
    assert now["supersedes"] == old.json()["id"]
    assert old.headers["Link"] == '</api/tables/customers@2>; rel="successor-version"'

    back = await restored(admin, "customers")
    assert back.status_code == 200, back.text
    now = (await admin.get("/api/tables/customers")).json()
    assert (now["version"], now["state"], now["contract_id"]) == (1, "ACTIVE", "customers_v1")
    assert (now["relation"], now["row_count"], now["successor"], now["deprecated_at"]) == (
        "data.customers__v1",
        3,
        None,
        None,
    )
    assert await state_of(admin, "customers@2") == "DEPRECATED"
    assert (await admin.get("/api/contracts/customers_v1")).json()["state"] == "ACTIVE"

    history = (await admin.get("/api/tables/customers/history")).json()["items"]
    told = [(line["version"], line["from_state"], line["to_state"]) for line in reversed(history)]
    assert Counter(told) == Counter(
        [
            (1, None, "SHADOW"),
            (1, "SHADOW", "ACTIVE"),
            (2, None, "SHADOW"),
            (1, "ACTIVE", "DEPRECATED"),
            (2, "SHADOW", "ACTIVE"),
            (2, "ACTIVE", "DEPRECATED"),
            (1, "DEPRECATED", "ACTIVE"),
        ]
    )
    actions = await owner.fetch("SELECT action, count(*) FROM spyne.audit_log WHERE entity_type = 'table' GROUP BY 1")
    assert dict(actions) == {"table:register": 2, "table:promote": 2, "table:supersede": 2, "table:restore": 1}


async def test_a_restored_version_has_the_state_it_had(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    for name, before, wanted, after in (
        ("a", "READ_ONLY", None, "READ_ONLY"),
        ("b", "ACTIVE", None, "ACTIVE"),
        ("c", "ACTIVE", "READ_ONLY", "READ_ONLY"),
        ("d", None, None, "READ_ONLY"),
        ("e", "READ_ONLY", "ACTIVE", "ACTIVE"),
    ):
        await registered(engineer, name)
        if before:
            await promoted(admin, name, before)
        assert (await deprecated(admin, name)).status_code == 200
        answer = await restored(admin, name, **({"to_state": wanted} if wanted else {}))
        assert (answer.status_code, answer.json()["to_state"]) == (200, after)
        assert await state_of(admin, name) == after
        assert (await deprecated(admin, name)).status_code == 200
        assert (await restored(admin, name)).json()["to_state"] == after, "the state it had last, not the one at first"


async def test_there_is_not_always_something_to_restore(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    await registered(engineer)
    answer = await restored(admin, "customers")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-restore")
    await deprecated(admin, "customers")
    for to_state in ("SHADOW", "DEPRECATED"):
        answer = await restored(admin, "customers", to_state=to_state)
        assert (answer.status_code, answer.json()["code"]) == (409, "invalid-transition")


async def test_deprecation_is_announced(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    await registered(engineer)
    await registered(engineer, "clients")
    await promoted(admin, "customers")
    sunset = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    answer = await deprecated(admin, "customers", successor="clients", sunset=sunset.isoformat())
    assert answer.status_code == 200, answer.text
    for path in ("customers", "customers/state"):
        seen = await admin.get(f"/api/tables/{path}")
        since = datetime.fromisoformat(seen.json()["deprecated_at"])
        assert seen.headers["Deprecation"] == f"@{int(since.timestamp())}"
        assert seen.headers["Sunset"] == sunset.strftime("%a, %d %b %Y %H:%M:%S GMT")
        assert seen.headers["Link"] == '</api/tables/clients>; rel="successor-version"'
    assert "Deprecation" not in (await admin.get("/api/tables/clients/state")).headers


FAULTY_DEPRECATIONS: list[tuple[dict[str, Any], str]] = [
    ({"successor": "customers"}, "/successor"),
    ({"successor": "nothing"}, "/successor"),
    ({"successor": "No Name"}, "/successor"),
    ({"sunset": "2020-01-01T00:00:00Z"}, "/sunset"),
    ({"sunset": "9999-12-31T23:59:59-23:59"}, "/sunset"),
    ({"sunset": "2999-01-01T00:00:00"}, "/sunset"),
    ({"sunset": 4_000_000_000}, "/sunset"),
    ({"reason": ""}, "/reason"),
    ({"dry_run": "yes"}, "/dry_run"),
    ({"plan_hash": "x"}, "/plan_hash"),
    ({"other": 1}, "/other"),
]


async def test_deprecations_with_faults(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    await registered(engineer)
    for more, pointer in FAULTY_DEPRECATIONS:
        answer = await deprecated(admin, "customers", **more)
        assert answer.status_code == 422, (more, answer.text)
        assert [fault["pointer"] for fault in answer.json()["faults"]] == [pointer]
    assert await state_of(admin, "customers") == "SHADOW"


async def test_a_stale_etag_is_refused(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    await registered(engineer)
    tag = (await admin.get("/api/tables/customers/state")).headers["ETag"]
    assert tag == (await admin.get("/api/tables/customers")).headers["ETag"]
    body = {"from_state": "SHADOW", "to_state": "READ_ONLY", "reason": "first"}
    made = await admin.post("/api/tables/customers/promote", json=body, headers={"If-Match": tag})
    assert made.status_code == 200
    for verb in ("promote", "deprecate"):
        body = (
            {"from_state": "READ_ONLY", "to_state": "ACTIVE", "reason": "second"}
            if verb == "promote"
            else {"reason": "x"}
        )
        stale = await admin.post(f"/api/tables/customers/{verb}", json=body, headers={"If-Match": tag})
        assert stale.status_code == 412, stale.text
        assert stale.headers["ETag"] != tag
    fresh = stale.headers["ETag"]
    made = await admin.post("/api/tables/customers/deprecate", json={"reason": "x"}, headers={"If-Match": fresh})
    assert made.status_code == 200


async def test_what_one_may_not_see_is_not_there(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    made = await registered(engineer)
    for reference in ("customers", "customers@1", made["table_id"]):
        for path in ("", "/state", "/history", "/versions", "/profile"):
            assert (await analyst.get(f"/api/tables/{reference}{path}")).status_code == 404
            assert (await engineer.get(f"/api/tables/{reference}{path}")).status_code == 200
    assert (await analyst.get("/api/tables")).json()["items"] == []
    assert (await analyst.get("/api/tables", params={"state": "SHADOW"})).json()["items"] == []
    await promoted(admin, "customers")
    await further(engineer)
    assert (await analyst.get("/api/tables/customers/state")).json()["version"] == 1
    assert (await analyst.get("/api/tables/customers@2/state")).status_code == 404
    assert len((await analyst.get("/api/tables/customers/versions")).json()["items"]) == 1
    assert len((await engineer.get("/api/tables/customers/versions")).json()["items"]) == 2
    assert {line["version"] for line in (await analyst.get("/api/tables/customers/history")).json()["items"]} == {1}


async def test_who_may_change_states(engineer: httpx.AsyncClient, analyst: httpx.AsyncClient) -> None:
    await registered(engineer)
    for client in (engineer, analyst):
        assert (await moved(client, "customers", "SHADOW", "ACTIVE")).status_code == 403
        assert (await deprecated(client, "customers")).status_code == 403
        assert (await restored(client, "customers")).status_code == 403
        assert (await client.post("/api/tables/adopt", json={"relations": ["a.b"]})).status_code == 403


async def test_tables_that_are_not_there(admin: httpx.AsyncClient) -> None:
    for reference in ("nothing", "customers@9", "Customers", "a b", "customers@0", "x" * 500, "🐘"):
        answer = await admin.get(f"/api/tables/{reference}/state")
        assert (answer.status_code, answer.json()["code"]) == (404, "table-not-found"), reference
        answer = await moved(admin, reference, "SHADOW", "ACTIVE")
        assert answer.status_code == 404, reference


async def test_a_table_without_columns_cannot_be_queried(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    await registered(engineer, declared=False)
    answer = await moved(admin, "customers", "SHADOW", "ACTIVE")
    assert (answer.status_code, answer.json()["code"]) == (409, "no-schema-yet")
    assert (await admin.get("/api/tables/customers")).json()["columns"] is None
    assert (await admin.get("/api/tables/customers/profile")).json()["code"] == "no-schema-yet"
    assert (await deprecated(admin, "customers")).status_code == 200


async def test_promotion_publishes_the_contracts_columns_and_no_others(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    await registered(engineer)
    await filled(owner, "customers__v1", 2)
    query = await migrations.connect(urls.query)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query.fetch("SELECT amount FROM data.customers__v1")
        await promoted(admin, "customers", "READ_ONLY")
        assert await query.fetchval("SELECT count(api_id) FROM data.customers__v1") == 2
        for hidden in ("_spyne_hash", "_spyne_batch", "*"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await query.fetch(f"SELECT {hidden} FROM data.customers__v1")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await query.fetch("SELECT * FROM data.customers__v1__before")
    finally:
        await query.close()


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_metrics_count_what_was_made(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    promotion = {"from_state": "SHADOW", "to_state": "ACTIVE"}
    before = counted("spyne_table_promotions_total", **promotion), counted("spyne_table_deprecations_total")
    await registered(engineer)
    await moved(admin, "customers", "SHADOW", "ACTIVE", dry_run=True)
    await moved(admin, "customers", "ACTIVE", "ACTIVE")
    await promoted(admin, "customers")
    await deprecated(admin, "customers")
    after = counted("spyne_table_promotions_total", **promotion), counted("spyne_table_deprecations_total")
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


async def test_lists_filter_search_and_page(admin: httpx.AsyncClient, engineer: httpx.AsyncClient) -> None:
    for name in ("a_orders", "b_orders", "c_clients"):
        await registered(engineer, name)
    await promoted(admin, "a_orders")

    async def names(**params: Any) -> list[str]:
        answer = await admin.get("/api/tables", params=params)
        assert answer.status_code == 200, answer.text
        return [item["name"] for item in answer.json()["items"]]

    assert await names() == ["c_clients", "b_orders", "a_orders"]
    assert await names(state="ACTIVE") == ["a_orders"]
    assert await names(state=["ACTIVE", "SHADOW"], search="ORDERS") == ["b_orders", "a_orders"]
    assert await names(search="%") == []
    assert await names(search="_") == ["c_clients", "b_orders", "a_orders"]
    first = await admin.get("/api/tables", params={"limit": 2, "search": "_"})
    assert 'rel="next"' in first.headers["Link"]
    assert await names(limit=2, search="_", cursor=first.json()["next_cursor"]) == ["a_orders"]
    assert (await admin.get("/api/tables", params={"cursor": "nonsense"})).status_code == 422
    assert (await admin.get("/api/tables", params={"state": "GONE"})).status_code == 422
