"""Which version stands for a table among joins, and what is known of it for certain. Pure records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final
from uuid import UUID

from app.catalog.tables.lifecycle import TableState
from app.warehouse.naming import RelationName

MEASURED_STATES: Final = (TableState.ACTIVE, TableState.READ_ONLY, TableState.SHADOW)
"""In which states a version is looked at, the one first by which the others are passed over: a version that can be
queried stands for the table; one in SHADOW only while nothing can be queried. What is DEPRECATED joins nothing."""


@dataclass(frozen=True, slots=True)
class JoinSubject:
    """The version that stands for a table."""

    table_id: UUID
    table: str
    version: int
    state: TableState
    relation: RelationName
    schema_version: int
    columns: tuple[str, ...]
    governed: bool
    key: tuple[str, ...] | None
    """Columns by which a contract tells rows apart; None where rows may repeat them."""
    private: frozenset[str] = frozenset()
    """Columns of which no value is kept."""


class Depth(IntEnum):
    """How deep a look goes: each does what those before it do, and more."""

    TOUCHED = 1
    """At tables in which PostgreSQL counted changes, and those of which another version or shape stands."""
    ALL = 2
    """At all tables; what batches changed since the last look is followed where that explains the difference."""
    ANEW = 3
    """At all tables as a whole, whatever is known; and all questions are asked again."""


@dataclass(frozen=True, slots=True)
class EvidenceHead:
    """When a version was looked at, and what it held."""

    table_id: UUID
    schema_version: int
    rows: int
    batch: int | None
    fingerprint: int | None
    activity: str | None
    measured_at: datetime
    usable: bool
    """Whether there is evidence; it may be of before the last look, which failed for want of time."""
    failure: str | None
    """Why the last look failed; None when it did not."""

    def is_of(self, subject: JoinSubject) -> bool:
        """Whether the look was at this shape of the version."""
        return self.schema_version == subject.schema_version

    def stands_for(self, subject: JoinSubject) -> bool:
        """Whether there is evidence of this shape of the version."""
        return self.usable and self.is_of(subject)


@dataclass(frozen=True, slots=True)
class KnownGrain:
    """What is unique in a version, as far as its data says."""

    schema_version: int
    key: tuple[str, ...]
    """Columns that together identify a row; empty when nothing does."""
    unique: frozenset[str]
    """Single columns in which no value occurs twice."""


def row_key(mode: str, idempotency_key: Sequence[str], event_time: str) -> tuple[str, ...] | None:
    """The columns of which no two rows of a governed relation have the same values: with the event time in `append`."""
    if mode == "append" and event_time not in idempotency_key:
        return (*idempotency_key, event_time)
    return tuple(idempotency_key)
