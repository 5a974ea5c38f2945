"""Holds libraries with sockets of their own to the addresses that the service may call.

They run in threads; within `guarded` their every connection is looked at by an audit hook (PEP 578) at the moment it
is made, with the address that it goes to, so neither redirects nor name servers lead elsewhere. The guard goes with the
context, into the threads of executors that carry it along too.
"""

import errno
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
_PROCESSES: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"})


@dataclass(frozen=True, slots=True)
class _Guard:
    networks: tuple[Network, ...]
    refused: list[str]


_guard: ContextVar[_Guard | None] = ContextVar("guard", default=None)


@contextmanager
def guarded(networks: Sequence[Network] = ()) -> Iterator[None]:
    """Within the block this context connects to public addresses and to these networks alone, and starts no process.

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
    if event not in _CONNECTING and event not in _PROCESSES:
        return
    guard = _guard.get()
    if guard is None:
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


def _refuse(guard: _Guard, reason: str) -> NoReturn:
    guard.refused.append(reason)
    raise PermissionError(errno.EACCES, reason)
