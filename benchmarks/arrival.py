"""What the deadlines of the connection cost: CPU per request of our protocol against uvicorn's own.

Run: `python -m benchmarks.arrival`. Feeds the protocols directly (no sockets): a GET with nine header fields, and a
POST whose body comes with its head, answered by an application that does nothing else. The budget is 3 microseconds.
"""

import asyncio
import time
from typing import Any

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.kernel.http_server import ArrivalLimits, Watch, arriving

BUDGET_MICROSECONDS = 3.0
REQUESTS, ROUNDS = 2_000, 25
FIELDS = (
    b"Host: 127.0.0.1:8080\r\nUser-Agent: python-httpx/0.28.1\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate, br\r\n"
    b"Connection: keep-alive\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\nX-Request-ID: abc-123\r\n"
    b"Cache-Control: no-cache\r\n"
)
GET = b"GET /api/tables/flights/state HTTP/1.1\r\n" + FIELDS + b"\r\n"
POST = b"POST /api/query/validate HTTP/1.1\r\n" + FIELDS + b'Content-Length: 16\r\n\r\n{"sql":"SELECT"}'
START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}


class Nowhere(asyncio.Transport):
    """A transport that takes everything at once."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - as in asyncio
        """Nothing is known of it."""
        return default

    def write(self, data: Any) -> None:
        """Done."""

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Empty."""
        return 0


async def application(_: Scope, receive: Receive, send: Send) -> None:
    """Reads one message and answers."""
    await receive()
    await send(START)
    await send({"type": "http.response.body", "body": b"{}"})


def connection(kind: Any) -> Any:
    """A protocol on a transport that leads nowhere."""
    config = uvicorn.Config(application, http=kind, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    made = kind(config=config, server_state=ServerState(), app_state={})
    made.connection_made(Nowhere())
    return made


async def drive(protocol: Any, request: bytes) -> float:
    """CPU microseconds per request."""
    started = time.process_time()
    for _ in range(REQUESTS):
        protocol.data_received(request)
        while not protocol.cycle.response_complete:  # noqa: ASYNC110 - an event would be a cost of its own
            await asyncio.sleep(0)
    return (time.process_time() - started) / REQUESTS * 1e6


async def measure() -> dict[str, float]:
    """The best round of each; rounds are interleaved, so that a slow moment hits all alike."""
    kinds = {"uvicorn": HttpToolsProtocol, "ours": arriving(Watch(ArrivalLimits()))}
    best: dict[str, float] = {}
    connections = {name: connection(kind) for name, kind in kinds.items()}
    for _ in range(ROUNDS):
        for what, request in (("GET", GET), ("POST", POST)):
            for name, made in connections.items():
                cost = await drive(made, request)
                best[f"{what} {name}"] = min(cost, best.get(f"{what} {name}", cost))
    return best


def main() -> None:
    """Print the costs, and fail beyond the budget."""
    costs = uvloop.run(measure())
    worst = 0.0
    for what in ("GET", "POST"):
        ours, theirs = costs[f"{what} ours"], costs[f"{what} uvicorn"]
        worst = max(worst, ours - theirs)
        print(f"{what:5} uvicorn {theirs:6.2f} µs   ours {ours:6.2f} µs   {ours - theirs:+.2f}")
    raise SystemExit(worst > BUDGET_MICROSECONDS)


if __name__ == "__main__":
    main()
