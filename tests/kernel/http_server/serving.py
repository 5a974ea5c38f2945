"""The protocol around small applications, in this process, with limits short enough for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from app.kernel.http_server import ArrivalLimits, Watch, arriving
from tests.waiting import eventually

SHORT = ArrivalLimits(
    head_seconds=0.3,
    body_seconds=0.4,
    rate=1000.0,
    patience_seconds=0.8,
    sweep_seconds=0.1,
    max_connections=50,
    probe_connections=2,
    probes=frozenset({b"/health/live"}),
)


@dataclass
class Served:
    """A server of this process."""

    port: int
    state: ServerState
    watch: Watch

    @property
    def open(self) -> int:
        return len(self.state.connections)

    @property
    def peer_ports(self) -> set[int]:
        return {connection.transport.get_extra_info("peername")[1] for connection in self.state.connections}

    @property
    def busy(self) -> int:
        return len(self.state.tasks)


@asynccontextmanager
async def served(app: ASGIApp, limits: ArrivalLimits = SHORT, keep_alive: int = 5) -> AsyncIterator[Served]:
    """The application on a port of the loopback address."""
    watch = Watch(limits)
    protocol = arriving(watch)
    config = uvicorn.Config(
        app, http=protocol, ws="none", lifespan="off", log_config=None, timeout_keep_alive=keep_alive,
        access_log=False, proxy_headers=False,
    )  # fmt: skip
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}),  # type: ignore[call-arg]  # uvicorn's signature
        "127.0.0.1",
        0,
    )
    try:
        yield Served(server.sockets[0].getsockname()[1], state, watch)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await eventually(lambda: not state.connections, what="the end of the connections")
        await eventually(lambda: not state.tasks, what="the end of the requests")


async def answer(send: Send, body: bytes, status: int = 200) -> None:
    """A whole answer."""
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def measure(_: Scope, receive: Receive, send: Send) -> None:
    """Answers how many bytes the body had; nothing when the client has gone."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await answer(send, str(size).encode())
