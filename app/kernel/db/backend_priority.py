"""The priority of a backend: one that computes for long gets less of the processors while others want them.

Beside as many greedy statements as there are processors, other calls took two to three times as long
(`benchmarks/memory_attacks.py`). Raising a priority again takes a privilege (setpriority(2)): a backend that stepped
back is not used for another transaction.
"""

import logging
import os
from pathlib import Path
from typing import Final

LONG_SECONDS: Final = 0.5
"""Of a transaction of the query login, before its backend steps back: what people type is answered by then."""

NICE: Final = 10
"""Of a backend that stepped back: a tenth of the share of others who want the processor too (sched(7))."""

_PROC: Final = Path("/proc")

log = logging.getLogger(__name__)


def step_back(pid: int) -> bool:
    """Whether a backend has stepped back. To be called for a confined backend alone, whose number is surely its own.

    Both priorities are needed: where the kernel groups processes by session, as on a desktop or a virtual machine, and
    each backend is a session of its own, the group's priority counts and that of the process does not; in a container
    the other way round.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
    except (OSError, AttributeError):  # another user's; a system without it
        return False
    try:
        (_PROC / str(pid) / "autogroup").write_text(str(NICE))
    except OSError:  # a kernel without groups, or too many changes at once: it takes ten a second
        log.debug("a backend keeps the priority of its group", extra={"pid": pid})
    return True
