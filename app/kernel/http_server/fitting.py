"""What the protocol relies on in uvicorn beside its documented interface, and whether the installed release has it.

The protocol overrides parts of a class that promises nothing to subclasses; so the service looks for each part before
it starts, and says which one is missing, instead of serving without its deadlines.
"""

import asyncio
import inspect
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "connection_made": ("transport",),
    "connection_lost": ("exc",),
    "data_received": ("data",),
    "resume_writing": (),
    "on_message_begin": (),
    "on_headers_complete": (),
    "on_body": ("body",),
    "on_message_complete": (),
    "on_response_complete": (),
    "_start_asgi_task": ("cycle", "app"),
}
"""The methods of `HttpToolsProtocol` that are overridden or called, and their parameters."""

ATTRIBUTES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "parser.feed_data": object,
    "parser.get_http_version": object,
    "connections": set,
    "server_state.total_requests": int,
    "server_state.default_headers": list,
    "timeout_keep_alive": (int, float),
    "transport": asyncio.BaseTransport,
    "flow.read_paused": bool,
    "flow.resume_reading": object,
    "url": bytes,
    "headers": list,
    "pipeline": deque,
    "cycle.scope": dict,
    "cycle.response_started": bool,
    "cycle.response_complete": bool,
    "cycle.disconnected": bool,
    "cycle.keep_alive": bool,
    "cycle.waiting_for_100_continue": bool,
    "cycle.message_event": asyncio.Event,
}
"""The attributes of a connection with two requests under way, and their types."""

_REQUEST: Final = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class UnknownUvicornError(RuntimeError):
    """The installed release of uvicorn lacks what the protocol relies on."""


def require_fitting(kind: type[HttpToolsProtocol] = HttpToolsProtocol) -> None:
    """Return when uvicorn's protocol has every part that is relied on. Raises `UnknownUvicornError`."""
    missing = list(missing_parts(kind))
    if missing:
        raise UnknownUvicornError(
            f"uvicorn {uvicorn.__version__} is not one that the service can use: {'; '.join(missing)}. "
            "Install the release that requirements.txt names."
        )


def missing_parts(kind: type[HttpToolsProtocol]) -> Iterator[str]:
    """Yield in words what the class lacks of `METHODS` and `ATTRIBUTES`."""
    for name, expected in METHODS.items():
        method = getattr(kind, name, None)
        found = tuple(inspect.signature(method).parameters)[1:] if callable(method) else None
        if found != expected:
            yield f"{name}() is not a method with the parameters {expected}"
    try:
        connection = _under_way(kind)
    except (httptools.HttpParserError, AttributeError, LookupError, RuntimeError, TypeError) as error:
        yield f"a connection cannot be made ({type(error).__name__}: {error})"
        return
    for path, type_ in ATTRIBUTES.items():
        value: Any = connection
        for step in path.split("."):
            value = getattr(value, step, None)
        if value is None or not isinstance(value, type_):
            yield f"{path} is {type(value).__name__}"
    queued = getattr(connection, "pipeline", None)
    if not queued or queued[-1] != (connection.cycle, connection.app):
        yield "pipeline does not hold the next request and its application"


class _Nowhere(asyncio.Transport):
    def pause_reading(self) -> None:
        pass


async def _application(_scope: object, _receive: object, _send: object) -> None:
    pass


def _under_way(kind: type[HttpToolsProtocol]) -> Any:
    """A connection over which two requests have come, none of which is served."""
    idle = type("Idle", (kind,), {"_start_asgi_task": lambda *_: None})
    config = uvicorn.Config(_application, ws="none", lifespan="off", log_config=None)
    config.load()
    loop = asyncio.new_event_loop()  # kept by the connection, and not run
    loop.close()
    connection: Any = idle(config, ServerState(), {}, loop)
    connection.connection_made(_Nowhere())
    connection.parser.feed_data(_REQUEST * 2)
    return connection
