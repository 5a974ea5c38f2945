"""Contributions of sessions to other planes: a retention target."""

from uuid import UUID

from pydantic import Field

from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget


class SessionHold(HoldFilter):
    """A filter of holds that may name the person too."""

    user_id: UUID | None = Field(None, description="Who logged in.")


SESSIONS = RowsTarget(
    category="sessions",
    description="Sessions of people with their refresh tokens, by when they ended at the latest.",
    default=Default(7, enabled=True),
    table="spyne.sessions",
    key=ID,
    time="t.ends_at",
    fields={"user_id": "t.user_id"},
    hold_filter=SessionHold,
)
