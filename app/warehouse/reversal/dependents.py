"""Which batches stand in the way of taking one back: those that have written the same rows since. Pure but for asking.

What was done and taken back since counts for nothing. In replace mode every later batch stands in the way, since each
says what the whole table is. Where rows are to be replayed afterwards in append mode, batches since the target whose
rows come back with a rollback go as well: left standing, those rows would come before others of the same batch. The
same in plain Python: `tests/reference/reversal.py`.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.warehouse.plan import Mode


@dataclass(frozen=True, slots=True)
class Standing:
    """A batch that is in the table, or was."""

    seq: int
    """The number that rows and images bear: order of acceptance."""
    order: int
    """Order in which batches were merged; a batch for later is accepted long before it is merged."""
    victim: int | None = None
    """Of a rollback: the batch that it took back."""
    taken_back: bool = False


class Evidence(Protocol):
    """What the relation and its before-images say about who wrote what; of batches numbered `lowest` or above."""

    async def overwriters(self, lowest: int) -> Collection[tuple[int, int]]:
        """Pairs (writer, overwriter): who changed rows, and who had written those."""

    async def writers_of_same_keys(self, seq: int, lowest: int) -> Collection[int]:
        """Batches which ever wrote a key that `seq`, a rollback, had changed."""


class Dependents:
    """Answers which batches stand in the way of taking one back, for the batches of one relation."""

    def __init__(self, mode: Mode, batches: Iterable[Standing], evidence: Evidence) -> None:
        self._mode = mode
        self._batches: Mapping[int, Standing] = {batch.seq: batch for batch in batches}
        self._evidence = evidence

    async def all(self, target: int, *, then_replay: bool = False) -> list[int]:
        """The target and all that must be taken back with it, the newest first."""
        if not any(self._counts(seq, target) for seq in self._batches):
            return [target]  # with the images unread: a rollback of many comes to each of them in turn
        order = self._batches[target].order
        lowest = min((batch.seq for batch in self._batches.values() if batch.order > order), default=target)
        overwriters, writers = await self._overwriting(lowest)
        found, waiting = {target}, [target]
        while waiting:
            seq = waiting.pop()
            fresh = await self._later(seq, lowest, overwriters.get(seq, ()))
            victim = self._batches[seq].victim
            if victim is not None and self._batches[victim].order > order:
                fresh.add(victim)  # it stands again once its rollback is taken back
            if then_replay and self._mode is Mode.APPEND:
                fresh |= {writer for writer in writers.get(seq, ()) if self._counts(writer, target)}
            fresh -= found
            found |= fresh
            waiting.extend(fresh)
        return sorted(found, key=lambda seq: -self._batches[seq].order)

    async def _overwriting(self, lowest: int) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
        """The overwriters of each batch's rows, and the writers of the rows that each batch has overwritten."""
        overwriters: dict[int, set[int]] = {}
        writers: dict[int, set[int]] = {}
        if self._mode is not Mode.REPLACE:
            for writer, overwriter in await self._evidence.overwriters(lowest):
                overwriters.setdefault(writer, set()).add(overwriter)
                writers.setdefault(overwriter, set()).add(writer)
        return overwriters, writers

    async def _later(self, seq: int, lowest: int, overwriters: Collection[int]) -> set[int]:
        """The batches that have written rows of the batch since, and stand."""
        wrote = overwriters
        if self._mode is Mode.REPLACE:
            wrote = self._batches
        elif self._batches[seq].victim is not None:
            wrote = await self._evidence.writers_of_same_keys(seq, lowest)
        return {each for each in wrote if self._counts(each, seq)}

    def _counts(self, seq: int, target: int) -> bool:
        """Whether what a batch did since the target may be seen: it stands, and takes back nothing done since."""
        batch, since = self._batches.get(seq), self._batches[target].order
        if batch is None or batch.order <= since or batch.taken_back:
            return False
        return batch.victim is None or self._batches[batch.victim].order <= since
