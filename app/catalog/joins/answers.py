"""What the OpenAPI document says of answers about joins beyond their schemas: headers and examples."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from app.catalog.joins.records import (
    AcceptedVersion,
    CandidateStatus,
    Deprecation,
    JoinCandidate,
    JoinSide,
    JoinStatus,
    Rejection,
    RejectionReason,
    Usage,
)
from app.catalog.joins.schemas import JoinRefreshDocument, candidate_document, detail_document, join_document
from app.catalog.tables.lifecycle import TableState
from app.warehouse.evidence.samples import JoinMeasure, Multiplicity

_AT: Final = datetime(2030, 1, 1, tzinfo=UTC)
_LEFT: Final = JoinSide("orders", ("customer_id",), UUID("01890000-0000-7000-8000-000000000001"), 1, TableState.ACTIVE)
_RIGHT: Final = JoinSide(
    "customers", ("customer_id",), UUID("01890000-0000-7000-8000-000000000002"), 1, TableState.ACTIVE
)
_MEASURE: Final = JoinMeasure(
    left_rows=12_000,
    left_nulls=0,
    left_distinct=940,
    left_matched_distinct=938,
    left_orphans=14,
    right_rows=1_000,
    right_nulls=0,
    right_distinct=1_000,
    fan_out=Multiplicity(12.778, 41, 63),
    multiplication=Multiplicity(1, 1, 1),
    left_unique=False,
    right_unique=True,
    values=940,
    exact=True,
)
_ID: Final = "customers__orders__customer_id"
_SUGGESTED: Final = JoinCandidate(
    id=_ID,
    left=_LEFT,
    right=_RIGHT,
    score=0.97,
    measure=_MEASURE,
    reasons=("orders.customer_id is named like customers and its key.",),
    warnings=("0.1 % of the rows of orders meet no customers.",),
    measured_at=_AT,
    status=CandidateStatus.SUGGESTED,
    rejection=None,
    accepted_version=None,
    revision=1,
)
_ACCEPTED: Final = AcceptedVersion(
    id=UUID("01890000-0000-7000-8000-000000000000"),
    join_id=_ID,
    version=1,
    status=JoinStatus.ACTIVE,
    left=_LEFT,
    right=_RIGHT,
    rationale="Orders name the customer who placed them.",
    override_rationale=None,
    overridden=(),
    accepted_by="grace",
    accepted_at=_AT,
    accepted_measure=_MEASURE,
    measure=_MEASURE,
    measured_at=_AT,
    schema_versions=(1, 1),
    decay=(),
    deprecation=None,
    revision=1,
    usage=Usage(41, 12, _AT),
)
_TAG: Final[dict[str, Any]] = {"ETag": {"description": "What it is now.", "schema": {"type": "string"}}}
_PLACE: Final[dict[str, Any]] = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}


def _answer(
    status: int, description: str, headers: dict[str, Any], example: BaseModel
) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": {"example": example.model_dump(mode="json")}}
    return {status: {"description": description, "headers": headers, "content": content}}


CANDIDATE: Final = _answer(200, "The candidate.", _TAG, candidate_document(_SUGGESTED))
REJECTED: Final = _answer(
    200,
    "The candidate, rejected.",
    _TAG,
    candidate_document(
        replace(
            _SUGGESTED,
            status=CandidateStatus.REJECTED,
            rejection=Rejection(RejectionReason.NOT_RELATED, "Of another shop.", "ada", _AT),
        )
    ),
)
ACCEPTED: Final = _answer(201, "The join.", _TAG | _PLACE, join_document(_ACCEPTED))
JOIN: Final = _answer(200, "The join.", _TAG, detail_document([_ACCEPTED]))
DEPRECATED: Final = _answer(
    200,
    "The join, out of use.",
    _TAG,
    detail_document(
        [replace(_ACCEPTED, status=JoinStatus.DEPRECATED, deprecation=Deprecation(_AT, "grace", "Replaced."))]
    ),
)
_JOB: Final = UUID("01890000-0000-7000-8000-000000000003")
REFRESHING: Final = _answer(
    202,
    "A look is under way, or waits already.",
    _PLACE,
    JoinRefreshDocument(job_id=_JOB, links={"self": f"/system/jobs/{_JOB}", "candidates": "/api/joins/candidates"}),
)
