"""Promises in seconds, held on a machine that has other things to do as well.

What is late is held against a control of the same run: how long plain computing takes here just now. A quiet machine
of the usual speed gives no time beyond the promise; one on which a second of computing takes three, because it is slow
or has other things to do, gives three times as much.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable

from tests.waiting import EVERY_SECONDS, WITHIN_SECONDS, eventually

_ROUNDS = 150_000
"""Computing without a pause: longer than a scheduler lets anybody compute at once while others wait."""

_ROUNDS_SECONDS = 0.05
"""What they took where the promises were first measured. Machines of the same kind have taken 0.09."""


def slowdown() -> float:
    """Seconds that a second of computing takes in this moment: 1 on a quiet machine of the usual speed.

    To be called in a thread. It computes in one piece, without Python's lock: what the tests and the service compute
    beside it is no excuse for them.
    """
    began = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", _ROUNDS)
    return max(1.0, (time.monotonic() - began) / _ROUNDS_SECONDS)


async def promised(
    look: Callable[[], object], seconds: float = 1.0, every: float = EVERY_SECONDS, what: str = ""
) -> float:
    """Seconds until the answer of `look`, which is asked as `eventually` asks, is truthy. AssertionError when late.

    Args:
        look: asked again and again, plain or awaitable.
        seconds: what is promised. The machine is looked at from then on, while the thing has not come.
        every: seconds between two looks.
        what: names what is waited for.
    """
    began = time.monotonic()
    slowest = 1.0

    async def watch() -> None:
        nonlocal slowest
        await asyncio.sleep(seconds)
        while True:
            slowest = max(slowest, await asyncio.to_thread(slowdown))
            await asyncio.sleep(every)

    watching = asyncio.create_task(watch())
    try:
        await eventually(look, WITHIN_SECONDS, every, what)
        took = time.monotonic() - began
    finally:
        watching.cancel()
    await kept(took, seconds, what, slowest)
    return took


async def kept(took: float, seconds: float, what: str = "", slowest: float = 1.0, least: float = 0.0) -> None:
    """Return when something took no longer than was promised, on this machine as it is now. Raises AssertionError.

    Args:
        took: seconds that were measured.
        seconds: those that are promised.
        what: names what took so long.
        slowest: how slow the machine was found to be meanwhile.
        least: seconds that it takes whatever the machine: a deadline does not come early.
    """
    assert took >= least, f"{what or 'it'}: {took:.2f} s already, not before {least:g}"
    if took > seconds:
        slowest = max(slowest, *[await asyncio.to_thread(slowdown) for _ in range(3)])
    assert took <= seconds * slowest, (
        f"{what or 'it'}: {took:.2f} s instead of {seconds:g}, while a second of computing took {slowest:.2f}"
    )
