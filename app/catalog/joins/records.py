"""Joins as records: candidates, and accepted joins by version. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from app.catalog.tables.lifecycle import TableState
from app.kernel.http.etags import etag
from app.kernel.quoting import equalities
from app.warehouse.evidence.samples import JoinMeasure


class CandidateStatus(StrEnum):
    """Whether a candidate is still suggested."""

    SUGGESTED = "suggested"
    REJECTED = "rejected"


class JoinStatus(StrEnum):
    """How a version of an accepted join stands."""

    ACTIVE = "active"
    SUPERSEDED = "superseded"
    """A later version of the join was accepted."""
    DEPRECATED = "deprecated"


class RejectionReason(StrEnum):
    """Why a candidate is no join; bounded in number, since it labels a metric."""

    NOT_RELATED = "not-related"
    WRONG_COLUMNS = "wrong-columns"
    WRONG_DIRECTION = "wrong-direction"
    BAD_DATA = "bad-data"
    REDUNDANT = "redundant"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class JoinSide:
    """A version of a table, and the columns by which it is joined."""

    table: str
    columns: tuple[str, ...]
    table_id: UUID
    version: int
    state: TableState


@dataclass(frozen=True, slots=True)
class Rejection:
    """That somebody rejected a candidate."""

    reason: RejectionReason
    note: str | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JoinCandidate:
    """A join that evidence suggests. The left refers to the right."""

    id: str
    left: JoinSide
    right: JoinSide
    score: float
    measure: JoinMeasure
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    measured_at: datetime
    status: CandidateStatus
    rejection: Rejection | None
    accepted_version: int | None
    """Version of the join in force that was accepted from it; None when none was."""
    revision: int

    @property
    def etag(self) -> str:
        """The ETag of what the candidate is now: of all that is shown, since a candidate may go and come back."""
        shown = (self.left, self.right, self.score, self.measure, self.reasons, self.warnings)
        decided = (self.status, self.rejection, self.accepted_version)
        return etag(hashlib.sha256(repr((self.id, shown, decided)).encode()).hexdigest()[:32])


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a join was used: executions that are still on record."""

    executions: int = 0
    last_30_days: int = 0
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deprecation:
    """That a join was taken out of use."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AcceptedVersion:
    """A version of a join that an administrator accepted."""

    id: UUID
    join_id: str
    version: int
    status: JoinStatus
    left: JoinSide
    right: JoinSide
    rationale: str
    override_rationale: str | None
    overridden: tuple[str, ...]
    accepted_by: str
    accepted_at: datetime
    accepted_measure: JoinMeasure
    measure: JoinMeasure
    measured_at: datetime
    schema_versions: tuple[int | None, int | None]
    decay: tuple[str, ...]
    deprecation: Deprecation | None
    revision: int
    usage: Usage = Usage()

    @property
    def etag(self) -> str:
        """The ETag of what the join is now."""
        return etag(self.join_id, self.version, self.revision)

    @property
    def label(self) -> str:
        """Id and version, such as `customers__orders__customer_id@2`."""
        return f"{self.join_id}@{self.version}"


def condition(left: JoinSide, right: JoinSide) -> str:
    """SQL of what is equal, with logical names, as `equalities` says."""
    return equalities(left.table, right.table, zip(left.columns, right.columns, strict=True))
