"""What relies on a table, in dry runs of its transitions and in the notice of its deprecation: on the real database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.kernel.ports.dependants import EXECUTION, MAX_DEPENDANTS, Dependant, DependantSources, readers
from app.kernel.runtime.resources import Resources
from app.query.contributions import DEPENDANTS
from app.settings import NotifySettings, Settings
from tests.catalog.steps import deprecated, filled, further, moved, promoted, registered
from tests.conftest import ClientOf
from tests.operations.notifications.conftest import NOTIFY, make_channel
from tests.queries import recorded
from tests.query.asking import ask, preview

pytestmark = pytest.mark.usefixtures("open_for_data")

HOOK = "http://127.0.0.1:9/"
"""Nobody delivers."""
AMOUNTS = "SELECT amount FROM customers"
CURRENCIES = "SELECT currency FROM customers"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A channel may name an address of this machine."""
    notify = NotifySettings(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    return settings.model_copy(update={"notify": notify})


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.fixture
async def customers(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    open_for_data: None,  # noqa: ARG001 - promotions need the mode
) -> UUID:
    """The first version of `customers`, ACTIVE, with three rows."""
    made = await registered(engineer)
    await filled(owner, "customers__v1", 3)
    await promoted(admin, "customers")
    return UUID(made["table_id"])


async def name_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/api/auth/me")).json()["name"])


async def ran(client: httpx.AsyncClient, sql: str) -> None:
    answer = await ask(client, sql)
    assert answer.status_code == 200, answer.text


async def exported(client: httpx.AsyncClient, job_type: str, **params: Any) -> str:
    answer = await client.post("/system/exports/", json={"job_type": job_type, "filter_params": params})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def planned(admin: httpx.AsyncClient, table: str = "customers", **more: Any) -> dict[str, Any]:
    """The dry run of a deprecation."""
    answer = await deprecated(admin, table, dry_run=True, **more)
    assert answer.status_code == 200, answer.text
    plan: dict[str, Any] = answer.json()
    return plan


def of_kind(plan: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in plan["dependants"] if each["kind"] == kind]


@pytest.mark.usefixtures("customers")
async def test_a_dry_run_shows_who_reads_the_table(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, as_role: ClientOf
) -> None:
    ben = await as_role("VIEWER")
    names = [await name_of(client) for client in (analyst, ben)]
    for sql in (AMOUNTS, CURRENCIES, AMOUNTS):
        await ran(analyst, sql)
    await ran(ben, AMOUNTS)
    kept = await preview(ben, CURRENCIES)
    plan = await planned(admin)
    assert plan["readers"] == sorted(names)
    executions = of_kind(plan, "execution")
    assert sorted((each["by"], " times, " in each["label"], ", once, " in each["label"]) for each in executions) == (
        sorted([(names[0], True, False), (names[0], False, True), (names[1], False, True)])
    )
    assert any(
        f"{names[0]}: statement " in each["label"] and ", 2 times, last at " in each["label"] for each in executions
    )
    assert all(datetime.now(UTC) - datetime.fromisoformat(each["at"]) < timedelta(minutes=5) for each in executions)
    (open_preview,) = of_kind(plan, "preview")
    assert (open_preview["id"], open_preview["by"], open_preview["lasting"]) == (kept["preview_id"], names[1], False)
    assert len({(each["kind"], each["id"]) for each in plan["dependants"]}) == len(plan["dependants"]) == 4


@pytest.mark.usefixtures("customers")
async def test_exports_under_way_are_shown_and_become_executions_or_nothing(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    of_table = await exported(analyst, "table", table="customers")
    of_query = await exported(analyst, "query", preview_id=(await preview(analyst, AMOUNTS))["preview_id"])
    await exported(admin, "audit_log")
    plan, name = await planned(admin), await name_of(analyst)
    assert [(each["id"], each["by"], each["lasting"]) for each in of_kind(plan, "export")] == [
        (of_query, name, False),
        (of_table, name, False),
    ]
    assert [each["label"] for each in plan["dependants"]] == [
        f"query as csv, asked for by {name}",
        f"table as csv, asked for by {name}",
    ]
    assert plan["readers"] == []
    for export_id in (of_table, of_query):
        assert (await analyst.post(f"/system/exports/{export_id}/cancel")).status_code == 200
    plan = await planned(admin)
    assert [(each["kind"], each["by"]) for each in plan["dependants"]] == [("execution", name)]


async def test_other_tables_and_other_versions_have_their_own(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for table in ("customers", "orders"):
        await registered(engineer, table)
        await promoted(admin, table)
    for sql in ("SELECT amount FROM orders", "SELECT o.amount FROM orders o JOIN customers c ON c.amount = o.amount"):
        await ran(analyst, sql)
    assert len((await planned(admin))["dependants"]) == 1, "the join alone reads customers"
    assert len((await planned(admin, "orders"))["dependants"]) == 2
    await further(engineer)
    await filled(owner, "customers__v2", 1)
    assert (await planned(admin, "customers@2"))["dependants"] == [], "nobody reads what is in SHADOW"
    plan = (await moved(admin, "customers", "SHADOW", "ACTIVE", dry_run=True)).json()
    assert (plan["table"]["version"], plan["readers"]) == (2, [await name_of(analyst)]), "of the version that gives way"


@pytest.mark.usefixtures("customers")
async def test_a_query_between_the_dry_run_and_the_change_leaves_the_plan(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    await make_channel(admin, HOOK, event_filter=["*"])
    plan = await planned(admin)
    assert plan["dependants"] == []
    await ran(analyst, AMOUNTS)
    await preview(analyst, AMOUNTS)
    await exported(analyst, "table", table="customers")
    made = await deprecated(admin, "customers", plan_hash=plan["plan_hash"])
    assert made.status_code == 200, made.text
    assert made.json()["readers"] == [await name_of(analyst)], "who came after the dry run is told all the same"
    (told,) = await messages(admin, "table:deprecated")
    assert told["payload"]["readers"] == [await name_of(analyst)]


@pytest.mark.usefixtures("customers")
async def test_the_notice_of_a_deprecation_names_the_readers(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await make_channel(admin, HOOK, event_filter=["table:*"])
    await ran(analyst, AMOUNTS)
    await further(engineer)
    await filled(owner, "customers__v2", 3)
    await promoted(admin, "customers")
    (old,) = await messages(admin, "table:deprecated")
    name = await name_of(analyst)
    assert (old["payload"]["table"], old["payload"]["version"], old["payload"]["readers"]) == ("customers", 1, [name])
    assert old["body"].endswith(f" Read lately by {name}.")
    (new,) = await messages(admin, "table:promoted")
    assert "readers" not in new["payload"]
    assert (await deprecated(admin, "customers@2")).status_code == 200
    unread = next(each for each in await messages(admin, "table:deprecated") if each["payload"]["version"] == 2)
    assert unread["payload"]["readers"] == []
    assert "Read lately" not in unread["body"]


async def messages(admin: httpx.AsyncClient, event: str) -> list[dict[str, Any]]:
    items = (await admin.get(NOTIFY, params={"event": event})).json()["items"]
    return [(await admin.get(f"{NOTIFY}{each['id']}")).json() for each in items]


@pytest.mark.usefixtures("customers")
@pytest.mark.parametrize(("age", "shown"), [("29 days 23 hours", 1), ("30 days 1 hour", 0), ("400 days", 0)])
@pytest.mark.parametrize("known_by", ["start", "id and start"])
async def test_an_execution_counts_for_thirty_days(
    *,
    admin: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    owner: asyncpg.Connection,
    age: str,
    shown: int,
    known_by: str,
) -> None:
    await ran(analyst, AMOUNTS)
    column = "" if known_by == "start" else f"id = uuidv7(- interval '{age}'), "
    await owner.execute(f"UPDATE spyne.query_executions SET {column} started_at = now() - interval '{age}'")
    plan = await planned(admin)
    assert (len(plan["dependants"]), len(plan["readers"])) == (shown, shown)


@pytest.mark.usefixtures("customers")
async def test_a_preview_is_open_until_it_expires_or_is_used(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await preview(analyst, AMOUNTS)
    assert [each["kind"] for each in (await planned(admin))["dependants"]] == ["preview"]
    await owner.execute("UPDATE spyne.query_previews SET expires_at = now() - interval '1 second'")
    assert (await planned(admin))["dependants"] == []


@pytest.mark.usefixtures("customers")
async def test_a_person_who_was_removed_keeps_the_name_of_that_time(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    await ran(analyst, AMOUNTS)
    me = (await analyst.get("/api/auth/me")).json()
    assert (await admin.delete(f"/api/users/{me['id']}")).status_code == 204
    plan = await planned(admin)
    assert plan["readers"] == [me["name"]]
    assert [each["by"] for each in plan["dependants"]] == [me["name"]]


@pytest.mark.usefixtures("customers")
async def test_the_limit_cuts_statements_before_it_cuts_readers(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await ran(analyst, AMOUNTS)
    await many(owner, people=1, statements=150)
    plan = await planned(admin)
    assert len(plan["dependants"]) == MAX_DEPENDANTS
    assert plan["readers"] == sorted([await name_of(analyst), "reader-1"])
    await many(owner, people=200, statements=2)
    assert len((await planned(admin))["readers"]) == MAX_DEPENDANTS


async def many(owner: asyncpg.Connection, *, people: int, statements: int) -> None:
    """Executions as the analyst's one, by so many people of so many statements each."""
    columns = "request, basis, answer, estimated_rows, estimated_cost, expires_at, used_at"
    await owner.execute(
        f"""
        WITH made AS (
            INSERT INTO spyne.query_previews (owner_kind, owner_id, owner_label, sql_hash, {columns})
            SELECT 'user', uuidv7(), 'reader-' || person, md5(statement::text), {columns} FROM
                (SELECT * FROM spyne.query_previews ORDER BY id LIMIT 1) one,
                generate_series(1, $1::int) person, generate_series(1, $2::int) statement
            RETURNING id, owner_label, sql_hash)
        INSERT INTO spyne.query_executions
            (preview_id, actor_kind, actor_id, actor_label, sql_hash, format, started_at, estimated_rows, outcome)
        SELECT id, 'user', md5(owner_label)::uuid, owner_label, sql_hash, 'json', now(), 1, 'succeeded' FROM made
        """,
        people,
        statements,
    )


async def test_every_source_asks_once(resources: Resources, customers: UUID) -> None:
    sources = resources.extensions.of(DependantSources)
    assert sources.names() == ["executions", "exports", "joins", "previews"]
    for source in sources:
        async with resources.database.read() as session:
            with recorded(resources.database) as statements:
                await source.dependants(session, customers)
        own = [each for each in statements if "feature_flags" not in each]  # which the service looks at every second
        assert len(own) == 1, source.name


async def test_no_source_reads_what_is_long_over(
    analyst: httpx.AsyncClient, resources: Resources, customers: UUID, owner: asyncpg.Connection
) -> None:
    await ran(analyst, AMOUNTS)
    await exported(analyst, "table", table="customers")
    await many(owner, people=100, statements=30)
    await owner.execute(
        """
        UPDATE spyne.query_previews SET expires_at = now() - interval '1 year';
        UPDATE spyne.query_executions SET id = uuidv7(interval '-1 year'), started_at = now() - interval '1 year';
        INSERT INTO spyne.export_jobs
            (job_type, filter_params, subject, format, status, requested_by_kind, requested_by)
            SELECT job_type, filter_params, subject, format, 'failed', requested_by_kind, requested_by
            FROM spyne.export_jobs, generate_series(1, 3000);
        ANALYZE spyne.query_previews, spyne.query_executions, spyne.export_jobs;
        """
    )
    for source, index in (
        ("executions", "pk_query_executions"),
        ("previews", "ix_query_previews_expires_at"),
        ("exports", "ix_export_jobs_open"),
    ):
        plan = await explained(resources, source, customers)
        assert index in plan, plan
        assert "Seq Scan on" not in plan, plan


async def explained(resources: Resources, name: str, table_id: UUID) -> str:
    source = resources.extensions.of(DependantSources).get(name)
    async with resources.database.read() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))  # a few thousand rows are read as fast as a whole
        statement = text(f"EXPLAIN {source.sql}")  # type: ignore[union-attr]  # of a statement
        lines = await session.execute(statement, {"table_id": str(table_id), "most": MAX_DEPENDANTS})
        return "\n".join(lines.scalars())


def test_every_source_of_queries_stands_outside_the_plan_hash() -> None:
    assert [source.lasting for source in DEPENDANTS] == [False, False]  # type: ignore[attr-defined]  # of a statement


DEPENDANT = st.builds(
    Dependant,
    kind=st.sampled_from([EXECUTION, "preview", "export", "join"]),
    id=st.text(max_size=3),
    label=st.text(max_size=3),
    by=st.none() | st.integers(0, 400).map(str),
)


@given(st.lists(DEPENDANT, max_size=300))
def test_readers_are_those_who_executed_each_once_and_bounded(dependants: list[Dependant]) -> None:
    found = readers(dependants)
    wanted = {each.by for each in dependants if each.kind == EXECUTION and each.by is not None}
    assert list(found) == sorted(set(found))
    assert set(found) <= wanted
    assert len(found) == min(len(wanted), MAX_DEPENDANTS)
