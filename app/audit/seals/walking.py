"""The sealed log in order: the rows of a seal, then the seal."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from app.audit.seals.chain import Seal
from app.audit.seals.seal_repository import Member, SealReads

SEALS_AHEAD = 500
CHUNK_ROWS = 20_000
"""Rows that are read at once: a quarter of a second on slow hardware, and streamed, so memory holds few of them."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A row that is recorded under a seal which is not there."""

    seal: int
    entry_id: str


Step = Member | Stray | Seal


async def walk(seals: SealReads, after: int, upto: int) -> AsyncIterator[tuple[int, AsyncIterator[Step]]]:
    """The log from behind one seal to another, in chunks, each with the number of its last seal."""
    done = after
    while done < upto:
        chunk = _fitting(await seals.between(done, upto, SEALS_AHEAD))
        last = chunk[-1].number if chunk else upto
        yield last, _steps(seals, chunk, done, last)
        done = last


async def strays(seals: SealReads, after: int, upto: int) -> AsyncIterator[Step]:
    """Rows that are recorded under these seals, none of which is there."""
    async for step in _steps(seals, [], after, upto):
        yield step


async def _steps(seals: SealReads, chunk: list[Seal], after: int, upto: int) -> AsyncIterator[Step]:
    coming = iter(chunk)
    seal = next(coming, None)
    async for member in seals.members(after, upto):
        while seal is not None and seal.number < member.seal:
            yield seal
            seal = next(coming, None)
        yield member if seal is not None and seal.number == member.seal else Stray(member.seal, member.entry_id)
    while seal is not None:
        yield seal
        seal = next(coming, None)


def _fitting(seals: list[Seal]) -> list[Seal]:
    """The first of the seals, whose rows are not too many; at least one."""
    rows = 0
    for taken, seal in enumerate(seals, 1):
        rows += seal.count
        if rows >= CHUNK_ROWS:
            return seals[:taken]
    return seals
