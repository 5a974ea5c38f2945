"""Holds libraries with sockets of their own to the addresses that the service may call.

They run in threads; within `guarded` their every connection is looked at by an audit hook (PEP 578) at the moment it
is made, with the address that it goes to, so neither redirects nor name servers lead elsewhere. The guard goes with the
context, into the threads of executors that carry it along too.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from app.kernel.addresses import Network, may_reach, parse
from app.kernel.http_client import OutboundRefused

_CONNECTING: Final = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_PROCESSES: Final = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"})
_reachable: ContextVar[tuple[Network, ...] | None] = ContextVar("reachable", default=None)


@contextmanager
def guarded(networks: Sequence[Network] = ()) -> Iterator[None]:
    """Within the block this context connects to public addresses and to these networks alone, and starts no process.

    What is refused raises `OutboundRefused` out of the library's own call.
    """
    _install()
    token = _reachable.set(tuple(networks))
    try:
        yield
    finally:
        _reachable.reset(token)


@lru_cache
def _install() -> None:
    """Once per process: an audit hook stays."""
    sys.addaudithook(_look)


def _look(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _CONNECTING and event not in _PROCESSES:
        return
    networks = _reachable.get()
    if networks is None:
        return
    if event in _PROCESSES:
        raise OutboundRefused("A library wanted to start a process.")
    address = arguments[-1]
    try:
        allowed = may_reach(parse(address[0]), networks)
    except (ValueError, TypeError, IndexError, AttributeError):
        allowed = False  # a Unix socket, or a name that the system would look up out of our sight
    if not allowed:
        raise OutboundRefused("The host has an address that the service does not call.")
