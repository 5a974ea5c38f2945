"""Requests and answers of the modes."""

from uuid import UUID

from pydantic import ConfigDict, Field

from app.kernel.schemas import StrictModel
from app.kernel.timestamps import Moment
from app.operations.modes.modes import MaintenanceMode, SystemMode


class SystemModeDocument(StrictModel):
    """What the platform is ready for."""

    mode: SystemMode = Field(
        description="READ_ONLY on day one; INGESTION_READY opens contracts and ingestion.", examples=["INGESTION_READY"]
    )


class MaintenanceDocument(StrictModel):
    """What operations allow now."""

    mode: MaintenanceMode = Field(
        description="`normal`, `read_only` (reads, previews and executions go on) or `maintenance`.",
        examples=["read_only"],
    )
    reason: str | None = Field(
        None, max_length=500, description="Shown to those who are refused.", examples=["Moving to a larger disk."]
    )
    until: Moment | None = Field(None, description="Expected end, RFC 3339 with offset; becomes Retry-After.")


class MaintenanceInForce(MaintenanceDocument):
    """The mode now."""

    model_config = ConfigDict(from_attributes=True)

    window_id: UUID | None = Field(None, description="The window that brought it; null when it was decided by hand.")
