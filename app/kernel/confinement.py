"""What both ends of a process need that works on hostile input: frames, a lifeline, an environment without secrets.

Standard library alone: the process pays for every import at each start. What the process may take (memory, time,
descriptors) is its own to say.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

LENGTH_BYTES: Final = 8
"""Of the length before the content of a frame, big-endian."""

ROOT: Final = Path(__file__).resolve().parents[2]
"""Where the package `app` stands."""

_KEPT: Final = ("PATH", "LANG", "LC_ALL", "PYTHONHASHSEED")


def frame(content: bytes) -> bytes:
    """The content as a frame."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def read_frame(source: BinaryIO) -> bytes:
    """The content of the next frame. Raises EOFError."""
    return _exactly(source, int.from_bytes(_exactly(source, LENGTH_BYTES), "big"))


def _exactly(source: BinaryIO, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise EOFError
    return found


@contextmanager
def lifeline() -> Iterator[int]:
    """The process's end of a pipe; the process ends when the other end is closed, however that is."""
    theirs, ours = os.pipe()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def end_with_parent(theirs: int) -> None:
    """End this process when the other end of its lifeline is closed, as it is when the parent is killed."""

    def wait() -> None:
        os.read(theirs, 1)
        os.kill(os.getpid(), signal.SIGKILL)  # whatever the main thread is at, in a library's loop too

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def environment() -> dict[str, str]:
    """What the process may know: where Python finds the code, and nothing of the service's secrets."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]), "PYTHONDONTWRITEBYTECODE": "1"}
