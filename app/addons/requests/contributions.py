"""What requests for add-ons contribute: retention targets, a tile, holds."""

from functools import partial
from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field, Json

from app.kernel.ports.dashboard import DashboardTile, StatementTile
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget


class AddonHold(HoldFilter):
    """Also of which request."""

    request_id: UUID | None = Field(None, description="The request for an add-on.")


_OVER: Final = "r.status IN ('REJECTED', 'COMPLETED', 'FAILED')"
_ROWS: Final = partial(
    RowsTarget, key=ID, time="t.created_at", fields={"request_id": "t.request_id"}, hold_filter=AddonHold
)
_OBJECTS: Final = partial(
    _ROWS, join="JOIN spyne.addon_requests r ON r.id = t.request_id", size="t.bytes", object_key="t.object_key"
)
"""Rows with a stored object, of a request that may be over."""

VALIDATION_REPORTS: Final = _ROWS(
    category="addon_validation_reports",
    description="Reports of validation runs that are over, by when they were asked for; the runs themselves stay.",
    default=Default(365),
    table="spyne.addon_validation_runs",
    removable="t.report IS NOT NULL AND t.status IN ('PASSED', 'FAILED')",
    size="octet_length(CAST(t.report AS text))",
    clearing="report = NULL",
)
PACKAGES: Final = _OBJECTS(
    category="addon_packages",
    description="Archives of revisions of requests that are over, by when they were made; what is known of them stays.",
    default=Default(730),
    table="spyne.addon_revisions",
    removable=f"t.object_key IS NOT NULL AND {_OVER}",
    clearing="object_key = NULL",
)
SAMPLES: Final = _OBJECTS(
    category="addon_samples",
    description="Samples of logs that were deleted, or whose request is over, by when they were uploaded.",
    default=Default(90),
    table="spyne.addon_samples",
    removable=f"t.deleted_at IS NOT NULL OR {_OVER}",
)


class AddonsTile(BaseModel):
    """Requests for add-ons."""

    by_status: dict[str, int] | Json[dict[str, int]] = Field(description="Requests by status.")
    oldest_waiting_seconds: float = Field(description="For how long the oldest request waits for approval.")
    validations_open: int = Field(description="Validation runs that wait or are under way.")


TILES: Final[tuple[DashboardTile, ...]] = (
    StatementTile(
        "addons",
        AddonsTile,
        """
        SELECT (SELECT coalesce(jsonb_object_agg(status, requests), '{}')::text FROM (
                SELECT status, count(*) AS requests FROM spyne.addon_requests GROUP BY status) counted) AS by_status,
            (SELECT coalesce(extract(epoch FROM now() - min(status_since)), 0) FROM spyne.addon_requests
                WHERE status = 'PENDING_APPROVAL') AS oldest_waiting_seconds,
            (SELECT count(*) FROM spyne.addon_validation_runs WHERE status IN ('QUEUED', 'RUNNING')) AS validations_open
        """,
    ),
)
