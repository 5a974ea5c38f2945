"""One predicate: what a preview counts is what goes, and both are what age, state and holds say. Random, seeded."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
import httpx
import orjson
import pytest

from app.kernel.ports.retention import Default, HoldFilter, RetentionTargets
from app.kernel.ports.retention_rows import RowsTarget
from app.kernel.runtime.resources import Resources
from app.operations.security.contributions import SECURITY_EVENTS
from tests.ingestion.steps import contract, ndjson
from tests.operations.retention.steps import amount, count, previewed

CUT_OFF = datetime(2026, 3, 1, tzinfo=UTC)
KINDS, ADDRESSES = ("csrf", "lock-out"), ("192.0.2.1", "192.0.2.2", None)


@dataclass(frozen=True)
class Event:
    number: int
    kind: str
    address: str | None
    at: datetime

    def held(self, filter_: dict[str, Any]) -> bool:
        """What a hold means, said once more and in another language."""
        return (
            filter_.get("kind", self.kind) == self.kind
            and ("address" not in filter_ or filter_["address"] == self.address)
            and ("since" not in filter_ or self.at >= datetime.fromisoformat(filter_["since"]))
            and ("until" not in filter_ or self.at < datetime.fromisoformat(filter_["until"]))
        )


def moment(random: Random) -> datetime:
    """Around the cut-off, often just at it."""
    return CUT_OFF + random.choice([0, 0, 1, -1]) * timedelta(
        **{random.choice(["microseconds", "hours", "days"]): random.randint(0, 3)}
    )


def hold(random: Random) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "kind": random.choice(KINDS),
        "address": random.choice(ADDRESSES[:2]),
        "since": moment(random).isoformat(),
        "until": moment(random).isoformat(),
    }
    return {
        name: drawn[name] for name in random.sample(sorted(drawn), random.randint(0 if random.random() < 0.1 else 1, 3))
    }


async def store(owner: asyncpg.Connection, events: list[Event], holds: list[tuple[dict[str, Any], bool]]) -> None:
    await owner.execute("DELETE FROM spyne.security_events; DELETE FROM spyne.retention_holds")
    await owner.executemany(
        "INSERT INTO spyne.security_events (kind, address, subject, minute, first_at, last_at, count, detail) "
        "VALUES ($1, $2, $3, $4, $4, $4, 1, '{}')",
        [(each.kind, each.address, str(each.number), each.at) for each in events],
    )
    await owner.executemany(
        "INSERT INTO spyne.retention_holds (category, filter, reason, made_by, released_at, released_by) "
        "VALUES ($1, $2, 'why', 'ada', $3, $4)",
        [
            (category, orjson.dumps(filter_).decode(), CUT_OFF if over else None, "ada" if over else None)
            for filter_, over in holds
            for category in (["security_events"] if not over else ["security_events", "job_runs"])
        ],
    )


@pytest.mark.parametrize("seed", range(25))
async def test_what_is_counted_is_what_goes(resources: Resources, owner: asyncpg.Connection, seed: int) -> None:
    random = Random(seed)
    events = [
        Event(number, random.choice(KINDS), random.choice(ADDRESSES), moment(random))
        for number in range(random.randint(0, 40))
    ]
    holds = [(hold(random), random.random() < 0.3) for _ in range(random.randint(0, 3))]
    await store(owner, events, holds)
    old = [each for each in events if each.at < CUT_OFF]
    held = {each.number for each in old if any(each.held(filter_) for filter_, over in holds if not over)}
    async with resources.database.read() as session:
        preview = await SECURITY_EVENTS.preview(session, CUT_OFF)
    going = [each for each in old if each.number not in held]
    assert (preview.amount.rows, preview.held.rows) == (len(going), len(held))
    assert preview.oldest == min((each.at for each in going), default=None)
    assert preview.newest == max((each.at for each in going), default=None)
    cursor, rows, size = None, 0, 0
    while True:
        async with resources.database.write() as session:
            removed = await SECURITY_EVENTS.delete_some(session, CUT_OFF, cursor, random.randint(1, 9))
        rows, size, cursor = rows + removed.amount.rows, size + removed.amount.bytes, removed.cursor
        if cursor is None:
            break
    assert (rows, size) == (preview.amount.rows, preview.amount.bytes)
    left = {
        int(row[0]) for row in await owner.fetch("SELECT subject FROM spyne.security_events WHERE subject ~ '^[0-9]+$'")
    }
    assert left == {each.number for each in events} - {each.number for each in going}


async def test_before_images_go_but_never_those_within_the_rollback_window(
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    open_for_data: None,  # noqa: ARG001 - for what it does
) -> None:
    headers = {"Content-Type": "application/x-ndjson"}
    for table in ("things", "others"):
        assert (await admin.post("/api/contracts/register", json=contract(table))).status_code == 201
        for hour in range(3):
            rows = ndjson([(number, hour, hour) for number in range(10)])
            sent = await admin.post(f"/api/ingestion/{table}_v1/batches", content=rows, headers=headers)
            assert sent.status_code == 201, sent.text
    # Each second and third batch has replaced ten rows.
    await owner.execute(
        "UPDATE spyne.ingestion_history "
        "SET completed_at = now() - (100 - 75 * (sequence % 3 = 0)::int) * interval '1 day'"
    )
    target = resources.extensions.of(RetentionTargets).of("before_images")
    found = await previewed(admin, "before_images", days_to_keep=1)
    assert found["rows"] == 20, "one batch of each table is within the thirty days of the window"
    cursor, rows = None, 0
    while True:
        async with resources.database.write() as session:
            cut_off = datetime.fromisoformat(found["cut_off"])
            removed = await target.delete_some(session, cut_off, cursor, 3)
        rows, cursor = rows + removed.amount.rows, removed.cursor
        if cursor is None:
            break
    assert rows == 20
    left = await owner.fetchval(
        'SELECT (SELECT count(*) FROM data."things__v1__before") + count(*) FROM data."others__v1__before"'
    )
    assert left == 20
    assert amount(await previewed(admin, "before_images", days_to_keep=1)) == (0, 0, 0)


async def test_previews_and_executions_of_queries(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    """A preview stays as long as the execution that refers to it."""
    await owner.execute(
        "INSERT INTO spyne.query_previews (owner_kind, owner_label, request, sql_hash, basis, answer, estimated_rows, "
        "estimated_cost, expires_at) SELECT 'user', 'ada', '{}', '', '{}', '{}', 1, 1, now() - interval '400 days' "
        "FROM generate_series(1, 4)"
    )
    await owner.execute(
        "INSERT INTO spyne.query_executions (preview_id, actor_kind, actor_label, sql_hash, format, started_at, "
        "finished_at, estimated_rows, outcome) SELECT id, 'user', 'ada', '', 'json', now() - n * interval '1 day', "
        "now() - n * interval '1 day', 1, 'succeeded' FROM (SELECT id, 100 * row_number() OVER () AS n "
        "FROM spyne.query_previews) p WHERE n > 200"
    )
    targets = resources.extensions.of(RetentionTargets)
    for category, expected in (("query_previews", 2), ("query_executions", 1), ("query_previews", 1)):
        found = await previewed(admin, category)
        async with resources.database.write() as session:
            cut_off = datetime.fromisoformat(found["cut_off"])
            removed = await targets.of(category).delete_some(session, cut_off, None, 100)
        assert removed.amount.rows == found["rows"] == expected
    assert await count(owner, "query_previews") == await count(owner, "query_executions")


def test_a_target_says_what_its_holds_may_name() -> None:
    with pytest.raises(ValueError, match="holds name"):
        RowsTarget(
            category="x", description="x", default=Default(1), table="x", key=(("id", "uuid"),), time="t.at",
            hold_filter=HoldFilter, fields={"who": "t.who"},
        )  # fmt: skip
