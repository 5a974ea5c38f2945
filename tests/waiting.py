"""Tests wait for the thing itself, never for a time. The bound is generous, and its message names what never came."""

import asyncio
import inspect
import time
from collections.abc import Callable

import asyncpg
from fastapi import FastAPI

WITHIN_SECONDS = 30.0
"""Generous: the machine is busy with other tests. What is promised within a second is given its own bound."""
EVERY_SECONDS = 0.05


async def eventually(
    look: Callable[[], object], within: float = WITHIN_SECONDS, every: float = EVERY_SECONDS, what: str = ""
) -> None:
    """Return when the answer of `look` is truthy; until then it may be falsy or an AssertionError.

    Args:
        look: asked again and again, plain or awaitable; other exceptions end the waiting.
        within: seconds; one look is always made.
        every: seconds between two looks.
        what: names what is waited for in the message of the AssertionError; without it, the name of `look` does.
    """
    end = time.monotonic() + within
    while True:
        try:
            last = look()
            if inspect.isawaitable(last):
                last = await last
        except AssertionError as error:
            last = error
        if _has_come(last):
            return
        _refuse_after(end, within, what or _name(look), last)
        await asyncio.sleep(every)


def eventually_blocking(
    look: Callable[[], object], within: float = WITHIN_SECONDS, every: float = EVERY_SECONDS, what: str = ""
) -> None:
    """Return as `eventually` does, for tests without an event loop."""
    end = time.monotonic() + within
    while True:
        try:
            last = look()
        except AssertionError as error:
            last = error
        if _has_come(last):
            return
        _refuse_after(end, within, what or _name(look), last)
        time.sleep(every)


async def known_at_the_door(app: FastAPI, mode: str, within: float = WITHIN_SECONDS) -> None:
    """Return when requests are let in and refused by this mode: sessions ask the database, the door looks at times."""
    await eventually(lambda: app.state.doors.current().mode == mode, within, what=f"the mode {mode} at the door")


async def offered_again(owner: asyncpg.Connection, within: float = WITHIN_SECONDS) -> None:
    """Return when every ticket of a job that waits now was offered to a worker once more, and was given back."""

    async def attempts() -> dict[int, int]:
        return {row["id"]: row["attempts"] for row in await owner.fetch("SELECT id, attempts FROM jobs.pgqueuer")}

    before = await attempts()

    async def again() -> bool:
        now = await attempts()
        assert now.keys() == before.keys(), "a ticket came, or was used"
        return all(now[ticket] > before[ticket] for ticket in before)

    await eventually(again, within)


def _has_come(last: object) -> bool:
    return bool(last) and not isinstance(last, AssertionError)


def _refuse_after(end: float, within: float, what: str, last: object) -> None:
    """Raise an AssertionError that names what never came and the last answer, when the time is over."""
    if time.monotonic() >= end:
        cause = last if isinstance(last, AssertionError) else None
        raise AssertionError(f"{what}: not within {within:g} s, the last look gave {last!r}") from cause


def _name(look: object) -> str:
    return str(getattr(look, "__qualname__", look))
