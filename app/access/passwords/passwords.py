"""Passwords: argon2id in threads, few at a time, and at the same price whether the user exists or not."""

import asyncio
import functools
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

AT_ONCE = 2
"""Verifications at a time, per process: each takes a core and 19 MiB."""

_HASHER = PasswordHash((Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))
"""19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet, argon2id."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def is_text(value: str) -> bool:
    """Whether the value is text that UTF-8 can carry, without NUL."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in value


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait for one of the few turns. To be taken before a connection, so that a flood of log-ins holds none."""
    loop = asyncio.get_running_loop()
    async with _turns.setdefault(loop, asyncio.Semaphore(AT_ONCE)):
        yield


async def hashed(password: str) -> str:
    """The encoded argon2id hash."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def verify(password: str, encoded: str | None) -> tuple[bool, str | None]:
    """Whether the password is right, and a fresh hash when the kept one has older parameters. To be called in a `turn`.

    Args:
        password: as it was given.
        encoded: the kept hash; None for an unknown user, who costs the same and is never right.
    """
    return await asyncio.to_thread(_verify, password, encoded)


def _verify(password: str, encoded: str | None) -> tuple[bool, str | None]:
    return _HASHER.verify_and_update(password, encoded if encoded is not None else _nobodys_hash())


@functools.cache
def _nobodys_hash() -> str:
    """The hash of a password that nobody knows, so that nothing given matches it."""
    return _HASHER.hash(secrets.token_urlsafe())
