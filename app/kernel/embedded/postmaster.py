"""What runs on a data directory: reads `postmaster.pid`, knows a live server from a stale file, and ends servers.

A pid file is believed only when its process is a PostgreSQL working in that very directory; it is removed only when
none is.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from app.kernel.embedded.account import Account, run
from app.kernel.embedded.errors import AddressInUseError, ServerStartError, ServerStopError

PID_FILE = "postmaster.pid"
ORPHAN_GRACE_SECONDS = 3.0
"""Backends notice the death of their postmaster at once when idle, or at the end of what they compute."""
ORPHAN_QUIT_SECONDS = 10.0
IMMEDIATE_SECONDS = 20.0
"""The postmaster itself kills children 5 seconds after an immediate shutdown (SIGKILL_CHILDREN_AFTER_SECS)."""

_POLL_SECONDS = 0.05
_PROC = Path("/proc")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Postmaster:
    """The lines of `postmaster.pid` that matter; while a server starts, the later ones are missing."""

    pid: int
    port: int
    socket_dir: str
    listen: str
    status: str

    @property
    def ready(self) -> bool:
        """Whether it accepts connections."""
        return self.status == "ready"


def parse(text: str) -> Postmaster | None:
    """What `postmaster.pid` says; None when it is empty or torn.

    Lines: pid, data directory, start time, port, socket directory, listen address, shared memory, status
    (src/include/utils/pidfile.h).
    """
    lines = [line.strip() for line in text.splitlines()]
    lines += [""] * (8 - len(lines))
    try:
        pid = abs(int(lines[0]))  # a standalone backend writes its number negated
        return Postmaster(pid, int(lines[3] or 0), lines[4], lines[5], lines[7] or "starting")
    except ValueError:
        return None


def running(data_dir: Path) -> Postmaster | None:
    """The live server of a data directory, in whatever state; None when there is none but a stale pid file."""
    try:
        found = parse((data_dir / PID_FILE).read_text())
    except FileNotFoundError:
        return None
    return found if found is not None and _alive(found.pid, data_dir) else None


def _alive(pid: int, data_dir: Path) -> bool:
    works_there = _works_in(pid, data_dir)
    if works_there is not None:
        return works_there
    try:
        return (_PROC / str(pid)).stat().st_uid == data_dir.stat().st_uid  # hidden from us: name and owner must do
    except FileNotFoundError:
        return False


def _works_in(pid: int, data_dir: Path) -> bool | None:
    """Whether a process is a PostgreSQL of this data directory; None for one whose directory we may not learn."""
    if not _PROC.joinpath("self", "stat").exists():
        return _looks_like_postgres(pid)
    try:
        name, _, rest = (_PROC / str(pid) / "stat").read_text().partition("(")[2].rpartition(")")
        if name != "postgres" or rest.split()[0] in "ZX":  # a zombie has ended; only its parent has not looked
            return False
        return (_PROC / str(pid) / "cwd").samefile(data_dir)
    except PermissionError:
        return _works_in_for_owner(pid, data_dir)
    except (FileNotFoundError, ProcessLookupError):
        return False


def _works_in_for_owner(pid: int, data_dir: Path) -> bool | None:
    """The same question, asked as the owner of the data directory: a container's root often lacks CAP_SYS_PTRACE."""
    owner = data_dir.stat()
    account = Account(owner.st_uid, owner.st_gid, str(owner.st_uid))
    command = ["/bin/sh", "-c", 'cd -P "/proc/$1/cwd" && pwd -P', "sh", str(pid)]
    shown = run(account, command, output=subprocess.PIPE, timeout=10)
    return Path(os.fsdecode(shown.stdout[:-1])) == data_dir.resolve() if shown.returncode == 0 else None


def _looks_like_postgres(pid: int) -> bool:
    """Without /proc (macOS): whether the process is some PostgreSQL."""
    shown = subprocess.run(  # noqa: S603 - fixed program, numeric argument
        ["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False
    )
    return shown.stdout.strip().endswith("postgres")


def survivors(data_dir: Path) -> list[int]:
    """Processes of PostgreSQL that surely work in the data directory, ascending (Linux; elsewhere none are found)."""
    if not _PROC.is_dir():
        return []
    pids = sorted(int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if _works_in(pid, data_dir)]


def clear_remains(data_dir: Path) -> None:
    """Make way after a crash: let orphaned backends end, end those that do not, then remove the stale pid file.

    The caller holds the start/stop lock and knows that no live server owns the directory. Orphans get SIGQUIT, as the
    postmaster would send it after a crash; crash recovery follows in any case.

    Raises `ServerStartError`: backends of the dead server still hold its shared memory; names them.
    """
    left = _await_end(data_dir, ORPHAN_GRACE_SECONDS)
    if left:
        _log.warning("backends of a dead server still run in %s and are signalled to quit: %s", data_dir, left)
        for pid in left:
            _signal(pid, signal.SIGQUIT)
        left = _await_end(data_dir, ORPHAN_QUIT_SECONDS)
    if left:
        raise ServerStartError(
            f"The previous server of {data_dir} was killed, and its processes {left} still hold its shared memory. "
            "They did not follow SIGQUIT; end them (kill -9) and start again."
        )
    if (data_dir / PID_FILE).exists():
        _log.warning("removing the stale %s of %s: no PostgreSQL owns it", PID_FILE, data_dir)
        (data_dir / PID_FILE).unlink()


def _await_end(data_dir: Path, seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := survivors(data_dir)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return left


def clear_socket(socket_dir: Path, port: int) -> None:
    """Remove the socket and lock file of a dead server. Raises `AddressInUseError`: somebody answers on the socket."""
    path = socket_dir / f".s.PGSQL.{port}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            pass
        else:
            raise AddressInUseError(
                f"The socket {path} is in use by another live server. Stop it, or use another SPYNE_HOME."
            )
    for stale in (path, path.with_name(path.name + ".lock")):
        stale.unlink(missing_ok=True)


def check_port(port: int) -> None:
    """Nothing when 127.0.0.1:`port` is free.

    Raises `AddressInUseError`: another program listens there, or the port may not be used.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL: lingering connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise AddressInUseError(
                f"Port {port} on 127.0.0.1 cannot be used by the embedded PostgreSQL: {error.strerror}. "
                "Choose another port or free it."
            ) from error


def shut_down(data_dir: Path, timeout: float) -> None:
    """Stop the server of a data directory, if any: fast (clients are cut off, a checkpoint is written), else at once.

    Raises `ServerStopError`: it is still there after the immediate shutdown too.
    """
    found = running(data_dir)
    if found is None:
        return
    try:
        _end(found, data_dir, timeout)
    finally:
        if Path(found.socket_dir).name.startswith("spyne-"):  # our private directory; PostgreSQL has removed its socket
            with contextlib.suppress(OSError):
                Path(found.socket_dir).rmdir()


def _end(found: Postmaster, data_dir: Path, timeout: float) -> None:
    _signal(found.pid, signal.SIGINT)
    if _ended(found.pid, data_dir, timeout):
        return
    _log.warning(
        "PostgreSQL (process %d) did not stop within %.0f seconds; stopping it at once, it recovers at the next start",
        found.pid,
        timeout,
    )
    _signal(found.pid, signal.SIGQUIT)
    if not _ended(found.pid, data_dir, IMMEDIATE_SECONDS):
        raise ServerStopError(f"PostgreSQL (process {found.pid}, {data_dir}) does not stop. End it by hand.")


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _ended(pid: int, data_dir: Path, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not _alive(pid, data_dir):
            return True
        time.sleep(_POLL_SECONDS)
    return False
