"""Holds libraries with sockets of their own to the addresses that the service may call, and away from its files.

They run in threads; within `guarded` their every connection is looked at by an audit hook (PEP 578) at the moment it
is made, with the address that it goes to, so neither redirects nor name servers lead elsewhere. So is every file that
they open: those of the installation and of the system's set-up they may read, no others. The guard goes with the
context, into the threads of executors that carry it along too.
"""

import errno
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn

from app.kernel.addresses import Network, may_reach, parse
from app.kernel.http.client import OutboundRefused

_CONNECTING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_READABLE: Final = tuple(
    os.path.realpath(place) + (os.sep if os.path.isdir(place) else "")  # noqa: PTH112 - texts are compared
    for place in (
        sys.prefix, sys.base_prefix, sys.exec_prefix, "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share",
        "/etc/ssl", "/etc/pki", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/services",
        "/etc/mime.types", "/etc/localtime", "/dev/null", "/dev/urandom",
    )
)  # fmt: skip
"""What libraries read for their own work: code, certificates, names, types of files, time zones."""

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
_PROCESSES: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"})


@dataclass(frozen=True, slots=True)
class _Guard:
    networks: tuple[Network, ...]
    refused: list[str]


_guard: ContextVar[_Guard | None] = ContextVar("guard", default=None)


@contextmanager
def guarded(networks: Sequence[Network] = ()) -> Iterator[None]:
    """Within the block this context connects to public addresses and to these networks alone, and starts no process.

    It reads no files but those of `_READABLE`, and writes none; what is refused of these raises nothing at the end,
    since libraries look for files that need not be there, such as ~/.netrc.

    What is refused fails in the library as a `PermissionError`, which it may handle as it likes.

    Raises `OutboundRefused`: at the block's end, when something was refused, whatever the library made of it.
    """
    _install()
    guard = _Guard(tuple(networks), [])
    token = _guard.set(guard)
    try:
        yield
    except Exception as error:
        if guard.refused:
            raise OutboundRefused(guard.refused[0]) from error
        raise
    finally:
        _guard.reset(token)
    if guard.refused:
        raise OutboundRefused(guard.refused[0])


@lru_cache
def _install() -> None:
    """Once per process: an audit hook stays."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _CONNECTING and event not in _PROCESSES and event != "open":
        return
    guard = _guard.get()
    if guard is None:
        return
    if event == "open":
        if not _may_open(*arguments):
            raise PermissionError(errno.EACCES, "A library wanted to open a file.")
        return
    if event in _PROCESSES:
        _refuse(guard, "A library wanted to start a process.")
    address = arguments[-1]
    try:
        allowed = may_reach(parse(address[0]), guard.networks)
    except (ValueError, TypeError, IndexError, AttributeError):
        allowed = False  # a Unix socket, or a name that the system would look up out of our sight
    if not allowed:
        _refuse(guard, "The host has an address that the service does not call.")


def _may_open(path: Any, _mode: str | None, flags: int) -> bool:
    """Whether a file may be opened; by its descriptor it has been already."""
    if isinstance(path, int):
        return True
    real = os.path.realpath(os.fsdecode(path))
    return not flags & _WRITING and any(
        real == place or (place.endswith(os.sep) and real.startswith(place)) for place in _READABLE
    )


def _refuse(guard: _Guard, reason: str) -> NoReturn:
    guard.refused.append(reason)
    raise PermissionError(errno.EACCES, reason)
