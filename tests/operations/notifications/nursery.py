"""Workers in quick succession: `python -m tests.operations.notifications.nursery` loads the program once and forks.

Each line on standard input is the path of a log; a child becomes `spyne worker` that writes there, and its process id
is answered. A worker that is started from scratch spends seconds of processor time on its imports.
"""

import os
import signal
import sys

import app.commands.serving  # noqa: F401 - the program, which the command would import in every child
from app.cli import cli


def become_worker(log: str) -> None:
    """In the child: never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((nothing, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(ours, theirs)
    code = 1
    try:
        cli(["worker"], standalone_mode=False)
        code = 0
    except BaseException as error:  # noqa: BLE001 - the log says why
        os.write(2, f"{error!r}\n".encode())
    finally:
        os._exit(code)


def main() -> None:
    """Fork until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the children
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become_worker(line.strip())
        print(pid, flush=True)


if __name__ == "__main__":
    main()
