"""Puts begins and ends of windows on record. The mode itself waits for no such row: see `rules`."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from app.kernel.db.database import OperationClass
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.operations.modes.window_repository import Windows
from app.operations.modes.window_service import record_due

LOOK_SECONDS: Final = 1.0


def _recording(resources: Resources) -> AbstractAsyncContextManager[None]:
    async def look() -> None:
        async with resources.database.read() as session:
            due = await Windows(session).due()
        if due:
            await resources.database.run(partial(record_due, resources=resources), OperationClass.CONTROL)

    return repeating("maintenance-windows", look, LOOK_SECONDS, begin_after=0.0)


BACKGROUND = (BackgroundTask("maintenance-windows", _recording, LOOK_SECONDS, in_api=True, in_worker=True),)
