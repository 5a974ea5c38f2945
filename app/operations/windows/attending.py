"""Puts begins and ends of windows on record. The mode itself waits for no such row: see `rules`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from app.kernel.attendants import Attendant
from app.kernel.database import OperationClass
from app.kernel.problems import Problem
from app.kernel.resources import Resources
from app.operations.decisions import repeating
from app.operations.windows.repository import Windows
from app.operations.windows.service import record_due

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0


@asynccontextmanager
async def recording(resources: Resources) -> AsyncIterator[None]:
    """Looks for begins and ends while the block runs."""

    async def look() -> None:
        async with resources.database.read() as session:
            due = await Windows(session).due()
        if due:
            try:
                await resources.database.run(partial(record_due, resources=resources), OperationClass.CONTROL)
            except Problem as problem:
                log.warning("a maintenance window is not on record yet", extra={"reason": problem.code})

    async with repeating(look, "maintenance-windows", LOOK_SECONDS):
        yield


ATTENDANTS = (Attendant("maintenance-windows", recording, in_api=True, in_worker=True),)
