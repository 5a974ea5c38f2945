"""What an owner of the database may do to the log once the triggers are off: eight kinds, each at random.

Every function changes something that was sealed, and is undone by rolling its transaction back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.audit.seals.canonical import COLUMNS, encode
from app.audit.seals.chain import Seal
from app.audit.seals.merkle import leaf_hash, root_of
from app.audit.seals.seal_repository import CANONICAL
from app.audit.seals.signing import SealingKey
from app.kernel.db.database import ReadSession, driver_connection
from app.kernel.security.secrets import ServiceSecret

TABLES = ("audit_log", "audit_seals", "audit_sealed_entries")
SEALED = "FROM spyne.audit_log e JOIN spyne.audit_sealed_entries m ON m.entry_id = e.id"
ANOTHER_KEY = SealingKey(ServiceSecret(b"a secret that the service does not have"))

Tamper = Callable[[asyncpg.Connection, Random], Awaitable[str]]
"""Answers what it did."""


async def unguard(owner: asyncpg.Connection) -> None:
    """Triggers off, as the owner may do within a transaction."""
    for table in TABLES:
        await owner.execute(f"ALTER TABLE spyne.{table} DISABLE TRIGGER ALL")


@asynccontextmanager
async def undone(engine: AsyncEngine) -> AsyncIterator[tuple[ReadSession, asyncpg.Connection]]:
    """The owner's session and connection, triggers off; nothing of it stays."""
    async with engine.connect() as connection, ReadSession(connection) as session:
        await session.execute(text("SET LOCAL statement_timeout = '20s'"))
        driver = await driver_connection(session)  # type: ignore[arg-type]  # the owner's, to write behind the back
        await unguard(driver)
        yield session, driver
        await session.rollback()
        await connection.rollback()


async def entries(owner: asyncpg.Connection) -> list[Any]:
    return list(await owner.fetch(f"SELECT e.id, m.seal, m.leaf {SEALED} ORDER BY m.seal, m.leaf"))


async def edit(owner: asyncpg.Connection, random: Random) -> str:
    """Another value in one column of one row."""
    column = random.choice([name for name in COLUMNS if name != "id"])
    row = random.choice(await entries(owner))["id"]
    new = {
        "actor_id": "uuidv7()",
        "before": "jsonb_build_object('forged', random())",
        "after": "coalesce(after, '{}') || jsonb_build_object('forged', random())",
        "transaction_id": "transaction_id + 1",
        "time": "time + interval '1 microsecond'",
        "action": "'thing:forge'",
        "verb": "CASE verb WHEN 'DELETE' THEN 'UPDATE' ELSE 'DELETE' END",
        "outcome": "CASE outcome WHEN 'success' THEN 'failure' ELSE 'success' END",
    }.get(column, f"coalesce({column}, '') || 'x'")
    await owner.execute(f"UPDATE spyne.audit_log SET {column} = {new} WHERE id = $1", row)
    return f"edited {column} of {row}"


async def delete(owner: asyncpg.Connection, random: Random) -> str:
    """A row less; sometimes with its membership, sometimes with that of all behind it moved up."""
    row = random.choice(await entries(owner))
    await owner.execute("DELETE FROM spyne.audit_log WHERE id = $1", row["id"])
    how = random.randrange(3)
    if how:
        await owner.execute("DELETE FROM spyne.audit_sealed_entries WHERE entry_id = $1", row["id"])
    if how == 2:
        await owner.execute(
            "UPDATE spyne.audit_sealed_entries SET leaf = -leaf WHERE seal = $1 AND leaf > $2", row["seal"], row["leaf"]
        )
        await owner.execute("UPDATE spyne.audit_sealed_entries SET leaf = -leaf - 1 WHERE leaf < 0")
    return f"deleted {row['id']}, {how}"


async def copy_of(owner: asyncpg.Connection, row: Any, **changed: str) -> Any:
    """A new row like another one, with other values for some columns."""
    names = [name for name in COLUMNS if name != "id"]
    values = ", ".join(changed.get(name, name) for name in names)
    return await owner.fetchval(
        f"INSERT INTO spyne.audit_log (id, {', '.join(names)}) SELECT uuidv7(), {values} FROM spyne.audit_log "
        "WHERE id = $1 RETURNING id",
        row,
    )


async def insert(owner: asyncpg.Connection, random: Random) -> str:
    """A row more among the sealed ones: without a membership, or with a forged one at a batch's end."""
    row = random.choice(await entries(owner))
    new = await copy_of(owner, row["id"], actor_label="'eve'")
    if random.random() < 0.5:
        return f"inserted {new} without membership"
    await owner.execute(
        "INSERT INTO spyne.audit_sealed_entries SELECT seal, max(leaf) + 1, $2, (array_agg(leaf_hash))[1] "
        "FROM spyne.audit_sealed_entries WHERE seal = $1 GROUP BY seal",
        row["seal"] if random.random() < 0.8 else row["seal"] + 1_000,
        new,
    )
    return f"inserted {new} with a membership"


async def swap(owner: asyncpg.Connection, random: Random) -> str:
    """Two rows in each other's place: their ids, their contents, or their leaves."""
    one, two = random.sample(await entries(owner), 2)
    how = random.choice(["ids", "contents", "leaves"])
    if how == "ids":
        parked = uuid4()
        for was, becomes in ((one["id"], parked), (two["id"], one["id"]), (parked, two["id"])):
            await owner.execute("UPDATE spyne.audit_log SET id = $2 WHERE id = $1", was, becomes)
    elif how == "contents":
        column = random.choice(["entity_id", "before", "after", "entity_label"])
        await owner.execute(
            f"UPDATE spyne.audit_log t SET {column} = o.{column} FROM spyne.audit_log o "
            "WHERE (t.id = $1 AND o.id = $2) OR (t.id = $2 AND o.id = $1)",
            one["id"],
            two["id"],
        )
    else:
        await owner.execute("UPDATE spyne.audit_sealed_entries SET seal = -1, leaf = 0 WHERE entry_id = $1", one["id"])
        await owner.execute(
            "UPDATE spyne.audit_sealed_entries SET seal = $2, leaf = $3 WHERE entry_id = $1",
            two["id"], one["seal"], one["leaf"],
        )  # fmt: skip
        await owner.execute(
            "UPDATE spyne.audit_sealed_entries SET seal = $2, leaf = $3 WHERE entry_id = $1",
            one["id"], two["seal"], two["leaf"],
        )  # fmt: skip
    return f"swapped the {how} of {one['id']} and {two['id']}"


async def cut_tail(owner: asyncpg.Connection, random: Random) -> str:
    """The last seals gone, with their rows or without; only who has a checkpoint can know."""
    last = int(await owner.fetchval("SELECT max(number) FROM spyne.audit_seals"))
    kept = last - random.randint(1, min(3, last))
    if random.random() < 0.7:
        await owner.execute(f"DELETE FROM spyne.audit_log WHERE id IN (SELECT e.id {SEALED} WHERE seal > $1)", kept)
    await owner.execute("DELETE FROM spyne.audit_sealed_entries WHERE seal > $1", kept)
    await owner.execute("DELETE FROM spyne.audit_seals WHERE number > $1", kept)
    return f"cut after seal {kept} of {last}"


async def spoil_seals(owner: asyncpg.Connection, random: Random) -> str:
    """A seal edited, removed, or two of them exchanged."""
    last = int(await owner.fetchval("SELECT max(number) FROM spyne.audit_seals"))
    number = random.randint(1, last)
    how = random.choice(["edit", "remove", "exchange"])
    if how == "edit":
        column, new = random.choice(
            [
                ("count", "count + 1"), ("total", "total - 1"), ("root", "sha256(root)"), ("horizon", "horizon - 1"),
                ("previous", "sha256(previous)"), ("sealed_at", "sealed_at + 1"), ("lineage", "lineage || '1'"),
                ("adopted", "NOT adopted"), ("signature", "sha256(signature) || sha256(signature)"),
                ("key", "encode(sha256(root), 'hex')"), ("encoding", "encoding + 1"), ("last_entry", "uuidv7()"),
                ("snapshot_end", "snapshot_end + 1"), ("first_entry", "uuidv7()"),
            ]
        )  # fmt: skip
        await owner.execute(f"UPDATE spyne.audit_seals SET {column} = {new} WHERE number = $1", number)
        return f"edited {column} of seal {number}"
    if how == "remove":
        await owner.execute("DELETE FROM spyne.audit_seals WHERE number = $1", number)
        return f"removed seal {number}"
    other = number % last + 1
    for was, becomes in ((number, -1), (other, number), (-1, other)):
        await owner.execute("UPDATE spyne.audit_seals SET number = $2 WHERE number = $1", was, becomes)
    return f"exchanged seals {number} and {other}"


async def replace_chain(owner: asyncpg.Connection, random: Random) -> str:
    """A row edited and every seal from it on made anew, signed with another key, perhaps under the true key's name."""
    row = random.choice(await entries(owner))["id"]
    await owner.execute("UPDATE spyne.audit_log SET actor_label = 'eve' WHERE id = $1", row)
    true_name = random.random() < 0.5
    await reseal(owner, ANOTHER_KEY, true_name=true_name)
    return f"sealed anew after an edit of {row}, under the true key's name: {true_name}"


async def backdate(owner: asyncpg.Connection, random: Random) -> str:
    """A row that seems to be older than it is: a sealed one, a new one, or one with a genuine transaction."""
    row = random.choice(await entries(owner))["id"]
    earlier = f"time - interval '{random.randint(60, 10**7)} seconds'"
    how = random.choice(["edit", "insert", "insert in its own transaction"])
    if how == "edit":
        await owner.execute(f"UPDATE spyne.audit_log SET time = {earlier} WHERE id = $1", row)
    elif how == "insert":
        await copy_of(owner, row, time=earlier, actor_label="'eve'")
    else:
        await copy_of(
            owner, row, time=f"{earlier} - interval '1 hour'", transaction_id="pg_current_xact_id()::text::bigint"
        )
    return f"backdated by {how}: {row} {earlier}"


KINDS: tuple[Tamper, ...] = (edit, delete, insert, swap, cut_tail, spoil_seals, replace_chain, backdate)


async def reseal(owner: asyncpg.Connection, key: SealingKey, *, true_name: bool) -> None:
    """Every seal made anew over the rows as they are now, signed with this key."""
    previous = bytes(32)
    for found in await owner.fetch("SELECT * FROM spyne.audit_seals ORDER BY number"):
        rows = await owner.fetch(f"SELECT e.id, {CANONICAL} {SEALED} WHERE m.seal = $1 ORDER BY leaf", found["number"])
        leaves = [leaf_hash(encode(row[1:])) for row in rows]
        for row, leaf in zip(rows, leaves, strict=True):
            await owner.execute(
                "UPDATE spyne.audit_sealed_entries SET leaf_hash = $2 WHERE entry_id = $1", row[0], leaf
            )
        name = found["key"] if true_name else key.public.fingerprint
        fields = dict(found) | {"root": root_of(leaves), "previous": previous, "key": name, "signature": b""}
        seal = Seal(**fields)
        await owner.execute(
            "UPDATE spyne.audit_seals SET root = $2, previous = $3, key = $4, signature = $5 WHERE number = $1",
            seal.number, seal.root, seal.previous, seal.key, key.sign(seal.content()),
        )  # fmt: skip
        previous = seal.digest()
