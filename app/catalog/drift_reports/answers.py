"""What the OpenAPI document says of answers about drift beyond their schemas: headers and examples."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from app.catalog.drift.policy import RuleId, graded
from app.catalog.drift_reports.reports import DriftReport, DriftSource, DriftStatus
from app.catalog.drift_reports.schemas import DriftDependant, DriftReportDocument, report_document

_SEEN: Final = datetime(2030, 1, 1, tzinfo=UTC)
_ADDED: Final = graded(RuleId.COLUMN_ADDED, "/columns/vip", None, {"type": "boolean", "nullable": True}, column="vip")
_RETYPED: Final = graded(RuleId.OTHER_FAMILY, "/columns/visits/type", "integer", "text", column="visits")
_OPEN: Final = DriftReport(
    id=UUID("01890000-0000-7000-8000-000000000000"),
    table_id=UUID("01890000-0000-7000-8000-000000000001"),
    table_name="customers",
    table_version=1,
    contract_id="customers_v1",
    schema_version=1,
    source=DriftSource.BATCH,
    status=DriftStatus.OPEN,
    severity=_RETYPED.severity,
    batch_id=UUID("01890000-0000-7000-8000-000000000002"),
    times_seen=2,
    rows=2_000,
    created_at=_SEEN,
    last_seen_at=_SEEN,
    found_by="shop",
    resolved_at=None,
    resolved_by=None,
    note=None,
    applied_version=None,
    successor_contract=None,
    revision=1,
    changes=(_RETYPED,),
)
_READER: Final = DriftDependant(
    kind="execution",
    id="01890000-0000-7000-8000-000000000003",
    label="ada: statement 5d41402a, once, at 2030-01-01",
    by="ada",
    at=_SEEN,
)


def _decided(status: DriftStatus, note: str, **more: Any) -> DriftReport:
    return replace(_OPEN, status=status, note=note, resolved_at=_SEEN, resolved_by="grace", **more)


_ACCEPTED: Final[dict[str, Any]] = {"changes": (_ADDED,), "severity": _ADDED.severity, "applied_version": 2}
_TAG: Final[dict[str, Any]] = {"ETag": {"description": "The version of the report.", "schema": {"type": "string"}}}
_LOCATION: Final[dict[str, Any]] = {
    "Location": {"description": "The report that is kept.", "schema": {"type": "string"}}
}


def _answer(
    description: str, headers: dict[str, Any], examples: dict[str, DriftReportDocument]
) -> dict[int | str, dict[str, Any]]:
    values = {
        summary: {"summary": summary, "value": each.model_dump(mode="json")} for summary, each in examples.items()
    }
    return {
        200: {"description": description, "headers": headers, "content": {"application/json": {"examples": values}}}
    }


REPORT: Final = _answer(
    "The report.", _TAG, {"Breaking, and open": report_document(_OPEN).model_copy(update={"dependants": [_READER]})}
)
"""What a single report answers."""
DECIDED: Final = _answer(
    "The report, decided.",
    _TAG,
    {
        "Taken on": report_document(_decided(DriftStatus.ACCEPTED, "Agreed with the shop team.", **_ACCEPTED)),
        "Carried into a further version": report_document(
            _decided(DriftStatus.NEW_VERSION, "Visits are words now.", successor_contract="customers_v2")
        ),
    },
)
"""What a decision answers."""
UNDONE: Final = _answer(
    "The report, whose change is taken back.",
    _TAG,
    {"Taken back": report_document(_decided(DriftStatus.UNDONE, "Taken on too early.", **_ACCEPTED))},
)
"""What an undo answers."""
COMPARED: Final = _answer(
    "What differs; with an id where a report is kept of it.",
    _LOCATION,
    {"A column of another type": report_document(_OPEN)},
)
"""What a comparison answers."""
