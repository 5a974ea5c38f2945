"""Writes down when keys were used last: what the authenticator noted, in one statement, now and then."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from app.access.authenticator import DirectoryAuthenticator
from app.access.clients.repository import ClientRepository
from app.access.uses import KeyUses
from app.kernel.attendants import Attendant
from app.kernel.problems import Problem
from app.kernel.resources import Resources

log = logging.getLogger(__name__)

WRITE_SECONDS = 30.0
"""Half of the precision, so that what is shown is at most two minutes old."""


async def write_uses(resources: Resources, uses: KeyUses) -> int:
    """Write what was noted; answers how many keys that were. What cannot be written is kept for the next time.

    Nothing is written while the shield is up: the session refuses it.
    """
    taken = uses.take()
    if not taken:
        return 0
    try:
        async with resources.database.write() as session:
            await ClientRepository(session).note_uses(taken)
    except (SQLAlchemyError, OSError, Problem) as error:
        uses.give_back(taken)
        log.info("the last use of keys is not written yet", extra={"error": type(error).__name__})
        return 0
    return len(taken)


@asynccontextmanager
async def writing(resources: Resources) -> AsyncIterator[None]:
    """Write now and again while the block runs, and once more at its end."""
    authenticator = resources.authenticator
    assert isinstance(authenticator, DirectoryAuthenticator)
    task = asyncio.create_task(_write(resources, authenticator.uses), name="key-uses")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await write_uses(resources, authenticator.uses)


async def _write(resources: Resources, uses: KeyUses) -> None:
    while True:
        await asyncio.sleep(WRITE_SECONDS)
        await write_uses(resources, uses)


ATTENDANTS = (Attendant("key-uses", writing, in_api=True),)
