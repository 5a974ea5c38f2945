"""SIGTERM as an exception, from the first moment: nothing of the service is imported for it."""

import signal
from types import FrameType


class Terminated(SystemExit):
    """SIGTERM came: leave in order, through every `with` and `finally` on the way."""


def leave_in_order() -> None:
    """From now on SIGTERM ends this process as an exception does; by default it would leave PostgreSQL running."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise Terminated(128 + number)

    signal.signal(signal.SIGTERM, leave)
