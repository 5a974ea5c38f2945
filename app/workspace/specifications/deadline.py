"""A bound of time within the process: the main thread is interrupted, whatever Python code it is at."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN_SECONDS: Final = 0.2
"""How often the interruption is repeated: libraries have handlers that catch everything."""


class DeadlinePassedError(BaseException):
    """The time is over. No `Exception`, so that no library takes it for an error of the input."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Run the block for so long at most. Raises `DeadlinePassedError`; to be used in the main thread."""
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise DeadlinePassedError
