"""Who uses the server: one lock for start and stop, one handle per user.

A handle is a file that its process keeps locked (`flock`). The kernel releases the lock when the process ends, however
it ends, so a dead handle is one that can be locked: no process number is trusted, and its reuse cannot mislead.
"""

import contextlib
import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.kernel.embedded.account import Account
from app.kernel.embedded.errors import DataDirectoryError, ServerStartError

_POLL_SECONDS = 0.05


@contextlib.contextmanager
def exclusive(path: Path, account: Account, timeout: float) -> Iterator[None]:
    """Hold the start/stop lock of a data directory; other processes and threads wait for it.

    Raises `ServerStartError`: another process has held it for `timeout` seconds.
    """
    descriptor = account.open(path, os.O_RDWR)
    try:
        deadline = time.monotonic() + timeout
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                raise ServerStartError(
                    "Another process has been starting or stopping the embedded PostgreSQL for "
                    f"{timeout:.0f} seconds (lock: {path})."
                )
            time.sleep(_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True)
class Handle:
    """The right of one user of the server to find it running."""

    path: Path
    descriptor: int

    @classmethod
    def take(cls, directory: Path, account: Account) -> "Handle":
        """A new handle; the caller holds the start/stop lock."""
        directory.mkdir(mode=0o700, exist_ok=True)
        account.own(directory)
        path = directory / f"{os.getpid()}-{secrets.token_hex(4)}"
        descriptor = account.open(path, os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # free: the name is new and the start/stop lock is held
        os.write(descriptor, _system().encode())
        return cls(path, descriptor)

    def release(self) -> None:
        """Give the handle back; the caller holds the start/stop lock."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


def live(directory: Path) -> list[Path]:
    """The handles in use (`<pid>-<random>`), this process's own included; dead ones are removed.

    The caller holds the start/stop lock.
    """
    if not directory.is_dir():
        return []
    return [path for path in sorted(directory.iterdir()) if not _dead(path)]


def refuse_other_systems(directory: Path) -> None:
    """Refuse a data directory that a process of another container uses: its server is invisible here and looks dead.

    Raises `DataDirectoryError`: names the other system; a second server would destroy the data.
    """
    for path in live(directory):
        system = path.read_text()
        if system and system != _system():
            raise DataDirectoryError(
                f"The embedded database beside {directory} is used by process {path.name.partition('-')[0]} of another "
                f"container or host ({system}). Stop it there first, or share a PostgreSQL server through DATABASE_URL."
            )


def _system() -> str:
    """Names the set of processes that we can see: the host, and on Linux the namespace of process numbers."""
    try:
        return f"{socket.gethostname()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _dead(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        if not _lock(descriptor):
            return False
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
