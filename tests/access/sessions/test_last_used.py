"""The last use of sessions is written once a minute at most; what is long over is removed."""

from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI

from app.access.login.jobs import purge_log_ins
from app.access.sessions.last_used import SessionsLastUsed, write_last_used
from app.access.sessions.lifetimes import SessionKind
from app.kernel.clock import utc_now
from app.kernel.runtime.resources import Resources
from tests.access.sessions.steps import client_of, page_of, tokens_of
from tests.identities import Identities
from tests.queries import recorded


def test_what_was_written_within_a_minute_waits() -> None:
    seen, one, other = SessionsLastUsed(), uuid4(), uuid4()
    seen.note(one, 1000.0)
    assert seen.take_due().keys() == {one}
    seen.note(one, 1059.0)
    seen.note(other, 1059.0)
    assert seen.take_due().keys() == {other}
    seen.note(one, 1060.0)
    assert seen.take_due().keys() == {one}
    assert seen.take_due() == {}


def test_nothing_is_remembered_of_sessions_that_are_not_used_any_more() -> None:
    seen = SessionsLastUsed()
    for second in range(1000):
        seen.note(uuid4(), 1000.0 + second)
        seen.take_due()
    assert len(seen._written) <= 61
    assert seen._noted == {}


async def test_the_last_use_is_written_in_a_batch_and_once_a_minute(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection
) -> None:
    resources: Resources = app.state.resources
    name, _ = await identities.user("VIEWER")
    async with client_of(app) as client:
        pages = [await page_of(client, name) for _ in range(5)]
        await tokens_of(client, name)
    ids = [UUID(page.id) for page in pages]
    now, seen = utc_now(), SessionsLastUsed()
    later = now + timedelta(minutes=2)

    async def last() -> list[float]:
        found = await owner.fetch(
            "SELECT extract(epoch FROM last_seen_at)::float8 AS at, idle_ends_at - last_seen_at AS idle"
            " FROM spyne.sessions WHERE id = ANY($1)",
            ids,
        )
        assert {row["idle"] for row in found} == {timedelta(hours=1)}
        return [row["at"] for row in found]

    for id_ in ids:
        seen.note(id_, later.timestamp())
    with recorded(resources.database) as statements:
        assert await write_last_used(resources, seen) == 5
    changes = [each for each in statements if "UPDATE spyne.sessions" in each]  # the process does other things as well
    assert len(changes) == len(SessionKind), "as many for a thousand"
    assert {round(at - later.timestamp(), 3) for at in await last()} == {0.0}
    another = SessionsLastUsed()
    for id_ in ids:
        another.note(id_, later.timestamp() + 30)
    await write_last_used(resources, another)
    assert {round(at - later.timestamp(), 3) for at in await last()} == {0.0}, "another process, within the minute"
    for id_ in ids:
        another.note(id_, later.timestamp() + 120)
    await write_last_used(resources, another)
    assert {round(at - later.timestamp(), 3) for at in await last()} == {120.0}, "and after it"


async def test_requests_write_nothing(app: FastAPI, identities: Identities) -> None:
    name, _ = await identities.user("VIEWER")
    async with client_of(app) as client:
        page = await page_of(client, name)
        await page.me()
        with recorded(app.state.resources.database) as statements:
            for _ in range(5):
                await page.me()
    assert not [statement for statement in statements if "UPDATE" in statement]


class _Context:
    def __init__(self, resources: Resources) -> None:
        self.resources = resources


async def test_what_is_long_over_is_removed(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection, anonymous: httpx.AsyncClient
) -> None:
    name, _ = await identities.user("VIEWER")
    for _ in range(2):
        await tokens_of(anonymous, name)
    await anonymous.post("/api/sessions", json={"username": name, "password": "wrong"})
    await owner.execute("UPDATE spyne.login_attempts SET failed_at = failed_at - interval '1 hour'")
    context = _Context(app.state.resources)
    await purge_log_ins(context)  # type: ignore[arg-type]  # all that the job asks for
    for table, count in {"login_attempts": 0, "known_places": 1}.items():
        assert await owner.fetchval(f"SELECT count(*) FROM spyne.{table}") == count, table
    for days, left in ((29, 1), (2, 0)):
        await owner.execute(
            "UPDATE spyne.known_places SET succeeded_at = succeeded_at - make_interval(days => $1)", days
        )
        await purge_log_ins(context)  # type: ignore[arg-type]
        assert await owner.fetchval("SELECT count(*) FROM spyne.known_places") == left
