"""Rows that queries find under a name before and after a change of state, and the losses that must be confirmed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.tables.served_rows import ConfirmationNeeded, RowLoss, ServedRows
from app.warehouse.inspection import Measurement
from tests.catalog.steps import filled, further, moved, promoted, restored
from tests.waiting import eventually


def measured(rows: int | None, *, exact: bool = True) -> Measurement | None:
    return None if rows is None else Measurement(rows, exact, None)


@pytest.mark.parametrize(
    ("now", "then", "loss"),
    [
        (0, 0, None),
        (0, 5, None),
        (1, 0, RowLoss.ALL),
        (10**9, 0, RowLoss.ALL),
        (1, 1, None),
        (2, 1, None),
        (3, 1, RowLoss.MOST),
        (10, 5, None),
        (11, 5, RowLoss.MOST),
        (10, 4, RowLoss.MOST),
        (None, 0, None),
        (5, None, None),
    ],
)
def test_what_is_a_loss(now: int | None, then: int | None, loss: RowLoss | None) -> None:
    served = ServedRows("orders", "orders@1", "orders@2", measured(now), measured(then))
    assert served.loss is loss
    served.require_confirmed("hash", confirmed=True)
    if loss is None:
        served.require_confirmed("hash", confirmed=False)
    else:
        with pytest.raises(ConfirmationNeeded) as caught:
            served.require_confirmed("hash", confirmed=False)
        assert caught.value.fields == {"plan_hash": "hash", "rows_now": now, "rows_then": then}


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (
            ServedRows("orders", "orders@1", "orders@2", measured(1234), measured(1)),
            "Queries of orders read orders@1 with 1,234 rows now; then they read orders@2 with 1 row.",
        ),
        (
            ServedRows("orders", None, "orders@1", None, measured(0)),
            "Queries of orders find nothing now; then they read orders@1 with 0 rows.",
        ),
        (
            ServedRows("orders", "orders@1", None, measured(2_000_000, exact=False), None),
            "Queries of orders read orders@1 with about 2,000,000 rows now; then they find nothing by its name alone.",
        ),
        (
            ServedRows("orders", "orders@1", "orders@2", None, measured(2)),
            "Queries of orders read orders@1 with an unknown number of rows now; then they read orders@2 with 2 rows.",
        ),
    ],
)
def test_the_words(served: ServedRows, words: str) -> None:
    assert served.words == words


opened = pytest.mark.usefixtures("open_for_data")


async def versions(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, now: int, then: int
) -> None:
    """A first version that is served, with so many rows, and a second one in SHADOW."""
    for version, rows in ((1, now), (2, then)):
        await further(engineer)
        await filled(owner, f"customers__v{version}", rows)
        if version == 1:
            await promoted(admin, "customers")


async def served(admin: httpx.AsyncClient) -> int:
    return int((await admin.get("/api/tables/customers")).json()["version"])


@pytest.mark.parametrize("then", [0, 2])
@pytest.mark.parametrize("to_state", ["ACTIVE", "READ_ONLY"])
@opened
async def test_a_promotion_that_takes_rows_from_queries_is_confirmed(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, then: int, to_state: str
) -> None:
    await versions(admin, engineer, owner, 5, then)
    plan = (await moved(admin, "customers", "SHADOW", to_state, dry_run=True)).json()
    assert plan["needs_confirmation"] is True
    assert plan["summary"] == (
        f"Queries of customers read customers@1 with 5 rows now; then they read customers@2 with {then} rows."
    )
    for more in ({}, {"confirm": True}, {"confirm": False, "plan_hash": plan["plan_hash"]}):
        refused = await moved(admin, "customers", "SHADOW", to_state, **more)
        assert (refused.status_code, refused.json()["code"]) == (409, "confirmation-needed"), more
        problem = refused.json()
        assert (problem["plan_hash"], problem["rows_now"], problem["rows_then"]) == (plan["plan_hash"], 5, then)
        assert plan["summary"] in problem["detail"]
    assert await served(admin) == 1
    wrong = await moved(admin, "customers", "SHADOW", to_state, confirm=True, plan_hash="0" * 64)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "plan-changed")
    done = await moved(admin, "customers", "SHADOW", to_state, confirm=True, plan_hash=plan["plan_hash"])
    assert done.status_code == 200, done.text
    assert (done.json()["plan_hash"], await served(admin)) == (plan["plan_hash"], 2)


@opened
async def test_a_promotion_that_keeps_half_of_the_rows_is_not_asked_about(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await versions(admin, engineer, owner, 4, 2)
    plan = (await moved(admin, "customers", "SHADOW", "ACTIVE", dry_run=True)).json()
    assert plan["needs_confirmation"] is False
    assert (await moved(admin, "customers", "SHADOW", "ACTIVE")).status_code == 200


@opened
async def test_an_emptier_version_is_not_restored_unseen(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await versions(admin, engineer, owner, 1, 9)
    await promoted(admin, "customers")
    plan = (await restored(admin, "customers", dry_run=True)).json()
    assert (plan["needs_confirmation"], plan["table"]["version"]) == (True, 1)
    refused = await restored(admin, "customers")
    assert (refused.status_code, refused.json()["code"], await served(admin)) == (409, "confirmation-needed", 2)
    done = await restored(admin, "customers", confirm=True, plan_hash=plan["plan_hash"])
    assert (done.status_code, await served(admin)) == (200, 1)


@opened
async def test_what_is_no_longer_as_the_dry_run_said_is_another_plan(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await versions(admin, engineer, owner, 5, 5)
    plan = (await moved(admin, "customers", "SHADOW", "ACTIVE", dry_run=True)).json()
    await owner.execute("DELETE FROM data.customers__v2")
    answer = await moved(admin, "customers", "SHADOW", "ACTIVE", plan_hash=plan["plan_hash"], confirm=True)
    assert (answer.status_code, answer.json()["code"]) == (409, "plan-changed")
    assert "customers@2 with 0 rows" in answer.json()["detail"]


@pytest.mark.parametrize("confirmed", [False, True], ids=["unseen", "as a dry run was confirmed"])
@opened
async def test_rows_are_counted_when_the_versions_are_locked(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, confirmed: bool
) -> None:
    """A batch that ends while a promotion waits for it is counted: the promotion was planned before."""
    await versions(admin, engineer, owner, 5, 5)
    plan = (await moved(admin, "customers", "SHADOW", "ACTIVE", dry_run=True)).json()
    more = {"confirm": True, "plan_hash": plan["plan_hash"]} if confirmed else {}
    # As a batch does right before its commit.
    answer = await meanwhile(
        owner,
        moved(admin, "customers", "SHADOW", "ACTIVE", **more),
        "SELECT FROM spyne.tables FOR SHARE",
        "DELETE FROM data.customers__v2",
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "plan-changed" if confirmed else "confirmation-needed")
    assert "customers@2 with 0 rows" in answer.json()["detail"]
    assert await served(admin) == 1


@pytest.mark.parametrize("version", [1, 2], ids=["the one that has the name", "the one that is to have it"])
@opened
async def test_a_version_that_changes_while_a_promotion_waits_is_looked_at_again(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, version: int
) -> None:
    await versions(admin, engineer, owner, 5, 5)
    change = f"UPDATE spyne.tables SET revision = revision + 1 WHERE version = {version}"
    answer = await meanwhile(owner, moved(admin, "customers", "SHADOW", "ACTIVE"), change)
    assert (answer.status_code, answer.json()["code"], await served(admin)) == (409, "plan-changed", 1)
    assert (await moved(admin, "customers", "SHADOW", "ACTIVE")).status_code == 200


async def meanwhile(
    owner: asyncpg.Connection, promotion: Coroutine[Any, Any, httpx.Response], *statements: str
) -> httpx.Response:
    """The answer of a promotion that was planned before the statements' commit, for which it had to wait."""
    batch = owner.transaction()
    await batch.start()
    for statement in statements:
        await owner.execute(statement)
    task = asyncio.create_task(promotion)
    await eventually(lambda: blocked(owner), what="the promotion waits for the batch")
    await batch.commit()
    return await task


async def blocked(owner: asyncpg.Connection) -> Any:
    return await owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0")


@opened
async def test_what_was_counted_last_is_kept(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await versions(admin, engineer, owner, 2, 3)
    await promoted(admin, "customers")
    kept = (await admin.get("/api/tables/customers")).json()
    assert (kept["row_count"], kept["row_count_exact"]) == (3, True)
    assert kept["checksum"] is not None
