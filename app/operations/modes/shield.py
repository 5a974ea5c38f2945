"""The shield in force: asked by every writing session, and watched for the door.

Sessions ask the database itself, inside their own transaction, so no process can lag behind; the watched copy, at
most half a second old, only lets the middleware answer early and with reasons.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial

from app.kernel.clock import Clock, utc_now
from app.kernel.db.database import Database, OperationClass, WriteSession
from app.kernel.problems import Problem
from app.kernel.runtime.background import BackgroundTask, watching
from app.kernel.runtime.resources import Resources
from app.operations.modes.modes import SAFE_METHODS, Maintenance, passes, refusal
from app.operations.modes.repository import mode_basis
from app.operations.modes.window_rules import ModeBasis

WATCH_SECONDS = 0.4
"""How often the door looks; the promise is one second."""


class ModeShield:
    """Refuses writing sessions while the maintenance mode does not admit their class."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def admit(self, session: WriteSession, operation: OperationClass) -> None:
        """Return, or raise the refusal."""
        if operation is OperationClass.CONTROL:
            return
        maintenance = (await mode_basis(session)).in_force()
        if not maintenance.admits(operation):
            raise refusal(maintenance, self._clock())


NO_LEAD = timedelta(0)


class ModeWatch:
    """The maintenance mode as this process saw it last."""

    def __init__(self, lead: Callable[[], timedelta] = lambda: NO_LEAD) -> None:
        """Lets jobs begin that a window will stop until `lead` before its start."""
        self._current = Maintenance()
        self._basis: ModeBasis | None = None
        self._lead = lead

    def current(self) -> Maintenance:
        """The mode, at most `WATCH_SECONDS` old while the database answers."""
        return self._current

    def stopped(self, method: str, kind: OperationClass) -> Problem | None:
        """What the door answers to an operation now, whoever asks; None when it may be tried."""
        if method in SAFE_METHODS or passes(self._current, kind):
            return None
        return refusal(self._current, utc_now())

    def takes(self, operation: OperationClass) -> bool:
        """Whether a job of this class may be started now."""
        return self._basis is None or self._basis.takes_jobs(operation, self._lead())

    def stops(self, operation: OperationClass) -> bool:
        """Whether a job of this class under way is to be given back: what it does could not be committed."""
        return not self._current.admits(operation)

    async def refresh(self, database: Database) -> None:
        """Look now."""
        async with database.read() as session:
            self._basis = await mode_basis(session)
        self._current = self._basis.in_force()


def _watching(resources: Resources) -> AbstractAsyncContextManager[None]:
    """A database that is away leaves the last view in force."""
    modes = resources.extensions.of(ModeWatch)
    return watching("modes", partial(modes.refresh, resources.database), WATCH_SECONDS)


BACKGROUND = (BackgroundTask("modes", _watching, WATCH_SECONDS, in_api=True, in_worker=True),)
