"""What goes on beside the requests: the last use of sessions is written down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.access.authenticator import DirectoryAuthenticator
from app.access.sessions.seen import noting
from app.kernel.attendants import Attendant
from app.kernel.resources import Resources


@asynccontextmanager
async def _noting(resources: Resources) -> AsyncIterator[None]:
    authenticator = resources.authenticator
    assert isinstance(authenticator, DirectoryAuthenticator)
    async with noting(resources, authenticator.seen):
        yield


ATTENDANTS = (Attendant("sessions-seen", _noting, in_api=True),)
