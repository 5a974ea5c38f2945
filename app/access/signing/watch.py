"""Keeps the process's signing keys as the directory has them, beside the requests and without holding them up.

A directory that cannot be read, or a damaged file in it, is logged, and the last good set stays in force.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from app.access.signing.directory import DirectoryError, Fingerprint, KeyDirectory, KeyFile
from app.kernel.clock import Clock
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.security.signing import SigningKeys
from app.settings import AccessSettings

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How often the directory is looked at: a key that is taken away counts nowhere after this."""


def key_directory(settings: AccessSettings) -> KeyDirectory | None:
    """The configured directory, or None when tokens are signed with the service secret alone."""
    if settings.signing_keys is None:
        return None
    return KeyDirectory(settings.signing_keys, timedelta(seconds=settings.key_activation_seconds))


async def load_signing_keys(settings: AccessSettings) -> SigningKeys:
    """The keys at the start of a process. Raises `DirectoryError` for what cannot be used."""
    directory = key_directory(settings)
    if directory is None:
        return SigningKeys()
    return SigningKeys([file.key for file in await asyncio.to_thread(directory.read)])


class KeyWatch:
    """Reads the directory again when it has changed."""

    def __init__(self, directory: KeyDirectory, keys: SigningKeys, clock: Clock) -> None:
        self._directory = directory
        self._keys = keys
        self._clock = clock
        self._seen: Fingerprint | None = None
        self._files: list[KeyFile] = []
        self._fault: str | None = None

    async def look(self) -> None:
        """Look once. Never raises for what is wrong with the directory."""
        try:
            await asyncio.to_thread(self._look)
        except DirectoryError as error:
            self._seen = None
            if str(error) != self._fault:
                log.error("the signing keys cannot be read; the last good ones stay", extra={"reason": str(error)})  # noqa: TRY400 - the reason says it all
            self._fault = str(error)

    def _look(self) -> None:
        fingerprint = self._directory.fingerprint()
        if fingerprint != self._seen:
            self._files = self._directory.read()
            self._keys.replace([file.key for file in self._files])
            self._seen, self._fault = fingerprint, None
            log.info("signing keys read", extra={"keys": [file.key.kid for file in self._files]})
        for file in self._directory.sweep(self._files, self._clock()):
            log.info("a retired signing key is over", extra={"key": file.key.kid})


@asynccontextmanager
async def _watching(resources: Resources) -> AsyncIterator[None]:
    directory = key_directory(resources.settings.access)
    if directory is None:
        yield
        return
    watch = KeyWatch(directory, resources.signing_keys, resources.clock)
    async with repeating("signing-keys", watch.look, LOOK_SECONDS, begin_after=0.0):
        yield


BACKGROUND = (BackgroundTask("signing-keys", _watching, LOOK_SECONDS, in_api=True),)
