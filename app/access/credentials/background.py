"""What goes on beside the requests: the last use of sessions is written down."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.sessions.last_used import write_last_used
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources

LOOK_SECONDS: Final = 10.0
"""How often sessions are looked for whose last writing is a minute old."""


def _noting(resources: Resources) -> AbstractAsyncContextManager[None]:
    authenticator = resources.authenticator
    assert isinstance(authenticator, DirectoryAuthenticator)
    write = partial(write_last_used, resources, authenticator.seen)
    return repeating("sessions-seen", write, LOOK_SECONDS, at_end=write)


BACKGROUND = (BackgroundTask("sessions-seen", _noting, LOOK_SECONDS, in_api=True),)
