"""Traces run through the service: in with a request, on with its job, out with the job's call, to a real receiver."""

import asyncio
import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Writes
from app.kernel.jobs import enqueue
from app.kernel.security.authorization import SYSTEM
from app.kernel.telemetry.metrics import SPANS
from app.kernel.telemetry.tracing import spans
from app.main import create_app
from app.settings import Settings, TracingSettings
from tests.conftest import SECRET
from tests.kernel.telemetry.otlp_receiver import Received, http_server, otlp_receiver
from tests.kernel.telemetry.tracing_worker import CALL
from tests.promises import kept
from tests.service_processes import Surroundings
from tests.spawning import spawned
from tests.waiting import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"


def traced(settings: Settings, url: str, ratio: float = 1.0) -> Settings:
    return settings.model_copy(
        update={"tracing": TracingSettings(exporter_otlp_endpoint=url, traces_sampler_arg=ratio)}
    )


def with_causing_route(app: FastAPI, url: str) -> FastAPI:
    async def cause(thing: str, session: Writes, password: str = "") -> dict[str, str]:
        return {
            "job": str(
                await enqueue(session, CALL, {"url": url, "thing": thing, "length": len(password)}, actor=SYSTEM)
            )
        }

    app.router.add_api_route("/cause/{thing}", cause, methods=["POST"], route_class_override=TransactionalRoute)
    return app


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://spyne.test"
    )


def only(found: list[Received]) -> Received:
    (one,) = found
    return one


async def test_a_trace_runs_from_the_request_through_the_job_to_the_call(
    settings: Settings, urls: DatabaseUrls, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    called: list[dict[str, str]] = []
    around = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    log = tmp_path / "worker.log"
    async with otlp_receiver() as receiver, http_server(lambda _line, headers, _body: called.append(headers)) as target:
        app = with_causing_route(create_app(traced(settings, receiver.url), urls, SECRET), target)
        environment = around.environment(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, SERVER_LOG_LEVEL="info")
        worker = await spawned("tests.kernel.telemetry.tracing_worker", env=environment, output=log)
        try:
            async with app.router.lifespan_context(app), client_of(app) as client:
                headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1", "X-Request-ID": "mine"}
                answer = await client.post("/cause/secret-thing?password=hunter2", headers=headers)
                assert answer.status_code == 200, answer.text

                async def over() -> bool:
                    return bool(await owner.fetchval("SELECT finished_at IS NOT NULL FROM spyne.job_runs"))

                await eventually(over, 30)
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(worker.ended(), 20) == 0
        finally:
            worker.kill()
            print(log.read_text())
    request = only(receiver.named("POST /cause/{thing}"))
    job = only(receiver.named(f"job {CALL}"))
    call = only(receiver.named("call POST"))
    assert {one.trace for one in (request, job, call)} == {TRACE}
    assert (request.parent, job.parent, call.parent) == (CALLER, request.span, job.span)
    assert (request.process, job.process, call.process) == ("api", "worker", "worker")
    assert not any(one.failed for one in (request, job, call))
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/cause/{thing}",
        "http.response.status_code": 200,
        "spyne.correlation_id": "mine",
    }
    assert (job.attributes["spyne.ending"], call.attributes["server.address"]) == ("succeeded", "127.0.0.1")
    assert request.span in {one.parent for one in receiver.named("database write")}
    assert job.span in {one.parent for one in receiver.named("database read")}
    (sent,) = called
    assert sent["traceparent"] == f"00-{TRACE}-{call.span}-01"
    assert b"hunter2" not in receiver.raw
    assert b"secret-thing" not in receiver.raw
    lines = [json.loads(line) for line in log.read_text().splitlines() if "tests:call" in line]
    assert {line["event"] for line in lines} == {"job started", "job succeeded"}
    assert {(line["correlation_id"], line["trace_id"]) for line in lines} == {("mine", TRACE)}


async def test_a_failing_request_is_a_failed_span_without_the_errors_words(
    settings: Settings, urls: DatabaseUrls
) -> None:
    async def fail() -> None:
        raise LookupError("hunter2")

    async with otlp_receiver() as receiver:
        app = create_app(traced(settings, receiver.url), urls, SECRET)
        app.router.add_api_route("/fail", fail)
        async with app.router.lifespan_context(app), client_of(app) as client:
            assert (await client.get("/fail")).status_code == 500
            assert (await client.get("/health/live")).status_code == 200
            assert (await client.get("/nowhere/secret")).status_code == 404
            assert (await client.get("/api/tables/nothing")).status_code == 401
    failed = only(receiver.named("GET /fail"))
    assert (failed.failed, failed.parent, failed.attributes["error.type"]) == (True, "", "LookupError")
    assert only(receiver.named("GET")).attributes["http.response.status_code"] == 404
    assert not only(receiver.named("GET /api/tables/{table}")).failed
    assert not [one for one in receiver.spans if "health" in one.name]
    assert b"hunter2" not in receiver.raw
    assert b"secret" not in receiver.raw


@pytest.mark.parametrize(("flag", "ratio", "recorded"), [("01", 0.0, True), ("00", 1.0, False)])
async def test_the_callers_decision_on_sampling_is_followed(
    settings: Settings, urls: DatabaseUrls, flag: str, ratio: float, recorded: bool
) -> None:
    async with otlp_receiver() as receiver:
        app = create_app(traced(settings, receiver.url, ratio), urls, SECRET)
        async with app.router.lifespan_context(app), client_of(app) as client:
            await client.get("/api/tables", headers={"traceparent": f"00-{TRACE}-{CALLER}-{flag}"})
            await client.get("/api/contracts")
    traces = {one.trace for one in receiver.spans if one.name.startswith("GET ")}
    assert (TRACE in traces) is recorded
    assert (len(traces - {TRACE}) == 1) is (ratio == 1.0)


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of somebody who takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_receiver_that_is_silent_costs_no_request_anything(
    settings: Settings, urls: DatabaseUrls, silent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "64")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "32")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    lost = SPANS.labels("lost")._value.get()
    app = create_app(traced(settings, silent), urls, SECRET)
    async with app.router.lifespan_context(app), client_of(app) as client:
        processor = spans.tracer.span_processor._span_processors[0]._batch_processor  # type: ignore[union-attr]
        slowest = 0.0
        for _ in range(300):
            begun = time.perf_counter()
            assert (await client.get("/api/tables")).status_code == 401
            slowest = max(slowest, time.perf_counter() - begun)
            assert len(processor._queue) <= 64
        await kept(slowest, 0.9, "less than one try of the exporter")

        async def told() -> bool:
            return SPANS.labels("lost")._value.get() > lost

        await eventually(told)
        begun = time.monotonic()
    await kept(time.monotonic() - begun, 6, "the end of the lifespan")
    assert spans.tracer is None


async def test_without_a_receiver_jobs_carry_the_trace_all_the_same(
    settings: Settings, urls: DatabaseUrls, owner: asyncpg.Connection
) -> None:
    app = with_causing_route(create_app(settings, urls, SECRET), "")
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert spans.tracer is None
        given = f"00-{TRACE}-{CALLER}-01"
        await client.post("/cause/x", headers={"traceparent": given})
        await client.post("/cause/x")
    found = [row[0] for row in await owner.fetch("SELECT traceparent FROM spyne.job_runs ORDER BY id")]
    assert found[0] == given
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", found[1])
    assert TRACE not in found[1]


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, None),
        ({"exporter_otlp_endpoint": "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({"exporter_otlp_endpoint": "http://c:4318", "exporter_otlp_traces_endpoint": "http://t/x"}, "http://t/x"),
        ({"exporter_otlp_endpoint": "http://c:4318", "sdk_disabled": True}, None),
    ],
)
def test_the_standard_variables_say_where_spans_go(variables: dict[str, object], endpoint: str | None) -> None:
    assert TracingSettings(**variables).endpoint == endpoint  # type: ignore[arg-type]
