"""Writes down when keys were used last: what the authenticator noted, in one statement, now and then."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from app.access.clients.repository import ClientRepository
from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.credentials.last_used import KeysLastUsed
from app.kernel.problems import Unavailable
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources

WRITE_SECONDS = 30.0
"""Half of the precision, so that what is shown is at most two minutes old."""


async def write_last_used(resources: Resources, uses: KeysLastUsed) -> int:
    """How many keys' uses were written. What cannot be written is kept for the next time.

    Nothing is written while the shield is up: the session refuses it, which is no failure.
    """
    taken = uses.take()
    if not taken:
        return 0
    try:
        async with resources.database.write() as session:
            await ClientRepository(session).note_uses(taken)
    except Unavailable:
        uses.give_back(taken)
        return 0
    except BaseException:
        uses.give_back(taken)
        raise
    return len(taken)


def _writing(resources: Resources) -> AbstractAsyncContextManager[None]:
    authenticator = resources.authenticator
    assert isinstance(authenticator, DirectoryAuthenticator)
    write = partial(write_last_used, resources, authenticator.uses)
    return repeating("key-uses", write, WRITE_SECONDS, at_end=write)


BACKGROUND = (BackgroundTask("key-uses", _writing, WRITE_SECONDS, in_api=True),)
