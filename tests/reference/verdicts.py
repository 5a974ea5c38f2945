"""What verdicts mean, row by row and in plain Python: the reference that the set-based merge is tested against.

What runs is SQL: `app/warehouse/merge.py` and `app/warehouse/event_sessions.py`.
`tests/warehouse/test_ingest_properties.py` holds it to this for every mode and resolution.

Two independent readings of the same rules: `settle` folds one batch into what is stored and gives every row its
verdict; `outcome` says from all observations at once what must be stored in the end. They agree however observations
are split into batches; under the event-time resolutions also in whatever order they come.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.warehouse.plan import BY_EVENT_TIME, STORED_STAYS, Mode, Resolution

Key = tuple[Any, ...]
Arrival = tuple[int, int]
"""Batch and line: the order in which observations count as written."""


class Verdict(StrEnum):
    """What became of one row of a batch."""

    INSERTED = "inserted"
    """It stands for a key, or a session of a key, that was not stored."""
    UPDATED = "updated"
    """It replaced other content."""
    UNCHANGED = "unchanged"
    """The stored row equals it in key, event time and content; nothing was written."""
    DUPLICATE = "duplicate"
    """It repeats an earlier row: exactly, within its batch; or in append mode the content of its session's row."""
    LATE = "late"
    """It lost against a row that the resolution prefers: newer, older, written first, or written last."""
    CONFLICT = "conflict"
    """It lost, and the contract says that losing rows are refused."""
    REJECTED = "rejected"
    """It is not a row of this contract."""


@dataclass(frozen=True)
class Rules:
    """The semantics of a contract."""

    mode: Mode
    resolution: Resolution
    window: timedelta

    @property
    def loses(self) -> Verdict:
        """The verdict of a row that loses against other content."""
        return Verdict.CONFLICT if self.resolution is Resolution.REJECT else Verdict.LATE


@dataclass(frozen=True)
class Observation:
    """One accepted row: its key, event time and content hash."""

    key: Key
    time: datetime
    content: int

    @property
    def rank(self) -> tuple[datetime, int]:
        """What the event-time resolutions compare."""
        return (self.time, self.content)


@dataclass(frozen=True)
class StoredRow:
    """One row of the relation. In append mode `opens` and `closes` span the event times of its session."""

    row: Observation
    arrival: Arrival
    opens: datetime
    closes: datetime


Table = tuple[StoredRow, ...]

Fill = Callable[[int, int], int]
"""The content of a row whose batch leaves columns out, with a stored row's values in these columns: (content of the
row, content of the stored row) -> content."""


def _leave_out(content: int, _: int) -> int:
    """The content as it is: the batch leaves no column out."""
    return content


def filled(row: StoredRow, known: StoredRow | None, fill: Fill) -> StoredRow:
    """The row, with what the stored row has in columns that the batch leaves out; as it is without a stored row."""
    if known is None:
        return row
    return replace(row, row=replace(row.row, content=fill(row.row.content, known.row.content)))


def preferred(rows: Iterable[StoredRow], resolution: Resolution) -> StoredRow:
    """The row that stays among several of one key (and session)."""
    match resolution:
        case Resolution.LATEST_WINS:
            return min(rows, key=lambda s: (-s.row.time.timestamp(), -s.row.content, s.arrival))
        case Resolution.EARLIEST_WINS:
            return min(rows, key=lambda s: (s.row.rank, s.arrival))
        case Resolution.LAST_WRITE_WINS:
            return max(rows, key=lambda s: s.arrival)
        case _:
            return min(rows, key=lambda s: s.arrival)


def settle(
    stored: Table, batch: Sequence[Observation], seq: int, rules: Rules, fill: Fill = _leave_out
) -> tuple[Table, Counter[Verdict]]:
    """What is stored after the batch, and how many of its rows got which verdict. Lines count from 1.

    A column that no row of the batch brings says nothing of stored values: rows are completed from the stored row that
    they may overwrite, before they are compared with it. That is the row of their key; in append mode the one of their
    session that the resolution prefers. Under `reject` nothing is overwritten in append mode: there it is the row of
    the same key and event time, so that a row which comes again is no conflict.
    """
    verdicts: Counter[Verdict] = Counter()
    arriving = [StoredRow(row, (seq, line), row.time, row.time) for line, row in enumerate(batch, 1)]
    by_key: dict[Key, list[StoredRow]] = {}
    for row in _without_repeats(arriving, rules, verdicts):
        by_key.setdefault(row.row.key, []).append(row)
    kept = {} if rules.mode is Mode.REPLACE else _by_key(stored)
    before = _by_key(stored)
    for key, rows in by_key.items():
        known = before.get(key, [])
        if rules.mode is not Mode.APPEND:
            known_row = known[0] if known else None
            complete = [filled(row, known_row, fill) for row in rows]
            kept[key] = [_settle_key(known_row, complete, rules, verdicts)]
        elif rules.resolution is Resolution.REJECT:
            at = {row.row.time: row for row in known}
            complete = [filled(row, at.get(row.row.time), fill) for row in rows]
            kept[key] = _keep_first_sightings(known, complete, rules, verdicts)
        else:
            kept[key] = _settle_sessions(known, rows, rules, verdicts, fill)
    return tuple(row for rows in kept.values() for row in rows), verdicts


def _by_key(stored: Iterable[StoredRow]) -> dict[Key, list[StoredRow]]:
    rows: dict[Key, list[StoredRow]] = {}
    for row in stored:
        rows.setdefault(row.row.key, []).append(row)
    return rows


def _without_repeats(rows: list[StoredRow], rules: Rules, verdicts: Counter[Verdict]) -> list[StoredRow]:
    """The rows less exact repeats within the batch: the first stays, under `last_write_wins` the last."""
    backwards = rules.resolution is Resolution.LAST_WRITE_WINS
    distinct: dict[Observation, StoredRow] = {}
    for row in reversed(rows) if backwards else rows:
        distinct.setdefault(row.row, row)
    verdicts[Verdict.DUPLICATE] += len(rows) - len(distinct)
    return sorted(distinct.values(), key=lambda row: row.arrival)


def _settle_key(stored: StoredRow | None, rows: list[StoredRow], rules: Rules, verdicts: Counter[Verdict]) -> StoredRow:
    """Upsert and replace: the one row of a key."""
    if stored is not None and rules.mode is Mode.UPSERT and rules.resolution in STORED_STAYS:
        for row in rows:
            verdicts[Verdict.UNCHANGED if row.row == stored.row else rules.loses] += 1
        return stored
    winner = preferred(rows, rules.resolution)
    verdicts[rules.loses] += len(rows) - 1
    if stored is None:
        verdicts[Verdict.INSERTED] += 1
        return winner
    if winner.row == stored.row:
        verdicts[Verdict.UNCHANGED] += 1
        return stored
    if rules.mode is Mode.UPSERT and rules.resolution in BY_EVENT_TIME:
        winner_of_both = preferred((stored, winner), rules.resolution)
        verdicts[Verdict.UPDATED if winner_of_both is winner else Verdict.LATE] += 1
        return winner_of_both
    verdicts[Verdict.UPDATED] += 1
    return winner


def sessions(rows: Iterable[StoredRow], window: timedelta) -> list[list[StoredRow]]:
    """The rows of one key by session: spans that lie within the window of each other, directly or through others."""
    found: list[list[StoredRow]] = []
    reached: datetime | None = None
    for row in sorted(rows, key=lambda s: (s.opens, s.closes, s.arrival)):
        if reached is None or row.opens > reached + window:
            found.append([])
            reached = row.closes
        found[-1].append(row)
        reached = max(reached, row.closes)
    return found


def _spanned(row: StoredRow, session: Sequence[StoredRow]) -> StoredRow:
    return replace(row, opens=min(s.opens for s in session), closes=max(s.closes for s in session))


def _settle_sessions(
    stored: list[StoredRow], rows: list[StoredRow], rules: Rules, verdicts: Counter[Verdict], fill: Fill
) -> list[StoredRow]:
    """Append: one row per session, the preferred one."""
    old = set(stored)
    kept: list[StoredRow] = []
    for session in sessions([*stored, *rows], rules.window):
        known = [row for row in session if row in old]
        overwritten = preferred(known, rules.resolution) if known else None
        new = [filled(row, overwritten, fill) for row in session if row not in old]
        winner = preferred([*known, *new], rules.resolution)
        if known and rules.resolution in BY_EVENT_TIME:
            best = preferred(known, rules.resolution)
            winner = best if best.row == winner.row else winner
        kept.append(_spanned(winner, session))
        for row in new:
            verdicts[_session_verdict(row, winner, known, rules)] += 1
    return kept


def _session_verdict(row: StoredRow, winner: StoredRow, known: list[StoredRow], rules: Rules) -> Verdict:
    if row is not winner:
        return Verdict.DUPLICATE if row.row.content == winner.row.content else rules.loses
    if not known:
        return Verdict.INSERTED
    same = preferred(known, rules.resolution).row.content == row.row.content
    return Verdict.DUPLICATE if same else Verdict.UPDATED


def _keep_first_sightings(
    stored: list[StoredRow], rows: list[StoredRow], rules: Rules, verdicts: Counter[Verdict]
) -> list[StoredRow]:
    """Append with `reject`: a row is stored when nothing was observed within the window of it before."""
    kept: list[StoredRow] = []
    new: list[StoredRow] = []
    for row in rows:
        near_stored = any(s.opens - rules.window <= row.row.time <= s.closes + rules.window for s in stored)
        near_earlier = any(
            abs(row.row.time - other.row.time) <= rules.window for other in rows if other.arrival < row.arrival
        )
        if not near_stored and not near_earlier:
            new.append(row)
    staying = {*stored, *new}
    for session in sessions([*stored, *rows], rules.window):
        remaining = [row for row in session if row in staying]
        kept.extend(_spanned(row, session) for row in remaining)
        contents = {row.row.content for row in remaining}
        for row in session:
            if row in new:
                verdicts[Verdict.INSERTED] += 1
            elif row not in staying:
                verdicts[Verdict.DUPLICATE if row.row.content in contents else Verdict.CONFLICT] += 1
    return kept


def outcome(batches: Sequence[Sequence[Observation]], rules: Rules) -> Mapping[tuple[Key, datetime], int]:
    """What must be stored after all batches: content by key and event time. Written from the definition alone."""
    seen = batches[-1:] if rules.mode is Mode.REPLACE else batches
    rows = [row for batch in seen for row in batch]
    arrivals = [StoredRow(row, (0, place), row.time, row.time) for place, row in enumerate(rows)]
    stored: list[StoredRow] = []
    for key in {row.key for row in rows}:
        mine = [arrival for arrival in arrivals if arrival.row.key == key]
        if rules.mode is not Mode.APPEND:
            stored.append(preferred(mine, rules.resolution))
        elif rules.resolution is Resolution.REJECT:
            stored.extend(
                row
                for i, row in enumerate(mine)
                if all(abs(row.row.time - o.row.time) > rules.window for o in mine[:i])
            )
        else:
            stored.extend(preferred(session, rules.resolution) for session in sessions(mine, rules.window))
    return {(s.row.key, s.row.time): s.row.content for s in stored}
