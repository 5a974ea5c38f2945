"""Changing a relation and its before-images within the caller's transaction, and taking that back. Commits nothing.

The order of locks, the same for a change and for taking one back:
1. the relation's advisory lock, which batches and rollbacks take: nobody writes from here on, and readers go on;
2. what has to be counted or hashed anew;
3. both relations for this transaction alone, for which no try waits longer than the lock timeout: readers who come now
   wait. So this is the last thing of the caller's transaction. Who has other rows to write takes the advisory lock
   before them (`ingest.lock_relation`), since batches hold it while they wait for such rows.

Rows that must be written anew are copied out and in again, frozen. PostgreSQL's own rewrite gives them the number of
this transaction, and a reader whose snapshot is older finds an empty table, without an error: every query that had to
wait for the change, and every export that began before it (manual, section 13.6).
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from app.warehouse import ddl
from app.warehouse.evolution import statements
from app.warehouse.evolution.obstacles import CannotUndo, obstacles
from app.warehouse.evolution.patience import LOCK_TIMEOUT_MS, RelationBusy
from app.warehouse.evolution.size import MOST_BYTES, MOST_COPIED_BYTES, MOST_ROWS, is_small
from app.warehouse.evolution.steps import (
    AddColumn,
    DropColumn,
    EvolutionStep,
    NeedsNewVersion,
    UndoStep,
    reads_all_rows,
    rewrites,
    steps,
    undo_steps,
)
from app.warehouse.ingest import lock_relation
from app.warehouse.naming import RelationName
from app.warehouse.plan import RelationPlan
from app.warehouse.publishing import grant_columns

TURN_TIMEOUT_MS: Final = 5_000
"""Longest wait for the batch that is being merged. Nobody waits behind this but further batches; still it is short,
since a connection is held: whoever meets a longer batch tries again."""


async def apply(
    connection: asyncpg.Connection,
    before: RelationPlan,
    after: RelationPlan,
    *,
    published: bool,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    turn_timeout_ms: int = TURN_TIMEOUT_MS,
) -> tuple[EvolutionStep, ...]:
    """The steps by which the relation, until now as `before` says, has become what `after` says. Does nothing else.

    Args:
        connection: of the relation's owner, in the transaction which also says that the plan is `after` by now.
        before: the plan that the relation is of.
        after: the plan that it shall be of.
        published: whether the query login reads the relation: then new columns too.
        lock_timeout_ms: for the relation itself.
        turn_timeout_ms: for the batch before.

    Raises:
        NeedsNewVersion: it cannot be had in place, or not while readers wait.
        RelationBusy: a lock was not to be had in time. After either the transaction is to be rolled back.
    """
    changes = steps(before, after)
    if not changes:
        return ()
    async with _locks(after):
        await _turn(connection, after, turn_timeout_ms)
        slow = [step for step in changes if reads_all_rows(step)]
        if slow and not await is_small(connection, after):
            raise NeedsNewVersion(tuple(_too_large(step) for step in slow))
        index = ddl.identity_index(after).sql
        indexed = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", index)
        async with _lock_timeout(connection, lock_timeout_ms):
            await connection.execute(statements.lock(after))
            await _alter(connection, before, after, changes, validate=True)
            added = [step.column for step in changes if isinstance(step, AddColumn)]
            for column in added:
                if indexed and column.name in after.unique:
                    await connection.execute(ddl.create_unique_index(after, column.name))
            if published and added:
                names = tuple(column.name for column in added)
                await connection.execute(grant_columns(after.relation, names))
    return changes


async def undo(
    connection: asyncpg.Connection,
    before: RelationPlan,
    after: RelationPlan,
    *,
    losing: Collection[str] = (),
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    turn_timeout_ms: int = TURN_TIMEOUT_MS,
) -> tuple[UndoStep, ...]:
    """The steps by which the relation, until now as `after` says, is what `before` says: `apply`'s taken back.

    Args:
        connection: as of `apply`.
        before: the plan to go back to.
        after: the plan that the relation is of.
        losing: added columns whose values may go; their rows get the content hash that they have without.
        lock_timeout_ms: for the relation itself.
        turn_timeout_ms: for the batch before.

    Raises:
        CannotUndo: something stands in the way; all of it is listed.
        NeedsNewVersion: there is no way from `before` to `after` either.
        RelationBusy: a lock was not to be had in time. After any of them the transaction is to be rolled back.
    """
    changes = undo_steps(before, after)
    if not changes:
        return ()
    async with _locks(after):
        await _turn(connection, after, turn_timeout_ms)
        found = await obstacles(connection, before, after, losing=losing)
        if found:
            raise CannotUndo(found)
        small = await is_small(connection, after)
        dropped = [step.name for step in changes if isinstance(step, DropColumn)]
        if dropped and not any(rewrites(step) for step in changes):
            for relation in (after.relation, after.before):
                await connection.execute(statements.hash_without(before, relation, dropped))
        async with _lock_timeout(connection, lock_timeout_ms):
            await connection.execute(statements.lock(after))
            await _alter(connection, after, before, changes, validate=small)
    return changes


async def take_turn(connection: asyncpg.Connection, plan: RelationPlan, timeout_ms: int = TURN_TIMEOUT_MS) -> None:
    """Let nobody write the relation until the transaction ends, before rows are locked that batches lock at their end.

    Raises:
        RelationBusy: a batch is being merged for longer than this. The transaction is to be rolled back.
    """
    async with _locks(plan):
        await _turn(connection, plan, timeout_ms)


async def _turn(connection: asyncpg.Connection, plan: RelationPlan, timeout_ms: int) -> None:
    """Wait until no batch writes the relation."""
    async with _lock_timeout(connection, timeout_ms):
        await lock_relation(connection, plan)


async def _alter(
    connection: asyncpg.Connection,
    old: RelationPlan,
    new: RelationPlan,
    changes: Sequence[EvolutionStep | UndoStep],
    *,
    validate: bool,
) -> None:
    """Change both relations, which are locked, from one plan to the other."""
    for relation in (old.relation, old.before):
        changing = statements.alter(relation, changes, validate=validate)
        if any(rewrites(step) for step in changes):
            await _reload(connection, old, new, relation, changing)
        else:
            await connection.execute(changing)


async def _reload(
    connection: asyncpg.Connection, old: RelationPlan, new: RelationPlan, relation: RelationName, changing: str
) -> None:
    """Take the rows out, change the empty relation, and put them in again, visible to every snapshot."""
    kept, rows = _Kept(), statements.converted_rows(old, new, relation)
    try:
        await connection.copy_from_query(rows, output=kept.take, format="binary")
    except asyncpg.DataError as error:  # a date beyond the year 294276, which a timestamp cannot hold
        raise NeedsNewVersion((f"a stored value does not fit its new type: {error}",)) from error
    kept.require_all()
    await connection.execute(f"TRUNCATE {relation.sql}")
    await connection.execute(changing)
    await connection.copy_to_table(
        relation.name,
        schema_name=relation.schema,
        columns=list(statements.copied_columns(new, relation)),
        source=kept.parts(),
        format="binary",
        freeze=True,
    )


class _Kept:
    """Rows on their way, in memory."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._bytes = 0

    async def take(self, part: bytes) -> None:
        """Keep some rows, or none any more when they are too many: asyncpg does not come back from an error here."""
        self._bytes += len(part)
        if self._bytes <= MOST_COPIED_BYTES:
            self._parts.append(part)
        else:
            self._parts.clear()

    def require_all(self) -> None:
        """Return when all rows were kept. Raises `NeedsNewVersion`."""
        if self._bytes > MOST_COPIED_BYTES:
            raise NeedsNewVersion((f"all rows would be written anew, which are {self._bytes:,} bytes",))

    async def parts(self) -> AsyncIterator[bytes]:
        """All that was kept."""
        for part in self._parts:
            yield part


def _too_large(step: EvolutionStep) -> str:
    name = step.column.name if isinstance(step, AddColumn) else step.name
    return (
        f"column {name} asks for a look at every row while nobody can read, "
        f"and with its before-images the relation has more than {MOST_ROWS:,} rows or {MOST_BYTES // 1024**2} MiB"
    )


@asynccontextmanager
async def _locks(plan: RelationPlan) -> AsyncIterator[None]:
    """Around what waits for locks. Raises `RelationBusy` where one is not to be had in time."""
    try:
        yield
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
        raise RelationBusy(f"{plan.relation} is being read or written; nothing was changed.") from error


@asynccontextmanager
async def _lock_timeout(connection: asyncpg.Connection, milliseconds: int) -> AsyncIterator[None]:
    """Around statements that wait no longer than this for a lock; afterwards the former timeout holds again."""
    former = await connection.fetchval("SELECT current_setting('lock_timeout')")
    await connection.execute(f"SET LOCAL lock_timeout = {milliseconds:d}")
    yield
    await connection.execute("SELECT set_config('lock_timeout', $1, true)", former)
