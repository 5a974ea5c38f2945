"""What the modes contribute: tiles of the dashboard, events, configuration views."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field

from app.kernel.db.database import ReadSession
from app.kernel.ports.dashboard import DashboardTile, StatementTile
from app.operations.modes.modes import MaintenanceMode, SystemMode
from app.operations.modes.repository import mode_basis


class PlatformTile(BaseModel):
    """What the platform is ready for."""

    system_mode: SystemMode = Field(description="The system mode.")


class MaintenanceTile(BaseModel):
    """What operations allow now."""

    mode: MaintenanceMode = Field(description="The mode in force.")
    reason: str | None = Field(description="Why.")
    until: datetime | None = Field(description="Its expected end.")
    next_window: datetime | None = Field(description="Start of the next maintenance window.")


@dataclass(frozen=True, slots=True)
class _Maintenance:
    name: str = "maintenance"

    async def read(self, session: ReadSession) -> BaseModel:
        found = await mode_basis(session)
        now, nearest = found.in_force(), found.nearest
        coming = nearest.starts_at if nearest is not None and nearest.starts_at > found.now else None
        return MaintenanceTile(mode=now.mode, reason=now.reason, until=now.until, next_window=coming)


TILES: Final[tuple[DashboardTile, ...]] = (
    _Maintenance(),
    StatementTile(
        "platform",
        PlatformTile,
        "SELECT coalesce((SELECT value ->> 'mode' FROM spyne.system_config WHERE key = 'system_mode'), 'READ_ONLY')"
        " AS system_mode",
    ),
)
