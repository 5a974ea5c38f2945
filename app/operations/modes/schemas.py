"""Requests and answers of the modes and of the windows."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.kernel.schemas import Reason, StrictModel
from app.kernel.timestamps import Moment
from app.operations.modes.models import WindowRow
from app.operations.modes.modes import MaintenanceMode, SystemMode
from app.operations.modes.window_rules import WindowState, state_of


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
    reason: Reason | None = Field(
        None, description="Shown to those who are refused.", examples=["Moving to a larger disk."]
    )
    until: Moment | None = Field(None, description="Expected end, RFC 3339 with offset; becomes Retry-After.")


class MaintenanceInForce(MaintenanceDocument):
    """The mode now."""

    model_config = ConfigDict(from_attributes=True)

    reason: str | None = Field(None, description="Shown to those who are refused.")
    window_id: UUID | None = Field(None, description="The window that brought it; null when it was decided by hand.")


class WindowRequest(StrictModel):
    """A window to plan."""

    mode: Literal["read_only", "maintenance"] = Field(description="In force during the window.", examples=["read_only"])
    starts_at: Moment = Field(
        description="From then on; not in the past. RFC 3339 with offset.", examples=["2099-01-01T22:00:00Z"]
    )
    ends_at: Moment = Field(
        description="Until before this, at most 31 days later; becomes Retry-After.", examples=["2099-01-01T23:00:00Z"]
    )
    reason: Reason = Field(description="Shown to those who are refused.", examples=["Moving to a larger disk."])


class WindowDocument(BaseModel):
    """A window."""

    id: UUID = Field(description="Id of the window.")
    state: WindowState = Field(description="Where it stands now.")
    mode: MaintenanceMode = Field(description="In force during the window, unless decided otherwise by hand.")
    starts_at: datetime = Field(description="Begin.")
    ends_at: datetime = Field(description="End.")
    reason: str = Field(description="Shown to those who are refused.")
    created_at: datetime = Field(description="When it was planned.")
    created_by: str = Field(description="Who planned it.")
    cancelled_at: datetime | None = Field(description="When it was called off; if it ran by then, it ended so.")
    cancelled_by: str | None = Field(description="Who called it off.")

    @classmethod
    def of(cls, row: WindowRow, now: datetime) -> "WindowDocument":
        """The document of a window as it stands at this time."""
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "state"}
        return cls(state=state_of(row.starts_at, row.ends_at, row.cancelled_at, now), **fields)
