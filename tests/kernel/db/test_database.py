"""Sessions and the one commit, on PostgreSQL, with real losers of races."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import (
    MAX_ATTEMPTS,
    Database,
    OperationClass,
    WriteInReadSessionError,
    WriteSession,
    driver_connection,
    sqlstate,
)
from app.kernel.problems import Unavailable
from app.settings import DatabaseSettings

SETTINGS = DatabaseSettings(pool_size=4, read_pool_size=2, load_pool_size=1, pool_timeout_seconds=2)


@pytest.fixture
async def database(urls: DatabaseUrls, owner: asyncpg.Connection) -> AsyncIterator[Database]:
    await owner.execute(
        "CREATE TABLE data.probe (id int PRIMARY KEY, value int NOT NULL);"
        "INSERT INTO data.probe VALUES (1, 10), (2, 20); GRANT ALL ON data.probe TO spyne_app"
    )
    database = Database(urls.app, SETTINGS)
    yield database
    await database.dispose()


async def put(session: WriteSession, id_: int, value: int) -> None:
    await session.execute(
        text("INSERT INTO data.probe VALUES (:id, :value) ON CONFLICT (id) DO UPDATE SET value = :value"),
        {"id": id_, "value": value},
    )


async def value_of(owner: asyncpg.Connection, id_: int) -> int | None:
    found: int | None = await owner.fetchval("SELECT value FROM data.probe WHERE id = $1", id_)
    return found


WRITES = (
    "INSERT INTO data.probe VALUES (3, 3)",
    "UPDATE data.probe SET value = 0",
    "DELETE FROM data.probe",
    "TRUNCATE data.probe",
    "CREATE TABLE data.other (id int)",
    "WITH gone AS (DELETE FROM data.probe RETURNING 1) SELECT count(*) FROM gone",
    "SELECT * FROM data.probe FOR UPDATE",
)


async def test_postgresql_refuses_every_write_in_a_reading_session(
    database: Database, owner: asyncpg.Connection
) -> None:
    for kind in (database.read, database.snapshot):
        for statement in WRITES:
            async with kind() as session:
                with pytest.raises(WriteInReadSessionError) as refused:
                    await session.execute(text(statement))
            assert sqlstate(refused.value) == "25006", statement
    assert await owner.fetchval("SELECT sum(value) FROM data.probe") == 30


async def test_a_read_sees_the_latest_rows_and_a_snapshot_those_of_its_beginning(database: Database) -> None:
    count = text("SELECT count(*) FROM data.probe")
    async with database.read() as reading, database.snapshot() as snapshot:
        assert [(await one.execute(count)).scalar_one() for one in (reading, snapshot)] == [2, 2]
        async with database.write() as session:
            await put(session, 3, 30)
        assert [(await one.execute(count)).scalar_one() for one in (reading, snapshot)] == [3, 2]


async def test_changes_become_visible_at_the_edge_and_not_before(database: Database, owner: asyncpg.Connection) -> None:
    for edge, value in ((database.write, 11), (database.load, 12)):
        before = await value_of(owner, 1)
        async with edge() as session:
            await put(session, 1, value)
            assert await value_of(owner, 1) == before
        assert await value_of(owner, 1) == value


async def test_whatever_is_raised_rolls_back(database: Database, owner: asyncpg.Connection) -> None:
    for error in (ValueError("no"), asyncio.CancelledError(), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            await _put_and_raise(database, error)
        assert await value_of(owner, 1) == 10


async def _put_and_raise(database: Database, error: BaseException) -> None:
    async with database.write() as session:
        await put(session, 1, 11)
        raise error


class ClosesAfter:
    """A shield that is down for so many questions, then up."""

    def __init__(self, questions: int) -> None:
        self.left = questions
        self.asked: list[OperationClass] = []

    async def admit(self, _session: WriteSession, operation: OperationClass) -> None:
        self.asked.append(operation)
        self.left -= 1
        if self.left < 0:
            raise Unavailable("shield")


@pytest.mark.parametrize(("questions", "asked"), [(0, 1), (1, 2)])
async def test_the_shield_is_asked_at_the_beginning_and_again_before_the_commit(
    database: Database, owner: asyncpg.Connection, questions: int, asked: int
) -> None:
    shield = ClosesAfter(questions)
    database.shield = shield
    with pytest.raises(Unavailable):
        async with database.write(OperationClass.RECORD) as session:
            await put(session, 1, 11)
    assert shield.asked == [OperationClass.RECORD] * asked
    assert await value_of(owner, 1) == 10


async def test_two_serializable_transactions_that_skew_are_retried_until_both_hold(
    database: Database, owner: asyncpg.Connection
) -> None:
    both_have_read = asyncio.Barrier(2)
    tries: list[int] = []

    async def take(mine: int) -> None:
        """Reduce one row, if the sum of both allows it: both may pass together, but not one after the other."""

        async def work(session: WriteSession) -> None:
            tries.append(mine)
            first = tries.count(mine) == 1
            await session.execute(text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"))
            total = (await session.execute(text("SELECT sum(value) FROM data.probe"))).scalar_one()
            if first:
                await both_have_read.wait()
            if total >= 30:
                await session.execute(text("UPDATE data.probe SET value = value - 20 WHERE id = :id"), {"id": mine})

        await database.run(work)

    await asyncio.gather(take(1), take(2))
    assert len(tries) == 3, "the loser runs once more, whole"
    assert await owner.fetchval("SELECT sum(value) FROM data.probe") == 10


async def test_a_deadlock_is_retried(
    database: Database, owner: asyncpg.Connection, superuser: asyncpg.Connection
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await superuser.execute(f"ALTER DATABASE {name} SET deadlock_timeout = 50")
    both_hold_one = asyncio.Barrier(2)
    tries: list[int] = []

    async def change(order: tuple[int, int]) -> None:
        async def work(session: WriteSession) -> None:
            tries.append(order[0])
            await session.execute(text("UPDATE data.probe SET value = value + 1 WHERE id = :id"), {"id": order[0]})
            if tries.count(order[0]) == 1:
                await both_hold_one.wait()
            await session.execute(text("UPDATE data.probe SET value = value + 1 WHERE id = :id"), {"id": order[1]})

        await database.run(work)

    await asyncio.gather(change((1, 2)), change((2, 1)))
    assert len(tries) == 3
    assert [await value_of(owner, 1), await value_of(owner, 2)] == [12, 22]


@asynccontextmanager
async def failing(owner: asyncpg.Connection, state: str) -> AsyncIterator[None]:
    """Every insert into the probe fails, at its commit, with this SQLSTATE."""
    await owner.execute(
        f"CREATE FUNCTION data.fail() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$BEGIN RAISE EXCEPTION 'told to' USING ERRCODE = '{state}'; END$$;"
        "CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON data.probe DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION data.fail()"
    )
    yield


@pytest.mark.parametrize(("state", "tries"), [("40001", MAX_ATTEMPTS), ("40P01", MAX_ATTEMPTS), ("23514", 1)])
async def test_only_losers_are_retried_and_not_for_ever(
    database: Database, owner: asyncpg.Connection, state: str, tries: int
) -> None:
    runs = 0

    async def work(session: WriteSession) -> None:
        nonlocal runs
        runs += 1
        await session.execute(text("INSERT INTO data.probe VALUES (3, 30)"))

    async with failing(owner, state):
        with pytest.raises(DBAPIError) as failed:
            await database.run(work)
    assert (runs, sqlstate(failed.value)) == (tries, state)
    assert await value_of(owner, 3) is None


async def test_an_error_of_python_is_not_retried(database: Database) -> None:
    runs = 0

    async def work(_: WriteSession) -> None:
        nonlocal runs
        runs += 1
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.run(work)
    assert runs == 1


Use = Callable[[Database], Awaitable[None]]


async def _read(database: Database) -> None:
    async with database.read() as session:
        await session.execute(text("SELECT 1"))


async def _snapshot(database: Database) -> None:
    async with database.snapshot() as session:
        await session.execute(text("SELECT 1"))


async def _write(database: Database) -> None:
    async with database.write() as session:
        await put(session, 1, 11)


async def _load(database: Database) -> None:
    async with database.load() as session:
        await put(session, 1, 11)


async def test_connections_that_the_server_has_closed_are_replaced_unseen(
    database: Database, owner: asyncpg.Connection
) -> None:
    for use in (_read, _snapshot, _write, _load):
        await asyncio.gather(use(database), use(database))
        cut = await owner.fetchval(
            "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity "
            "WHERE usename = 'spyne_app' AND datname = current_database()"
        )
        assert cut >= 1
        await asyncio.sleep(0.05)
        for _ in range(3):
            await use(database)


async def test_the_driver_connection_is_inside_the_transaction(database: Database) -> None:
    async with database.write() as session:
        with pytest.raises(RuntimeError, match="no transaction"):
            await driver_connection(session)
        await session.execute(text("SELECT 1"))
        driver = await driver_connection(session)
        await driver.copy_records_to_table("probe", schema_name="data", records=[(7, 70)])
        assert (await session.execute(text("SELECT value FROM data.probe WHERE id = 7"))).scalar_one() == 70


async def test_no_message_of_an_error_holds_parameters(database: Database) -> None:
    with pytest.raises(DBAPIError) as failed:
        async with database.write() as session:
            await session.execute(text("INSERT INTO data.probe VALUES (1, :value)"), {"value": 424242})
    assert "424242" not in str(failed.value)
