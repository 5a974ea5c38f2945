"""How the rows of a body are read beside other requests: in pieces, between which the event loop looks around.

A sound block is decoded at once, in a millisecond or two. A faulty one costs a hundred times as much, so it is cut into
parts; a row that is longer than a block cannot be cut, so it is read in a thread. Nothing holds the loop up for longer
than `TURN_SECONDS` and the longest piece (a test holds every hostile body to that).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

TURN_SECONDS = 0.01
"""How long the reader of one body computes before others have their turn."""

PIECE_BYTES = 1 << 16
"""How much of a body is passed on at once."""

PART_ROWS = 100
"""Rows that are looked at one by one before others may have their turn; each costs some 20 µs."""

PART_BYTES = 1 << 14
"""Text of these rows: one that is wrong in every field costs a microsecond for each of its bytes."""

PART_VALUES = 8_000
"""Columns times rows: the same for a contract with many columns; each costs up to 2 µs."""

WHOLE_VALUES = 100_000
"""Columns times rows decoded at once: a row of a contract costs as much as it has columns, however short it is. Each
takes 0.2 to 0.4 µs, on a slow machine."""

_ASIDE = ThreadPoolExecutor(2, "decoding")
"""Threads for what may take long. They share one processor, so more would be no faster, and the event loop would wait
for each of them: with eight faulty bodies at once it is let in after 17 ms (median) beside two threads, 45 beside four.
They are apart from those of all others, so files and passwords do not wait for the rows of anybody."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Pace:
    """Counts how long the reader of a body has had the event loop for itself."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    async def give_way(self) -> None:
        """Let others have their turn when this one has lasted long enough."""
        if time.monotonic() - self._since >= TURN_SECONDS:
            await asyncio.sleep(0)
            self._since = time.monotonic()


async def in_turns(pieces: Iterator[T], pace: Pace, *, aside: bool = False) -> AsyncIterator[T]:
    """The pieces, none of which is None, each made in its turn; `aside` says that one may take long: in a thread."""
    while True:
        piece = await in_thread(next, pieces, None) if aside else next(pieces, None)
        if piece is None:
            return
        yield piece
        await pace.give_way()


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """The result of work that may take long, done aside."""
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, work, *args)


async def in_small_pieces(data: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes in pieces of at most `PIECE_BYTES`, with turns of others between them."""
    pace = Pace()
    async for piece in data:
        for start in range(0, len(piece), PIECE_BYTES):
            yield piece[start : start + PIECE_BYTES]
            await pace.give_way()


def in_parts(texts: Iterable[tuple[int, bytes]], columns: int) -> Iterator[list[tuple[int, bytes]]]:
    """The numbered texts in lists that take a few milliseconds to look at one by one."""
    rows = max(1, min(PART_ROWS, PART_VALUES // max(1, columns)))
    part: list[tuple[int, bytes]] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text[1])
        if len(part) >= rows or size >= PART_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part
