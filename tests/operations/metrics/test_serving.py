"""Metrics have a port of their own, on the loopback address; on the API's port they ask who it is."""

import asyncio
import io
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter

from app.commands.environment import NoEnvironmentError
from app.commands.serving import require_metrics_port
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import INGESTION_ROWS, joined
from app.operations.metrics.serving import MAX_SCRAPES, Facts, application, metrics_served
from app.settings import ServerSettings
from tests import loopback
from tests.conftest import SECRET, ClientOf
from tests.service_processes import Surroundings, api_process
from tests.spawning import free_port
from tests.waiting import eventually


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("spyne_things_total", "", ("of",), registry=registry).labels("secret_v1").inc()
    return registry


@pytest.fixture
def url(registry: CollectorRegistry) -> Iterator[str]:
    port = free_port()
    with metrics_served("127.0.0.1", port, registry):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/metrics", 200),
        ("GET", "/metrics/", 200),
        ("HEAD", "/metrics", 200),
        ("POST", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/api/tables", 404),
    ],
)
async def test_the_port_answers_metrics_and_nothing_else(url: str, method: str, path: str, status: int) -> None:
    async with loopback.client(url, headers={"Accept-Encoding": "identity"}) as client:
        answer = await client.request(method, path)
        assert answer.status_code == status
        assert ("secret_v1" in answer.text) is (status == 200 and method == "GET")
        if status == 200:
            assert int(answer.headers["content-length"]) == len((await client.get(path)).content)
            assert answer.headers["content-type"].startswith("text/plain")


async def test_a_packed_page_has_its_own_length(url: str) -> None:
    async with loopback.client(url) as client:
        answer = await client.get("/metrics", headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert "secret_v1" in answer.text


async def test_scrapers_that_say_nothing_take_bounded_places_and_leave_no_trace(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    threads = threading.active_count()
    silent = [socket.create_connection((host, int(port))) for _ in range(3 * MAX_SCRAPES)]
    try:
        await eventually(lambda: threading.active_count() >= threads + MAX_SCRAPES)
        assert threading.active_count() <= threads + MAX_SCRAPES
    finally:
        for each in silent:
            each.close()

    async def free_again() -> bool:
        async with loopback.client(url) as client:
            try:
                return (await client.get("/metrics")).status_code == 200
            except httpx.TransportError:
                return False

    await eventually(free_again)


def test_without_a_port_nothing_listens(registry: CollectorRegistry) -> None:
    threads = threading.active_count()
    with metrics_served("127.0.0.1", None, registry):
        assert threading.active_count() == threads


def test_a_taken_port_is_said_with_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NoEnvironmentError, match=f"Port {port} .* SERVER_METRICS_PORT"):
            require_metrics_port("127.0.0.1", port, "SERVER_METRICS_PORT")
    require_metrics_port("127.0.0.1", None, "SERVER_METRICS_PORT")


def test_by_default_there_is_no_port_and_its_address_is_loopback() -> None:
    assert (ServerSettings().metrics_port, ServerSettings().metrics_host) == (None, "127.0.0.1")


async def test_a_scrape_has_the_facts_of_the_database(resources: Resources) -> None:
    page = application(joined(Facts(resources.database)))

    def scrape() -> str:
        environment: dict[str, Any] = {"PATH_INFO": "/metrics", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()}
        return b"".join(page(environment, lambda *_: None)).decode()

    async with resources.database.write() as session:
        await session.connection()
    assert "spyne_workers_seen 0.0" in await asyncio.to_thread(scrape)


async def test_a_scrape_is_answered_while_the_event_loop_is_blocked(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.metrics.serving.FACTS_SECONDS", 0.1)
    port, told = free_port(), threading.Event()

    def scrape() -> None:
        if "spyne_build_info" in httpx.get(f"http://127.0.0.1:{port}/metrics").text:
            told.set()

    with metrics_served("127.0.0.1", port, joined(Facts(resources.database))):
        thread = threading.Thread(target=scrape)
        thread.start()
        begun = time.monotonic()
        assert told.wait(20), "the loop does not turn within this call"
        thread.join()
    assert time.monotonic() - begun < 20


async def test_on_the_port_of_the_api_they_are_for_who_may_see_the_system(
    app: FastAPI, anonymous: httpx.AsyncClient, admin: httpx.AsyncClient, as_role: ClientOf
) -> None:
    assert app.state.gauges is not None
    INGESTION_ROWS.labels("secret_v1", "inserted").inc()
    for client, status in ((anonymous, 401), (await as_role("ENGINEER"), 403), (admin, 200)):
        answer = await client.get("/metrics")
        assert answer.status_code == status
        assert ("secret_v1" in answer.text) is (status == 200)


async def test_two_processes_have_a_port_each(urls: DatabaseUrls, tmp_path: Path) -> None:
    around = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    ports = [free_port(), free_port()]
    async with (
        api_process(around, SERVER_METRICS_PORT=str(ports[0])) as first,
        api_process(around, SERVER_METRICS_PORT=str(ports[1])) as second,
        loopback.client(timeout=10) as client,
    ):
        for process, port in ((first, ports[0]), (second, ports[1])):
            for _ in range(3):
                assert (await client.get(f"{process.url}/nothing")).status_code == 404
            page = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            assert 'http_requests_total{handler="none",method="GET",status="404"} 3.0' in page
            assert "spyne_pool_connections_limit{" in page
            assert (await client.get(f"{process.url}/metrics")).status_code == 401
