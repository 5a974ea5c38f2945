"""Waiting for a relation in a way that makes nobody else wait: short tries, with longer pauses between them.

A change of a relation waits for everybody who reads it, and whoever comes to read meanwhile waits behind the change.
So no try waits longer than the lock timeout, and between two tries at least twice as long passes, in which those who
waited get through. A change does not come through beside a query that goes on for longer than all tries together.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

from app.kernel.backoff import backoff
from app.kernel.problems import Unavailable

LOCK_TIMEOUT_MS: Final = 200
"""Longest wait of a try for the readers of a relation, and so of readers for a try: a tenth of the two seconds that a
query waits for a lock (`QueryLimits.lock_timeout_ms`)."""

GIVE_UP_AFTER_SECONDS: Final = 30.0
"""From the first try on. Most queries have ended by then: their usual statement timeout is as long."""

LONGEST_PAUSE_SECONDS: Final = 4.0
"""However often a try failed."""

_RETRY_AFTER_SECONDS: Final = 5

Transaction = TypeVar("Transaction")
Result = TypeVar("Result")


class RelationBusy(Unavailable):
    """Somebody reads or writes the relation, and did not end in time; nothing was changed."""

    code, title = "relation-busy", "The relation is in use"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, retry_after_seconds=_RETRY_AFTER_SECONDS)


async def with_retries(
    open_transaction: Callable[[], AbstractAsyncContextManager[Transaction]],
    work: Callable[[Transaction], Awaitable[Result]],
    *,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
    give_up_after_seconds: float = GIVE_UP_AFTER_SECONDS,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    now: Callable[[], float] = time.monotonic,
    jitter: Callable[[float, float], float] = random.uniform,
) -> Result:
    """The result of `work` in a transaction that was committed, tried anew, whole, while the relation is busy.

    Args:
        open_transaction: commits when its block ends well, and rolls back otherwise: `Database.write`.
        work: calls `apply` or `undo`, with this lock timeout, as the last thing that it does.
        lock_timeout_ms: of `work`; the pauses are twice as long at least.
        give_up_after_seconds: no further try begins later than this after the first.
        sleep: between tries.
        now: seconds of a clock that never goes back.
        jitter: a number between two.

    Raises:
        RelationBusy: of the last try.
    """
    begun, failures = now(), 0
    while True:
        try:
            async with open_transaction() as transaction:
                return await work(transaction)
        except RelationBusy:
            failures += 1
            first = 4 * lock_timeout_ms / 1000  # jitter goes down to half of it
            pause = backoff(failures, first, max(first, LONGEST_PAUSE_SECONDS), jitter)
            if now() - begun + pause > give_up_after_seconds:
                raise
        await sleep(pause)
