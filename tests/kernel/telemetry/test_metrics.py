"""Metrics: the promised names, bounded labels, a timer that is right in every ending."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.ext.asyncio import create_async_engine

from app.kernel.telemetry import metrics
from app.kernel.telemetry.metrics import OTHER, REGISTRY, Bounded, EventLoopLag, exposition, metrics_timer, pool_metrics

PROMISED = {
    "spyne_ingestion_lag_seconds": ("contract_id",),
    "spyne_ingestion_rows": ("contract_id", "status"),
    "spyne_replay_count": ("contract_id",),
    "spyne_backfill_rows": ("contract_id",),
    "spyne_join_usage": ("join_id",),
    "spyne_join_candidate_rejected": ("reason",),
    "spyne_drift_detected": ("contract_id", "severity"),
    "spyne_drift_resolved": ("contract_id",),
    "spyne_query_latency_seconds": ("query_type",),
    "spyne_query_preview_viewed": (),
    "spyne_query_corrections": (),
    "spyne_query_guardrail_triggered": ("type",),
    "spyne_table_promotions": ("from_state", "to_state"),
    "spyne_table_deprecations": (),
}


def test_every_promised_metric_exists_with_its_labels() -> None:
    declared = {}
    for thing in vars(metrics).values():
        metric = thing.metric if isinstance(thing, Bounded) else thing
        if hasattr(metric, "_labelnames") and not isinstance(metric, type):
            declared[metric._name] = tuple(metric._labelnames)
    assert {name: declared.get(name) for name in PROMISED} == PROMISED
    names = {family.name for family in text_string_to_metric_families(exposition().decode())}
    assert PROMISED.keys() <= names
    assert {"process_resident_memory_bytes", "spyne_event_loop_lag_seconds", "spyne_outbox_age_seconds"} <= names


def test_labels_are_bounded_by_position() -> None:
    registry = CollectorRegistry()
    rows = Bounded(Counter("rows", "Rows.", ("contract", "status"), registry=registry), limit=3)
    for number in range(100):
        for status in ("accepted", "rejected"):
            rows.labels(f"c{number}", status).inc()
    (family,) = registry.collect()
    totals = {(s.labels["contract"], s.labels["status"]): s.value for s in family.samples if s.name == "rows_total"}
    assert set(totals) == {(c, s) for c in ("c0", "c1", "c2", OTHER) for s in ("accepted", "rejected")}
    assert totals[OTHER, "rejected"] == 97
    assert sum(totals.values()) == 200
    assert rows.labels("c1", "accepted") is rows.labels(contract="c1", status="accepted")
    assert len(rows._children) <= 6


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), (("a",), {}), (("a", "b", "c"), {}), (("a",), {"y": "b"}), ((), {"x": "a"})]
)
def test_wrong_labels_are_refused(values: tuple[str, ...], named: dict[str, str]) -> None:
    metric = Bounded(Counter("m", "M.", ("x", "y"), registry=None))
    with pytest.raises(ValueError, match="labels are"):
        metric.labels(*values, **named)


@pytest.fixture
def histogram() -> Histogram:
    return Histogram("seconds", "Seconds.", registry=None)


def observed(histogram: Histogram) -> tuple[float, float]:
    found = {sample.name: sample.value for sample in next(iter(histogram.collect())).samples}
    return found["seconds_count"], found["seconds_sum"]


async def test_the_timer_keeps_functions_what_they_are(histogram: Histogram) -> None:
    @metrics_timer(histogram)
    def add(left: int, right: int = 2) -> int:
        """Adds."""
        return left + right

    @metrics_timer(histogram)
    async def slow(value: str) -> str:
        await asyncio.sleep(0.02)
        return value

    assert add(1) == 3
    assert (add.__name__, add.__doc__, list(inspect.signature(add).parameters)) == ("add", "Adds.", ["left", "right"])
    assert inspect.iscoroutinefunction(slow)
    assert not inspect.iscoroutinefunction(add)
    assert await slow("x") == "x"
    count, total = observed(histogram)
    assert count == 2
    assert total >= 0.02  # the awaiting is measured, not the making of the coroutine


async def test_the_timer_counts_failures_and_cancellations(histogram: Histogram) -> None:
    @metrics_timer(histogram)
    def failing() -> None:
        raise LookupError("as it was")

    @metrics_timer(histogram)
    async def failing_later() -> None:
        await asyncio.sleep(0)
        raise LookupError("as it was")

    @metrics_timer(histogram)
    async def endless() -> None:
        await asyncio.Event().wait()

    with pytest.raises(LookupError, match="as it was"):
        failing()
    with pytest.raises(LookupError, match="as it was"):
        await failing_later()
    task = asyncio.create_task(endless())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert observed(histogram)[0] == 3


def test_the_timer_takes_labels() -> None:
    metric = Bounded(Histogram("seconds", "Seconds.", ("kind",), registry=None))
    metrics_timer(metric, "fast")(lambda: None)()
    assert [
        s.value
        for s in next(iter(metric.metric.collect())).samples
        if s.name == "seconds_count" and s.labels == {"kind": "fast"}
    ] == [1]


def test_the_timer_refuses_generators(histogram: Histogram) -> None:
    def rows() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    for generator in (rows, later):
        with pytest.raises(TypeError, match="generator"):
            metrics_timer(histogram)(generator)


async def test_pools_of_two_applications_do_not_clash() -> None:
    engines = [
        create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none", pool_size=size, max_overflow=2)
        for size in (3, 5)
    ]
    try:
        for engine, limit in zip(engines, (5, 7), strict=True):
            text = exposition(pool_metrics({"writer": engine})).decode()
            assert text.count('spyne_pool_connections{pool="writer",state="in_use"} 0.0') == 1
            assert f'spyne_pool_connections_limit{{pool="writer"}} {limit}.0' in text
            assert len(list(text_string_to_metric_families(text))) > len(PROMISED)
    finally:
        for engine in engines:
            await engine.dispose()


async def test_the_event_loop_lag_is_the_longest_of_the_window() -> None:
    lag_of_the_loop = EventLoopLag(interval_seconds=0.01, window_seconds=10)
    for n in range(10):
        await lag_of_the_loop.look()
        if n == 4:
            asyncio.get_running_loop().call_soon(_block)
        await asyncio.sleep(0.01)
    lag = REGISTRY.get_sample_value("spyne_event_loop_lag_seconds")
    assert lag is not None
    assert 0.05 < lag < 5


def _block() -> None:
    deadline = asyncio.get_running_loop().time() + 0.1
    while asyncio.get_running_loop().time() < deadline:
        pass
