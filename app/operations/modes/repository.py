"""All SQL of the windows, and the one statement that says what the maintenance mode follows from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import and_, func, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from app.kernel.db.database import ReadSession
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.operations.decisions import service as decisions
from app.operations.modes.models import WindowRow
from app.operations.modes.modes import Maintenance, MaintenanceMode
from app.operations.modes.window_rules import ModeBasis, Window, WindowState

MAINTENANCE: Final = "maintenance"
"""Key of `system_config`: what was decided by hand."""

_PLANNING: Final = "spyne.maintenance-windows"

_NOW: Final = func.statement_timestamp()
"""The statement's time, not `now()`: a transaction that began before a window must see it by its commit."""


def _basis_statement() -> Any:
    clock = select(_NOW.label("now")).subquery("clock")
    manual = decisions.as_subquery(MAINTENANCE)
    nearest = (
        select(WindowRow.id, WindowRow.mode, WindowRow.starts_at, WindowRow.ends_at, WindowRow.reason)
        .where(WindowRow.cancelled_at.is_(None), WindowRow.ends_at > _NOW)
        .order_by(WindowRow.ends_at)
        .limit(1)
        .subquery("nearest")
    )
    return (
        select(
            clock.c.now,
            *manual.c,
            nearest.c.id.label("window_id"),
            nearest.c.mode.label("window_mode"),
            nearest.c.starts_at,
            nearest.c.ends_at,
            nearest.c.reason.label("window_reason"),
        )
        .select_from(clock)
        .outerjoin(manual, true())
        .outerjoin(nearest, true())
    )


_BASIS: Final = _basis_statement()


async def mode_basis(session: ReadSession) -> ModeBasis:
    """What the mode follows from, in one statement: every writing session asks this, twice."""
    row = (await session.execute(_BASIS)).one()
    manual = Maintenance()
    if row.value is not None:
        until = row.value.get("until")
        manual = Maintenance(
            MaintenanceMode(row.value["mode"]),
            row.value.get("reason"),
            datetime.fromisoformat(until) if until else None,
        )
    nearest = None
    if row.window_id is not None:
        mode = MaintenanceMode(row.window_mode)
        nearest = Window(row.window_id, mode, row.starts_at, row.ends_at, row.window_reason)
    return ModeBasis(manual, row.updated_at, row.version or 0, nearest, row.now)


class WindowReads(Reading[WindowRow]):
    """Reads windows."""

    model: ClassVar = WindowRow

    async def now(self) -> datetime:
        """The time by the database's clock, which windows follow."""
        found: datetime = (await self.session.execute(select(_NOW))).scalar_one()
        return found

    async def matching(self, state: WindowState | None, request: PageRequest) -> Page[WindowRow]:
        """A page of windows, those in this state alone when it is given."""
        statement = self.base()
        return await self.page(statement if state is None else statement.where(_is(state)), request)

    async def due(self) -> bool:
        """Whether a begin or an end has come that is not on record."""
        return (await self.session.execute(select(WindowRow.id).where(_unrecorded()).limit(1))).first() is not None


class WindowWrites(WindowReads, Writing[WindowRow]):
    """Also makes and changes windows."""

    async def one_at_a_time(self) -> None:
        """Nobody else plans or calls off before the transaction ends."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_PLANNING, 0))))

    async def overlapping(self, starts_at: datetime, ends_at: datetime) -> UUID | None:
        """A window that shares time with this span; None when there is none."""
        statement = (
            select(WindowRow.id)
            .where(WindowRow.cancelled_at.is_(None), WindowRow.starts_at < ends_at, WindowRow.ends_at > starts_at)
            .order_by(WindowRow.starts_at)
            .limit(1)
        )
        return (await self.session.execute(statement)).scalar_one_or_none()

    async def lock_due(self) -> Sequence[WindowRow]:
        """Windows of which a begin or end has come and is not on record, but for those that another looks at."""
        return await self.all(
            self.base().where(_unrecorded()).order_by(WindowRow.starts_at).with_for_update(skip_locked=True)
        )


def _unrecorded() -> ColumnElement[bool]:
    begun = and_(WindowRow.entered_at.is_(None), WindowRow.starts_at <= _NOW)
    ended = and_(WindowRow.left_at.is_(None), WindowRow.ends_at <= _NOW)
    return and_(WindowRow.cancelled_at.is_(None), WindowRow.left_at.is_(None), or_(begun, ended))


def _is(state: WindowState) -> ColumnElement[bool]:
    in_plan = WindowRow.cancelled_at.is_(None)
    match state:
        case WindowState.CANCELLED:
            return WindowRow.cancelled_at.is_not(None)
        case WindowState.PLANNED:
            return and_(in_plan, WindowRow.starts_at > _NOW)
        case WindowState.RUNNING:
            return and_(in_plan, WindowRow.starts_at <= _NOW, WindowRow.ends_at > _NOW)
        case WindowState.OVER:
            return and_(in_plan, WindowRow.ends_at <= _NOW)
