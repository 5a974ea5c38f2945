"""What taking batches back means, in plain Python: the reference that `app/warehouse/reversal/` is tested against.

A history is a list of entries; each has the table before and after it. To take an entry back is to exchange the rows
that it wrote for those that it found. That is allowed while no later entry has written the same rows, those left out
that were taken back themselves; or together with them, the newest first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.warehouse.plan import Mode
from tests.reference.verdicts import Key, Observation, Rules, StoredRow, Table, Verdict, settle


@dataclass
class Entry:
    """A batch, or a rollback of the entry `victim`."""

    seq: int
    before: frozenset[StoredRow]
    after: frozenset[StoredRow]
    observations: Sequence[Observation] = ()
    victim: int | None = None
    taken_back_by: int | None = None

    @property
    def wrote(self) -> frozenset[StoredRow]:
        """Rows that were not there before."""
        return self.after - self.before

    @property
    def removed(self) -> frozenset[StoredRow]:
        """Rows that were there before."""
        return self.before - self.after

    @property
    def keys(self) -> frozenset[Key]:
        """Keys of all rows that it touched."""
        return frozenset(row.row.key for row in self.wrote | self.removed)


@dataclass
class History:
    """All that was done to a table."""

    rules: Rules
    entries: list[Entry] = field(default_factory=list)

    @property
    def table(self) -> frozenset[StoredRow]:
        """What is stored now."""
        return self.entries[-1].after if self.entries else frozenset()

    def put(self, observations: Sequence[Observation]) -> Counter[Verdict]:
        """Fold a batch in."""
        before = self.table
        stored: Table = tuple(sorted(before, key=lambda row: row.arrival))
        table, verdicts = settle(stored, observations, len(self.entries) + 1, self.rules)
        self.entries.append(Entry(len(self.entries) + 1, before, frozenset(table), observations))
        return verdicts

    def of(self, seq: int) -> Entry:
        """The entry of that number."""
        return self.entries[seq - 1]

    def later_writers(self, target: Entry) -> list[Entry]:
        """Entries that stand and have written the same rows since, those of the whole table in replace mode."""
        later = [entry for entry in self.entries[target.seq :] if self._stands(entry, target)]
        if self.rules.mode is Mode.REPLACE:
            return later
        if target.victim is None and self.rules.mode is Mode.APPEND:
            return [entry for entry in later if entry.removed & target.wrote]
        return [entry for entry in later if entry.keys & target.keys]

    @staticmethod
    def _stands(entry: Entry, target: Entry) -> bool:
        """Whether it counts as done since the target: not with what was done and taken back since."""
        return entry.taken_back_by is None and (entry.victim is None or entry.victim <= target.seq)

    def with_dependents(self, target: Entry, *, then_replay: bool = False) -> list[Entry]:
        """The target and all that must be taken back with it, the newest first.

        To take back a rollback is to let its victim stand again, in the way of what was done before the victim.
        """
        found, waiting = {target.seq: target}, [target]
        while waiting:
            entry = waiting.pop()
            more = self.later_writers(entry)
            if entry.victim is not None and entry.victim > target.seq:
                more.append(self.of(entry.victim))
            if then_replay and self.rules.mode is Mode.APPEND:
                more += self._whose_rows_return(entry, target)
            for other in more:
                if other.seq not in found:
                    found[other.seq] = other
                    waiting.append(other)
        return sorted(found.values(), key=lambda entry: -entry.seq)

    def _whose_rows_return(self, entry: Entry, target: Entry) -> list[Entry]:
        """Entries since the target whose rows come back with the entry.

        Their other rows of the session are replayed. Left standing, these would have come before those, and they after.
        """
        since = [entry for entry in self.entries[target.seq :] if entry.victim is None and entry.taken_back_by is None]
        return [other for other in since if other.wrote & entry.removed]

    def take_back(self, target: Entry) -> Entry:
        """The entry that takes back the target, which no later one stands in the way of."""
        assert target.taken_back_by is None
        assert not self.later_writers(target)
        assert target.wrote <= self.table, "its rows are as it left them"
        seq, before = len(self.entries) + 1, self.table
        entry = Entry(seq, before, before - target.wrote | target.removed, victim=target.seq)
        self.entries.append(entry)
        target.taken_back_by = seq
        if target.victim is not None:
            self.of(target.victim).taken_back_by = None
        return entry


def touched(undone: Iterable[Entry], observation: Observation, rules: Rules) -> bool:
    """Whether the entries changed the observation's key; in append mode its session."""
    return any(
        row.row.key == observation.key
        and (rules.mode is not Mode.APPEND or row.opens <= observation.time <= row.closes)
        for entry in undone
        for row in entry.wrote | entry.removed
    )


def visible(table: Iterable[StoredRow]) -> set[tuple[Key, datetime, int]]:
    """What readers see of a table."""
    return {(row.row.key, row.row.time, row.row.content) for row in table}
