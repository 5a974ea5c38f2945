"""What the middleware costs: CPU per request of an application with the door against the same application without it.

Run: `python -m benchmarks.door`. Drives ASGI directly (no sockets), 150 routes, nine request headers, logs to
/dev/null. The budget is 100 microseconds per request; the stock instrumentator is measured for comparison.
"""

import asyncio
import time
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.middleware import Middleware
from starlette.types import Message, Scope

from app.kernel.security.authorization import Recognised
from app.kernel.telemetry.logging import configure_logging
from app.middleware.table import ORDER, middleware
from app.operations.security.edge.blocking import FOREVER, NetworkIndex
from app.operations.security.edge.edge_state import Edge, EdgeView
from app.operations.security.edge.rates import PAIRS, RateRule, in_force
from app.settings import Settings
from tests.middleware.asgi import AlwaysNormal

BUDGET_MICROSECONDS = 100.0
REQUESTS, ROUNDS = 1_000, 12
HEADERS = [
    (b"host", b"127.0.0.1:8080"),
    (b"user-agent", b"python-httpx/0.28.1"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"connection", b"keep-alive"),
    (b"authorization", b"Bearer x"),
    (b"content-type", b"application/json"),
    (b"x-request-id", b"abc-123"),
    (b"cache-control", b"no-cache"),
]


async def thing(thing_id: str) -> dict[str, str]:
    """A small answer."""
    return {"id": thing_id}


def edge() -> Edge:
    """The door as it is in use: rules for all classes, three thousand blocks, a decoy, and a caller who is known."""
    filled = Edge()
    blocks = [(ip_network((184_549_376 + number, 32)), FOREVER) for number in range(3_000)]
    rates = in_force([RateRule(kind, scope, 300_000, 60) for kind, scope in PAIRS])
    filled.view = EdgeView(rates, NetworkIndex(blocks), frozenset({"/wp-login.php"}))
    known = {b"x": Recognised("user:01890000-0000-7000-8000-000000000000", 300_000)}
    filled.recognised = lambda shown: known.get(shown.secret)
    return filled


def build(layers: Sequence[Middleware]) -> FastAPI:
    """An application of the service's size with these layers."""
    app = FastAPI(middleware=layers)
    for domain in range(15):
        router = APIRouter(prefix=f"/api/domain{domain}")
        for number in range(10):
            router.get(f"/things{number}/{{thing_id}}", operation_id=f"thing_{domain}_{number}")(thing)
        app.include_router(router)
    return app


async def drive(app: FastAPI, requests: int) -> float:
    """CPU microseconds per request."""

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(_: Message) -> None:
        pass

    started = time.process_time()
    for _ in range(requests):
        scope: Scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": "/api/domain7/things5/42",
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": list(HEADERS),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
            "state": {},
        }
        await app(scope, receive, send)
    return (time.process_time() - started) / requests * 1e6


async def measure(apps: dict[str, FastAPI]) -> dict[str, float]:
    """The best round of each application; rounds are interleaved, so that a slow moment hits all alike."""
    best = dict.fromkeys(apps, float("inf"))
    for _ in range(ROUNDS):
        for name, app in apps.items():
            best[name] = min(best[name], await drive(app, REQUESTS))
    return best


def main() -> None:
    """Print the cost of each layer, of all, and of the stock instrumentator."""
    settings = Settings()
    layers = middleware(settings, AlwaysNormal(), edge())
    stock = build([])
    Instrumentator(registry=CollectorRegistry()).instrument(stock)
    apps = {"bare": build([])}
    apps |= {f"… to {layer.__name__}": build(layers[: count + 1]) for count, layer in enumerate(ORDER)}
    apps["stock instrumentator alone"] = stock
    with Path("/dev/null").open("wb") as sink:
        configure_logging(settings.server, sink)
        costs = asyncio.run(measure(apps))
    for name, cost in costs.items():
        print(f"{name:28} {cost:7.1f} µs  {cost - costs['bare']:+7.1f}")
    door = costs[f"… to {ORDER[-1].__name__}"] - costs["bare"]
    print(f"door: {door:.1f} µs per request, {door / costs['bare']:.2f} of the bare framework")
    raise SystemExit(door > BUDGET_MICROSECONDS)


if __name__ == "__main__":
    main()
