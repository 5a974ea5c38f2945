"""Use cases of the windows: plan one, call one off, record that one began or ended."""

from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Conflict, InvalidRequest
from app.kernel.security.authorization import SYSTEM, Actor
from app.operations.modes.actions import WindowAction
from app.operations.modes.events import MAINTENANCE_CHANGED
from app.operations.modes.models import WindowRow
from app.operations.modes.repository import WindowWrites
from app.operations.modes.schemas import WindowDocument, WindowRequest
from app.operations.modes.window_rules import WindowState, faults, state_of
from app.operations.notifications.outbox.announcing import Announcements


class WindowsOverlap(Conflict):
    """Another window shares time with this one."""

    code, title = "windows-overlap", "Maintenance windows do not overlap"


class WindowOver(Conflict):
    """The window is over, or was called off already."""

    code, title = "window-over", "The window is over"


class WindowService:
    """Plans windows, calls them off and records their times, in the caller's transaction, audited."""

    def __init__(self, session: WriteSession, kinds: EventKinds) -> None:
        self._windows = WindowWrites(session)
        self._audit = AuditTrail(session)
        self._announcements = Announcements(session, kinds)

    async def plan(self, actor: Actor, wanted: WindowRequest) -> WindowDocument:
        """The new window. Raises `InvalidRequest` with every fault, `WindowsOverlap`."""
        now = await self._windows.now()
        found = faults(wanted.starts_at, wanted.ends_at, now)
        if found:
            raise InvalidRequest(faults=found)
        await self._windows.one_at_a_time()
        other = await self._windows.overlapping(wanted.starts_at, wanted.ends_at)
        if other is not None:
            raise WindowsOverlap("Another window shares time with this one.", window_id=str(other))
        row = await self._windows.add(WindowRow(**wanted.model_dump(), created_by=actor.label))
        await self._audit.append(actor, WindowAction.PLANNED, "maintenance-window", row.id, after=_audited(row))
        return WindowDocument.of(row, now)

    async def cancel(self, actor: Actor, window_id: UUID) -> WindowDocument:
        """The window, called off; when it runs, the mode is from now on what was decided by hand.

        Raises:
            NotFound: there is none with this id.
            WindowOver: it has ended.
        """
        await self._windows.one_at_a_time()
        row = await self._windows.lock_by_id(window_id)
        now = await self._windows.now()
        state = state_of(row.starts_at, row.ends_at, row.cancelled_at, now)
        if state in {WindowState.OVER, WindowState.CANCELLED}:
            raise WindowOver(f"It is {state.value} already.")
        row.cancelled_at, row.cancelled_by = now, actor.label
        before, after = {"state": state.value}, {"state": "cancelled"}
        await self._audit.append(
            actor, WindowAction.CANCELLED, "maintenance-window", row.id, before=before, after=after
        )
        return WindowDocument.of(row, now)

    async def record_due(self) -> None:
        """Record, and announce, which windows have begun or ended: each once, whoever else looks."""
        now = await self._windows.now()
        for row in await self._windows.lock_due():
            fields, entity = _audited(row), f"maintenance-window/{row.id}"
            if row.entered_at is None:
                row.entered_at = now
                await self._audit.append(SYSTEM, WindowAction.ENTERED, "maintenance-window", row.id, after=fields)
            if row.ends_at <= now:
                row.left_at = now
                await self._audit.append(SYSTEM, WindowAction.LEFT, "maintenance-window", row.id, before=fields)
            subject = f"A {row.mode} window {'is over' if row.left_at is not None else 'has begun'}"
            await self._announcements.announce(MAINTENANCE_CHANGED, subject, row.reason, fields, entity)


def _audited(row: WindowRow) -> dict[str, str]:
    """The window as the audit log and its messages show it."""
    return {
        "mode": row.mode,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "reason": row.reason,
    }
