"""HTTP metrics and access-log lines: by template, bounded, for every outcome."""

import asyncio
import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.metrics import REGISTRY
from app.middleware.correlation import Correlation
from app.middleware.observation import Observation
from app.settings import ServerSettings
from tests.middleware.asgi import call


@pytest.fixture
def lines() -> io.BytesIO:
    stream = io.BytesIO()
    configure_logging(ServerSettings(log_level="debug"), stream)
    return stream


def told(lines: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def count(handler: str, method: str, status: int) -> float:
    labels = {"handler": handler, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0.0


def durations(handler: str, method: str) -> float:
    labels = {"handler": handler, "method": method}
    return REGISTRY.get_sample_value("http_request_duration_seconds_count", labels) or 0.0


def build() -> FastAPI:
    app = FastAPI()
    app.add_middleware(Observation)
    app.add_middleware(Correlation)
    router = APIRouter(prefix="/things")

    @router.get("/{thing_id}")
    async def one(thing_id: str, request: Request) -> str:
        request.state.actor = SimpleNamespace(label="ann")
        return thing_id

    @router.post("/{thing_id}/fail")
    async def fail(thing_id: str) -> None:
        raise LookupError(thing_id)

    @app.get("/direct/{name}")
    async def direct(name: str) -> str:
        return name

    @app.get("/health")
    async def health() -> str:
        return "ok"

    nested = APIRouter()
    nested.include_router(router)
    app.include_router(nested, prefix="/api")
    app.include_router(router, prefix="/again")
    page = Route("/{file}", lambda _: PlainTextResponse("x"))
    app.mount("/static", Starlette(routes=[page]))
    app.router.mount("/{tenant}/bare", Router(routes=[page]))
    return app


@pytest.mark.parametrize(
    ("method", "path", "template", "label", "status"),
    [
        ("GET", "/api/things/s3cr3t", "/api/things/{thing_id}", "GET", 200),
        ("GET", "/again/things/s3cr3t", "/again/things/{thing_id}", "GET", 200),
        ("GET", "/direct/s3cr3t", "/direct/{name}", "GET", 200),
        ("DELETE", "/api/things/s3cr3t", "/api/things/{thing_id}", "DELETE", 405),
        ("S3CR3T", "/direct/s3cr3t", "/direct/{name}", "OTHER", 405),
        ("GET", "/nowhere/s3cr3t", "none", "GET", 404),
        ("GET", "/static/s3cr3t", "/static", "GET", 200),
        ("GET", "/s3cr3t/bare/s3cr3t", "/{tenant}/bare", "GET", 200),
        ("GET", "/static/s3cr3t/none", "/static", "GET", 404),
    ],
)
async def test_requests_are_counted_and_logged_by_template(
    lines: io.BytesIO, method: str, path: str, template: str, label: str, status: int
) -> None:
    before = count(template, label, status), durations(template, label)
    answer = await call(build(), method, path, headers=[(b"x-request-id", b"mine")])
    assert answer.status == status
    assert (count(template, label, status), durations(template, label)) == (before[0] + 1, before[1] + 1)
    (line,) = told(lines)
    assert line["event"] == "request"
    assert (line["method"], line["path"], line["status"]) == (label, template, status)
    assert line["correlation_id"] == "mine"
    assert len(line["trace_id"]) == 32
    assert 0 <= line["ms"] < 10_000
    assert "s3cr3t" not in lines.getvalue().decode().lower()


async def test_the_query_string_is_not_logged(lines: io.BytesIO) -> None:
    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await build()({**scope, "query_string": b"token=hunter22"}, receive, send)

    assert (await call(inner, path="/direct/a")).status == 200
    assert b"hunter22" not in lines.getvalue()


async def test_the_actor_is_named_when_known(lines: io.BytesIO) -> None:
    app = build()
    await call(app, path="/api/things/1")
    await call(app, path="/direct/1")
    known, unknown = told(lines)
    assert known["actor"] == "ann"
    assert "actor" not in unknown


async def test_an_exception_counts_as_500_and_passes_on(lines: io.BytesIO) -> None:
    template = "/api/things/{thing_id}/fail"
    before = count(template, "POST", 500)
    with pytest.raises(LookupError):
        await call(build(), "POST", "/api/things/1/fail")
    assert count(template, "POST", 500) == before + 1
    assert told(lines)[0]["status"] == 500
    assert told(lines)[0]["level"] == "warning"


@pytest.mark.parametrize("error", [asyncio.CancelledError, ClientDisconnect])
async def test_a_client_that_left_counts_as_499(lines: io.BytesIO, error: type[BaseException]) -> None:
    async def left(_: Scope, __: Receive, ___: Send) -> None:
        raise error

    with pytest.raises(error):
        await call(Observation(left))
    assert told(lines)[0]["status"] == 499


async def test_probes_are_logged_at_debug(lines: io.BytesIO) -> None:
    await call(build(), path="/health")
    assert told(lines)[0]["level"] == "debug"


async def test_routes_that_are_added_later_are_known() -> None:
    app = build()
    await call(app, path="/direct/1")

    @app.get("/late/{x}")
    async def late(x: str) -> str:
        return x

    before = count("/late/{x}", "GET", 200)
    await call(app, path="/late/1")
    assert count("/late/{x}", "GET", 200) == before + 1


async def test_two_applications_in_one_process_do_not_clash() -> None:
    before = count("/direct/{name}", "GET", 200)
    for app in (build(), build()):
        await call(app, path="/direct/1")
    assert count("/direct/{name}", "GET", 200) == before + 2
