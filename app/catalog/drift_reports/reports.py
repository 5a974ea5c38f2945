"""A report of drift: where it comes from, how it stands, and what tells one difference from another. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import orjson

from app.catalog.drift.change import Change, ChangeKind, Severity, worst
from app.kernel.http.etags import etag


class DriftSource(StrEnum):
    """Where a difference was seen."""

    BATCH = "batch"
    """In the rows of a batch."""
    REQUEST = "request"
    """In a schema or in rows that somebody sent to be compared."""
    RELATION = "relation"
    """In the relation behind a table."""
    IMPORT = "import"
    """In a document that somebody imports."""


class DriftStatus(StrEnum):
    """How a report stands. What is open or rejected is known: the same difference makes no second report."""

    OPEN = "open"
    ACCEPTED = "accepted"
    """The schema has taken the change on, or the relation as it is is the new baseline."""
    REJECTED = "rejected"
    """Nothing changes; who sees the difference again is not told again."""
    NEW_VERSION = "new_version"
    """A further version of the contract was made for it."""
    UNDONE = "undone"
    """The schema had taken the change on, and has it no more."""


KNOWN: Final = (DriftStatus.OPEN, DriftStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class Subject:
    """The table whose schema differs."""

    table_id: UUID
    contract_id: str | None
    schema_version: int | None
    table: str
    """`name@version`."""

    @property
    def label(self) -> str:
        """What metrics and messages call it: the contract's id; of an adopted table `name@version`."""
        return self.contract_id or self.table


@dataclass(frozen=True, slots=True)
class Finding:
    """Changes that belong together, and are decided together."""

    changes: tuple[Change, ...]
    rows: int = 0
    """Rows that showed them."""

    @property
    def severity(self) -> Severity:
        """The worst of the changes."""
        return worst(change.severity for change in self.changes)

    @property
    def fingerprint(self) -> str:
        """What names the difference, however often it is seen: a hash of what changes, and into what.

        A column that is added is the same whatever type its values suggest, since more rows may suggest a wider one.
        """
        named = sorted(
            [change.kind.value, change.path, None if change.kind is ChangeKind.ADD else change.new]
            for change in self.changes
        )
        return hashlib.sha256(orjson.dumps(named, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A report that a finding became, or was already."""

    id: UUID
    status: DriftStatus
    made: bool
    """Whether it is new."""
    finding: Finding


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A report as it is kept."""

    id: UUID
    table_id: UUID
    table_name: str
    table_version: int
    contract_id: str | None
    schema_version: int | None
    source: DriftSource
    status: DriftStatus
    severity: Severity
    batch_id: UUID | None
    times_seen: int
    rows: int
    created_at: datetime
    last_seen_at: datetime
    found_by: str
    resolved_at: datetime | None
    resolved_by: str | None
    note: str | None
    applied_version: int | None
    successor_contract: str | None
    revision: int
    changes: tuple[Change, ...] = ()

    @property
    def etag(self) -> str:
        """Another one after every decision. Seeing the difference again changes no decision."""
        return etag(self.id, self.revision)

    @property
    def subject(self) -> Subject:
        """What it is about."""
        table = f"{self.table_name}@{self.table_version}"
        return Subject(self.table_id, self.contract_id, self.schema_version, table)


def in_words(changes: Sequence[Change]) -> str:
    """The changes in a line each, as messages show them."""
    return "\n".join(
        f"{change.severity.value} {change.kind.value} {change.path}: {_shown(change.old)} → {_shown(change.new)}"
        for change in changes
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"


SHOWN_LENGTH: Final = 200
"""Characters of a value that a message repeats."""
