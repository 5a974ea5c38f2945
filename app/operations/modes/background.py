"""Puts begins and ends of windows on record. The mode itself waits for no such row: see `window_rules.py`."""

from contextlib import AbstractAsyncContextManager
from typing import Final

from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.operations.modes.repository import WindowReads
from app.operations.modes.window_service import WindowService

LOOK_SECONDS: Final = 1.0


def _recording(resources: Resources) -> AbstractAsyncContextManager[None]:
    async def record(session: WriteSession) -> None:
        await resources.build(WindowService, session).record_due()

    async def look() -> None:
        async with resources.database.read() as session:
            due = await WindowReads(session).due()
        if due:
            await resources.database.run(record, OperationClass.CONTROL)

    return repeating("maintenance-windows", look, LOOK_SECONDS, begin_after=0.0)


BACKGROUND = (BackgroundTask("maintenance-windows", _recording, LOOK_SECONDS, in_api=True, in_worker=True),)
