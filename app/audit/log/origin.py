"""The network address behind the request under way, as the door has found it: the client behind our own proxies."""

from contextvars import ContextVar

from starlette.types import Scope

_client_address: ContextVar[str | None] = ContextVar("client_address", default=None)


def client_address() -> str | None:
    """The peer's address; None outside of a request and on a unix socket."""
    return _client_address.get()


def note_client(scope: Scope) -> str | None:
    """The peer's address of a request, remembered for the audit rows of its context."""
    client = scope.get("client")
    address = client[0] if client else None
    _client_address.set(address)
    return address
