"""What joins look like over HTTP."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field

from app.catalog.joins.discovery.model import DEFAULT_MIN_SCORE
from app.catalog.joins.records import (
    AcceptedVersion,
    CandidateStatus,
    JoinCandidate,
    JoinSide,
    JoinStatus,
    RejectionReason,
    condition,
)
from app.catalog.tables.lifecycle import TableState
from app.kernel.schemas import Rationale, Reason, StrictModel
from app.warehouse.evidence.samples import JoinMeasure, Multiplicity

DIGITS: Final = 6
"""Digits of a share after the point: one row in a million."""


CONDITION: Final = Field(
    description="SQL of what is equal; the right of a self-join is called as the table with `_2` behind it.",
    examples=["orders.customer_id = customers.customer_id"],
)


class JoinSideDocument(BaseModel):
    """One side of a join."""

    table: str = Field(description="Logical name.", examples=["orders"])
    columns: list[str] = Field(description="Each equals the column of the other side in the same place.")
    table_id: UUID = Field(description="The version that was measured.")
    version: int = Field(description="Its number.")
    state: TableState = Field(description="Its state now.")

    @staticmethod
    def of(side: JoinSide) -> "JoinSideDocument":
        """The side as it is shown."""
        return JoinSideDocument(
            table=side.table, columns=list(side.columns), table_id=side.table_id, version=side.version, state=side.state
        )


class ContainmentDocument(BaseModel):
    """How much of one side's values the other has: of distinct values, without nulls."""

    left_to_right: float = Field(ge=0, le=1, description="Share of the left's values that occur on the right.")
    right_to_left: float = Field(ge=0, le=1, description="Share of the right's values that occur on the left.")


class RowsPerValueDocument(BaseModel):
    """How many rows share a value, over the values that occur on both sides."""

    mean: float
    p99: float = Field(description="99 of 100 values have no more rows.")
    max: int

    @staticmethod
    def of(rows: Multiplicity | None) -> "RowsPerValueDocument | None":
        """The numbers as they are shown."""
        return None if rows is None else RowsPerValueDocument(mean=round(rows.mean, 3), p99=rows.p99, max=rows.max)


class NullRatesDocument(BaseModel):
    """Shares of rows that have a null in a column of the join, and so meet nothing."""

    left: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)


class JoinMeasureDocument(BaseModel):
    """What the join does."""

    cardinality: str = Field(
        description="Left to right: 1:1, n:1, 1:n or n:m, where 1 is a side on which no value repeats."
    )
    containment: ContainmentDocument
    orphan_rate: float = Field(ge=0, le=1, description="Share of the left's rows with a value that meet no right row.")
    orphans: int = Field(description="How many rows that is.")
    fan_out: RowsPerValueDocument | None = Field(
        description="Rows of the left that a row of the right meets; null when no value occurs on both sides."
    )
    multiplication: RowsPerValueDocument | None = Field(
        description="Rows of the right that a row of the left meets: 1 where the right's columns are unique."
    )
    null_rates: NullRatesDocument
    left_rows: int
    right_rows: int
    sample_size: int = Field(description="Distinct values of the left that the numbers rest on.")
    exact: bool = Field(description="Counted; otherwise estimated from samples of the values.")
    measured_at: datetime

    @staticmethod
    def of(measure: JoinMeasure, measured_at: datetime) -> "JoinMeasureDocument":
        """The measure as it is shown."""
        nulls = (measure.left_nulls, measure.left_rows), (measure.right_nulls, measure.right_rows)
        left, right = (round(part / whole, DIGITS) if whole else 0.0 for part, whole in nulls)
        return JoinMeasureDocument(
            cardinality=measure.cardinality,
            containment=ContainmentDocument(
                left_to_right=_share(measure.containment), right_to_left=_share(measure.coverage)
            ),
            orphan_rate=_share(measure.orphan_rate),
            orphans=measure.left_orphans,
            fan_out=RowsPerValueDocument.of(measure.fan_out),
            multiplication=RowsPerValueDocument.of(measure.multiplication),
            null_rates=NullRatesDocument(left=left, right=right),
            left_rows=measure.left_rows,
            right_rows=measure.right_rows,
            sample_size=measure.values,
            exact=measure.exact,
            measured_at=measured_at,
        )


def _share(value: float) -> float:
    return round(min(1.0, max(0.0, value)), DIGITS)


class RejectionDocument(BaseModel):
    """That somebody rejected a candidate."""

    reason: RejectionReason
    note: str | None = Field(description="In words.")
    by: str
    at: datetime


class JoinCandidateDocument(JoinMeasureDocument):
    """A join that evidence suggests. It is not used by anything until an administrator accepts it."""

    candidate_id: str = Field(description="Readable, and the id of the join once accepted.")
    left: JoinSideDocument = Field(description="The side that refers.")
    right: JoinSideDocument = Field(description="The side that is referred to.")
    condition: str = CONDITION
    score: float = Field(
        ge=0, le=1, description=f"How good the evidence is; from {DEFAULT_MIN_SCORE} on it is suggested."
    )
    reasons: list[str] = Field(description="Why it is suggested.")
    warnings: list[str] = Field(description="What speaks against it.")
    status: CandidateStatus
    rejection: RejectionDocument | None = Field(description="Null unless it is rejected.")
    accepted_version: int | None = Field(description="Version of the join in force; null when none is.")


def candidate_document(candidate: JoinCandidate) -> JoinCandidateDocument:
    """The candidate as it is shown."""
    rejection = None
    if candidate.rejection is not None:
        rejected = candidate.rejection
        rejection = RejectionDocument(reason=rejected.reason, note=rejected.note, by=rejected.by, at=rejected.at)
    measure = JoinMeasureDocument.of(candidate.measure, candidate.measured_at)
    return JoinCandidateDocument.model_validate(
        measure.model_dump()
        | {
            "candidate_id": candidate.id,
            "left": JoinSideDocument.of(candidate.left).model_dump(),
            "right": JoinSideDocument.of(candidate.right).model_dump(),
            "condition": condition(candidate.left, candidate.right),
            "score": round(candidate.score, 3),
            "reasons": list(candidate.reasons),
            "warnings": list(candidate.warnings),
            "status": candidate.status,
            "rejection": rejection and rejection.model_dump(),
            "accepted_version": candidate.accepted_version,
        }
    )


class JoinUsageDocument(BaseModel):
    """How often a join was used, by executions that are still on record."""

    executions: int = Field(description="Executions that used it, in any version.")
    last_30_days: int
    last_used_at: datetime | None = Field(description="Null when it never was.")


class JoinDeprecationDocument(BaseModel):
    """That a join was taken out of use."""

    at: datetime
    by: str
    reason: str


class AcceptedJoinDocument(BaseModel):
    """A version of a join that an administrator accepted."""

    join_id: str = Field(examples=["customers__orders__customer_id"])
    version: int = Field(description="Counts acceptances from 1.")
    status: JoinStatus
    left: JoinSideDocument = Field(description="The side that refers.")
    right: JoinSideDocument = Field(description="The side that is referred to.")
    condition: str = CONDITION
    rationale: str = Field(description="Why it was accepted.")
    overridden: list[str] = Field(description="What the policy had against it.")
    override_rationale: str | None = Field(description="Why it was accepted all the same.")
    accepted_by: str
    accepted_at: datetime
    at_acceptance: JoinMeasureDocument = Field(description="What it did when it was accepted, exactly.")
    now: JoinMeasureDocument = Field(description="What it did when it was measured last.")
    decay: list[str] = Field(description="Why it does not hold any more as it was accepted; empty while it does.")
    deprecation: JoinDeprecationDocument | None = Field(description="Null unless it is deprecated.")
    usage: JoinUsageDocument


class JoinDetailDocument(AcceptedJoinDocument):
    """The newest version of a join, and those before."""

    versions: list[AcceptedJoinDocument] = Field(description="Every version, newest first.")


def join_document(join: AcceptedVersion) -> AcceptedJoinDocument:
    """The version as it is shown."""
    deprecation = join.deprecation
    return AcceptedJoinDocument(
        join_id=join.join_id,
        version=join.version,
        status=join.status,
        left=JoinSideDocument.of(join.left),
        right=JoinSideDocument.of(join.right),
        condition=condition(join.left, join.right),
        rationale=join.rationale,
        overridden=list(join.overridden),
        override_rationale=join.override_rationale,
        accepted_by=join.accepted_by,
        accepted_at=join.accepted_at,
        at_acceptance=JoinMeasureDocument.of(join.accepted_measure, join.accepted_at),
        now=JoinMeasureDocument.of(join.measure, join.measured_at),
        decay=list(join.decay),
        deprecation=deprecation
        and JoinDeprecationDocument(at=deprecation.at, by=deprecation.by, reason=deprecation.reason),
        usage=JoinUsageDocument(
            executions=join.usage.executions, last_30_days=join.usage.last_30_days, last_used_at=join.usage.last_used_at
        ),
    )


def detail_document(versions: list[AcceptedVersion]) -> JoinDetailDocument:
    """The join as it is shown, from its versions, newest first."""
    shown = [join_document(each) for each in versions]
    return JoinDetailDocument.model_validate(
        shown[0].model_dump() | {"versions": [each.model_dump() for each in shown]}
    )


class JoinAcceptRequest(StrictModel):
    """A candidate to accept."""

    candidate_id: str = Field(min_length=1, max_length=512, examples=["customers__orders__customer_id"])
    rationale: Rationale = Field(
        description="Why the tables belong together so; kept with the join.",
        examples=["Orders name the customer who placed them."],
    )
    override_rationale: Rationale | None = Field(
        None,
        description="Why it is accepted though the policy speaks against it; kept with the join.",
        examples=["Planes that were scrapped are no longer listed."],
    )


class JoinRejectRequest(StrictModel):
    """Why a candidate is no join."""

    reason: RejectionReason = Field(description="Counted by this.", examples=["not-related"])
    note: Reason | None = Field(None, description="In words.", examples=["Line numbers, which start at 1 everywhere."])


class JoinDeprecateRequest(StrictModel):
    """Why a join goes out of use."""

    reason: Reason = Field(description="Kept with the join.", examples=["Customers are in the new system now."])


class JoinRefreshDocument(BaseModel):
    """A look at all tables, under way."""

    job_id: UUID = Field(description="The job; one that waits already is not doubled.")
    links: dict[str, str] = Field(description="`self`: how far it is. `candidates`: what it finds.")
