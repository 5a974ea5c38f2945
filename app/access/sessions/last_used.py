"""When sessions were used last: noted in memory by every request, written once a minute by a background task."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from app.access.sessions.lifetimes import NOTED_EVERY, SessionKind, idle
from app.access.sessions.repository import SessionWrites
from app.kernel.db.database import OperationClass
from app.kernel.runtime.resources import Resources


class SessionsLastUsed:
    """The last uses that this process has seen, in seconds since the epoch, by the session's id."""

    def __init__(self) -> None:
        self._noted: dict[UUID, float] = {}
        self._written: dict[UUID, float] = {}

    def note(self, session_id: UUID, at: float) -> None:
        """Remember a use."""
        self._noted[session_id] = at

    def take_due(self) -> Mapping[UUID, datetime]:
        """The uses which are to be written now; what was written within a minute waits."""
        every = NOTED_EVERY.total_seconds()
        due = {id_: at for id_, at in self._noted.items() if at - self._written.get(id_, 0.0) >= every}
        for id_ in due:
            del self._noted[id_]
        latest = max(due.values(), default=0.0)
        self._written = {id_: at for id_, at in self._written.items() if latest - at < every} | due
        return {id_: datetime.fromtimestamp(at, UTC) for id_, at in due.items()}


async def write_last_used(resources: Resources, used: SessionsLastUsed) -> int:
    """The number of sessions whose last use was written, in one statement per kind of session."""
    due = used.take_due()
    if due:
        policy = resources.policy.current().sessions
        rests = {kind: idle(kind, policy) for kind in SessionKind}
        async with resources.database.write(OperationClass.CONTROL) as session:
            await SessionWrites(session).note_last_used(due, rests)
    return len(due)
