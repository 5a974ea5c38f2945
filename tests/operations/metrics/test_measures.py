"""Samples of metrics: what changed, once, kept by process; and what a worker tells of itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.operations.metrics import repository
from app.operations.metrics.metric_samples import Sample, Sampler, keep
from tests import loopback
from tests.conftest import SECRET
from tests.service_processes import START_SECONDS, Surroundings, worker_process
from tests.spawning import free_port
from tests.waiting import eventually

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_sampler_tells_what_changed_since_it_was_asked() -> None:
    registry = CollectorRegistry()
    rows = Counter("spyne_rows_total", "", ("kind",), registry=registry)
    depth = Gauge("spyne_depth", "", registry=registry)
    Counter("http_requests_total", "", registry=registry).inc()
    seconds = Histogram("spyne_seconds", "", registry=registry)
    sampler = Sampler(registry)
    assert sampler.changes() == []
    rows.labels("a").inc(3)
    depth.set(7)
    seconds.observe(2.5)
    found = {(one.name, one.labels): one.value for one in sampler.changes()}
    assert found == {
        ("spyne_rows_total", (("kind", "a"),)): 3,
        ("spyne_depth", ()): 7,
        ("spyne_seconds_count", ()): 1,
        ("spyne_seconds_sum", ()): 2.5,
    }
    assert sampler.changes() == []
    rows.labels("a").inc(2)
    depth.set(0)
    assert {(one.name, one.value) for one in sampler.changes()} == {("spyne_rows_total", 2), ("spyne_depth", 0)}


async def test_samples_are_kept_by_process_until_they_are_old(resources: Resources, owner: asyncpg.Connection) -> None:
    for process, rows, depth in (("p1", 3.0, 7.0), ("p2", 4.0, 2.0)):
        samples = [Sample("spyne_rows_total", (("kind", "a"),), rows), Sample("spyne_depth", (), depth)]
        await keep(resources, process, samples)
    kept = await owner.fetch("SELECT name, process, labels->>'kind', value FROM spyne.spyne_metrics ORDER BY 1, 2")
    assert [tuple(row) for row in kept] == [
        ("spyne_depth", "p1", None, 7.0),
        ("spyne_depth", "p2", None, 2.0),
        ("spyne_rows_total", "p1", "a", 3.0),
        ("spyne_rows_total", "p2", "a", 4.0),
    ]
    await owner.execute("UPDATE spyne.spyne_metrics SET sampled_at = $1 WHERE process = 'p1'", EPOCH)
    async with resources.database.write() as session:
        assert await repository.remove(session, datetime.now(UTC) - timedelta(days=30)) == 2
    assert await owner.fetchval("SELECT count(*) FROM spyne.spyne_metrics") == 2


async def test_a_worker_tells_its_own_pools_and_loop(urls: DatabaseUrls, tmp_path: Path) -> None:
    port = free_port()
    around = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    names = ('spyne_pool_connections{pool="write"', "spyne_event_loop_lag_seconds ", "spyne_build_info{")
    async with (
        worker_process(around, JOBS_METRICS_PORT=str(port)),
        loopback.client(f"http://127.0.0.1:{port}") as client,
    ):

        async def told() -> bool:
            try:
                answer = await client.get("/metrics")
            except httpx.TransportError:
                return False
            return all(name in answer.text for name in names)

        await eventually(told, START_SECONDS)
