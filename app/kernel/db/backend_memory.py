"""The kernel's limit on the memory of one backend: no statement of a confined backend takes the server down with it.

Invariant: a process is confined only when it is surely a child of the PostgreSQL at the other end of a Unix socket, so
that a process number of another machine or container never hits a stranger.

The limit is RLIMIT_DATA, private writable memory. A refused allocation reaches PostgreSQL as a failed malloc, which it
answers with an error of that statement (53200). RLIMIT_AS is not used: it counts the stack too, and a stack that may
not grow is a SIGSEGV, upon which PostgreSQL restarts with all its sessions. Limits need no privilege while both
processes are of one user (prlimit(2)); a root that lacks CAP_SYS_RESOURCE, as in most containers, asks as that user.
"""

import os
import resource
import socket
import struct
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

LINUX: Final = sys.platform == "linux"
PROGRAM: Final = "/usr/bin/prlimit"
"""Of util-linux."""

FIRST_TO_KILL: Final = 1000
"""The highest oom_score_adj (proc(5)): when the machine itself runs out of memory, a backend of queries goes before the
server, other backends and this process."""

_PROC: Final = Path("/proc")
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid (unix(7), SO_PEERCRED)
_PARENT: Final = 1  # index behind the name in /proc/<pid>/stat (proc(5)): state, parent
_PROGRAM_SECONDS: Final = 10.0


class Confinement(StrEnum):
    """Whether the kernel holds a backend to its limit."""

    CONFINED = "confined"
    NOT_OURS = "not ours"
    """It is no process of this machine that we see, or not one behind a Unix socket."""
    NOT_PERMITTED = "not permitted"
    """Another user runs it, and we may not set its limits."""


def confine(transport: Any, pid: int, limit: int) -> Confinement:
    """Hold the backend behind a connection to `limit` bytes of memory of its own. Blocks for some milliseconds at most.

    Args:
        transport: of the connection, as asyncio or uvloop makes it.
        pid: the backend's process number, as PostgreSQL says.
        limit: bytes.
    """
    server = _listener(transport)
    if not LINUX or server is None or _parent(pid) != server:
        return Confinement.NOT_OURS
    try:
        _set(pid, limit)
    except (OSError, ValueError, subprocess.SubprocessError):
        return Confinement.NOT_PERMITTED
    _offer_to_killer(pid)
    return Confinement.CONFINED if limit_of(pid) == limit else Confinement.NOT_PERMITTED


def limit_of(pid: int) -> int | None:
    """The bytes that the kernel holds a process to; None where there is no limit, or none that we may see."""
    try:
        lines = (_PROC / str(pid) / "limits").read_text().splitlines()
    except OSError:
        return None
    return read_limit(lines)


def read_limit(lines: list[str]) -> int | None:
    """The soft limit in the lines of /proc/<pid>/limits (proc(5)); None for unlimited."""
    words = next((line.split() for line in lines if line.startswith("Max data size")), [])
    return int(words[3]) if len(words) > 3 and words[3].isdigit() else None  # noqa: PLR2004 - behind three words of name


def _listener(transport: Any) -> int | None:
    """The process that listens at the other end of a Unix socket; None for other sockets and other systems."""
    end = transport.get_extra_info("socket")
    if end is None or end.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return None
    with socket.socket(fileno=os.dup(end.fileno())) as ours:
        pid, _, _ = _CREDENTIALS.unpack(ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid or None  # 0: of another process namespace


def _parent(pid: int) -> int | None:
    try:
        after_name = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(after_name[_PARENT])


def _set(pid: int, limit: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_DATA, (limit, limit))
    except PermissionError:
        owner = (_PROC / str(pid)).stat()
        if os.geteuid() != 0 or owner.st_uid == 0:
            raise
        subprocess.run(  # noqa: S603 - fixed program, numeric arguments
            [PROGRAM, f"--pid={pid:d}", f"--data={limit:d}:{limit:d}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=_PROGRAM_SECONDS,
            check=True,
            user=owner.st_uid,
            group=owner.st_gid,
            extra_groups=[],
        )


def _offer_to_killer(pid: int) -> None:
    """Raises nothing: without it the kernel chooses by size, which a confined backend bounds too."""
    try:
        (_PROC / str(pid) / "oom_score_adj").write_text(str(FIRST_TO_KILL))
    except OSError:
        return
