"""Background tasks of credentials: what the authenticator noted of uses is written down now and then, all at once."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from app.access.credentials import last_used as keys
from app.access.credentials.authenticator import DirectoryAuthenticator
from app.access.sessions import last_used as sessions
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources

KEY_SECONDS: Final = 30.0
"""Half of the precision, so that what is shown of a key is at most two minutes old."""
SESSION_SECONDS: Final = 10.0
"""How often sessions are looked for whose last writing is a minute old."""


def _authenticator(resources: Resources) -> DirectoryAuthenticator:
    assert isinstance(resources.authenticator, DirectoryAuthenticator)
    return resources.authenticator


def _writing_keys(resources: Resources) -> AbstractAsyncContextManager[None]:
    write = partial(keys.write_last_used, resources, _authenticator(resources).keys_last_used)
    return repeating("key-uses", write, KEY_SECONDS, at_end=write)


def _writing_sessions(resources: Resources) -> AbstractAsyncContextManager[None]:
    write = partial(sessions.write_last_used, resources, _authenticator(resources).sessions_last_used)
    return repeating("sessions-seen", write, SESSION_SECONDS, at_end=write)


BACKGROUND = (
    BackgroundTask("key-uses", _writing_keys, KEY_SECONDS, in_api=True),
    BackgroundTask("sessions-seen", _writing_sessions, SESSION_SECONDS, in_api=True),
)
