"""Every Prometheus series that Spyne feeds, in one private registry, and the text that `/metrics` answers.

The registry is private and the process's, so several applications in one process share these counters and register
nothing twice; what belongs to one application, such as its pools, lives in a registry of its own (`pool_metrics`),
rendered beside it. No label grows without bound: values beyond a metric's limit are counted as `other`.
"""

import asyncio
import functools
import inspect
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, ParamSpec, TypeVar, cast

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Kind = TypeVar("Kind", bound=MetricWrapperBase)

OTHER = "other"
"""The label value that stands for all values beyond a metric's limit."""

MAX_LABEL_VALUES = 500
"""Distinct values of one label. Prometheus's guide to instrumentation asks for a cardinality in the low hundreds;
contracts may be more, so the rest is summed up."""

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds; from an indexed read to the longest query timeout."""

CONTENT_TYPE = CONTENT_TYPE_LATEST

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)


class Bounded(Generic[Kind]):
    """A labelled metric whose labels take at most `limit` values each; further values become `other`."""

    def __init__(self, metric: Kind, limit: int = MAX_LABEL_VALUES) -> None:
        self.metric = metric
        self._limit = limit
        self._names: tuple[str, ...] = tuple(metric._labelnames)  # noqa: SLF001 - the client offers no public way to read them
        self._seen: tuple[set[str], ...] = tuple(set() for _ in self._names)
        self._children: dict[tuple[str, ...], Kind] = {}

    def labels(self, *values: str, **named: str) -> Kind:
        """The child for these label values, in the metric's order or by name. Raises `ValueError` for others."""
        if named:
            if values or named.keys() != set(self._names):
                raise ValueError(f"the labels are {self._names}")
            values = tuple(named[name] for name in self._names)
        child = self._children.get(values)
        return child if child is not None else self._fold(values)

    def _fold(self, values: tuple[str, ...]) -> Kind:
        if len(values) != len(self._names):
            raise ValueError(f"the labels are {self._names}")
        folded = tuple(self._kept(seen, value) for seen, value in zip(self._seen, values, strict=True))
        child = self.metric.labels(*folded)
        if folded == values:
            self._children[values] = child
        return child

    def _kept(self, seen: set[str], value: str) -> str:
        if value in seen:
            return value
        if len(seen) >= self._limit:
            return OTHER
        seen.add(value)
        return value


def counter(name: str, text: str, *labels: str) -> Bounded[Counter]:
    """A counter by labels."""
    return Bounded(Counter(name, text, labels, registry=REGISTRY))


def _gauge(name: str, text: str, *labels: str) -> Bounded[Gauge]:
    return Bounded(Gauge(name, text, labels, registry=REGISTRY))


def histogram(name: str, text: str, *labels: str) -> Bounded[Histogram]:
    """A histogram of latencies in seconds."""
    return Bounded(Histogram(name, text, labels, registry=REGISTRY, buckets=LATENCY_BUCKETS))


_total = functools.partial(Counter, registry=REGISTRY)
_value = functools.partial(Gauge, registry=REGISTRY)

INGESTION_LAG = _gauge("spyne_ingestion_lag_seconds", "Processing time less the last event time.", "contract_id")
INGESTION_ROWS = counter("spyne_ingestion_rows_total", "Rows that arrived, by verdict.", "contract_id", "status")
REPLAYS = counter("spyne_replay_count_total", "Batches that were taken again by a run, by contract.", "contract_id")
BACKFILL_ROWS = counter("spyne_backfill_rows_total", "Rows that backfills have read, by contract.", "contract_id")
JOIN_USAGE = counter("spyne_join_usage_total", "Queries that used an accepted join.", "join_id")
JOIN_REJECTED = counter("spyne_join_candidate_rejected_total", "Join candidates that were refused.", "reason")
DRIFT_DETECTED = counter("spyne_drift_detected_total", "Drift found, by severity.", "contract_id", "severity")
DRIFT_RESOLVED = counter("spyne_drift_resolved_total", "Drift that was resolved, by contract.", "contract_id")
QUERY_LATENCY = histogram("spyne_query_latency_seconds", "Duration of queries, by type.", "query_type")
QUERY_PREVIEWS_VIEWED = _total("spyne_query_preview_viewed_total", "Previews that were answered.")
QUERY_CORRECTIONS = _total("spyne_query_corrections_total", "Corrections of queries by people.")
LANGUAGE_MODEL_ASKED = counter(
    "spyne_language_model_asked_total", "Questions that a language model was asked, by outcome.", "outcome"
)
QUERY_GUARDRAILS = counter("spyne_query_guardrail_triggered_total", "Queries that the guard refused, by rule.", "type")
TABLE_PROMOTIONS = counter("spyne_table_promotions_total", "Promotions, by transition.", "from_state", "to_state")
TABLE_DEPRECATIONS = _total("spyne_table_deprecations_total", "Tables that were deprecated.")

OPERATIONAL_FAILURES = counter(
    "spyne_operational_failures_total", "Operational failures answered as 503, by SQLSTATE.", "reason"
)
REQUESTS_REFUSED = counter("spyne_requests_refused_total", "Requests refused at the door, by reason.", "reason")
CONNECTIONS_OPEN = _value("spyne_connections_open", "Connections of clients, at the last look.")
CONNECTIONS_CUT = counter("spyne_connections_cut_total", "Connections that the service has ended, by reason.", "reason")
REQUESTS_IN_FLIGHT = _gauge("spyne_requests_in_flight", "Requests that are being served, by lane.", "lane")
RATE_LIMIT_FALLBACKS = _total(
    "spyne_rate_limit_fallbacks_total", "Requests counted by one process alone, without Redis."
)
SECURITY_EVENTS = counter("spyne_security_events_total", "Security events, by kind.", "kind")
SECURITY_EVENTS_DROPPED = _total("spyne_security_events_dropped_total", "Security events that found no room.")
QUEUE_DEPTH = _gauge("spyne_queue_depth", "Jobs in the queue, by status.", "status")
QUEUE_OLDEST = _value("spyne_queue_oldest_seconds", "For how long the job that waits longest could have started.")
WORKERS_SEEN = _value("spyne_workers_seen", "Workers that gave a sign of life in the last half minute.")
DISK_FREE = _value("spyne_disk_free_bytes", "Free bytes where the state directory is.")
DISK_SIZE = _value("spyne_disk_size_bytes", "Bytes of the disk where the state directory is.")
WRITES_FAILING = _value("spyne_writes_failing", "1 while writes fail for want of room or of a sound disk, else 0.")
BUILD = _gauge("spyne_build_info", "1, by version.", "version")
OUTBOX_AGE = _value("spyne_outbox_age_seconds", "Age of the oldest notification that waits.")
NOTIFICATIONS = counter(
    "spyne_notifications_total", "Attempts to send notifications, by type of channel and outcome.", "channel", "outcome"
)
AUDIT_SEALS = _value("spyne_audit_seals", "Seals over the audit log.")
AUDIT_SEALED_ROWS = _value("spyne_audit_sealed_rows", "Rows of the audit log under seals.")
AUDIT_UNSEALED_AGE = _value("spyne_audit_unsealed_age_seconds", "Age of the oldest audit row that waits for its seal.")
SPANS = counter("spyne_spans_total", "Spans that left the queue of the exporter, by outcome: sent, lost.", "outcome")
BACKGROUND_LAST_RAN = _gauge(
    "spyne_background_last_ran_timestamp_seconds",
    "When a background task last did its work without a failure; before the first time, when it began.",
    "task",
)
BACKGROUND_INTERVAL = _gauge(
    "spyne_background_interval_seconds", "Seconds between two looks of a background task.", "task"
)
BACKGROUND_FAILURES = counter("spyne_background_failures_total", "Failures of background tasks, by task.", "task")
EVENT_LOOP_LAG = _value("spyne_event_loop_lag_seconds", "Longest delay of a timer in the last minute.")


def metrics_timer(
    metric: Bounded[Histogram] | Histogram, *labels: str
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """A decorator that observes how long each call takes, in seconds, whether it returns, raises or is cancelled.

    Raises `TypeError` at decoration for a generator function, whose call returns before its work begins.
    """
    child = metric.labels(*labels) if labels else cast("Histogram", metric)

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator: time what consumes it")
        if inspect.iscoroutinefunction(function):
            awaitable = cast("Callable[Parameters, Awaitable[Result]]", function)

            @functools.wraps(function)
            async def timed_async(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
                started = time.perf_counter()
                try:
                    return await awaitable(*args, **kwargs)
                finally:
                    child.observe(time.perf_counter() - started)

            return cast("Callable[Parameters, Result]", timed_async)

        @functools.wraps(function)
        def timed(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
            started = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                child.observe(time.perf_counter() - started)

        return timed

    return decorate


class PoolCollector(Collector):
    """Reads SQLAlchemy's pools when Prometheus asks; costs requests nothing."""

    def __init__(self, engines: Mapping[str, AsyncEngine]) -> None:
        self._engines = dict(engines)

    def collect(self) -> Iterable[Metric]:
        """Connections in use, idle, and the most there may be, by pool."""
        used = GaugeMetricFamily("spyne_pool_connections", "Connections of a pool, by state.", labels=("pool", "state"))
        most = GaugeMetricFamily("spyne_pool_connections_limit", "Connections that a pool may open.", labels=("pool",))
        for name, engine in self._engines.items():
            pool = engine.pool
            if isinstance(pool, QueuePool):
                used.add_metric((name, "in_use"), pool.checkedout())
                used.add_metric((name, "idle"), pool.checkedin())
                most.add_metric((name,), pool.size() + max(pool._max_overflow, 0))  # noqa: SLF001 - no public reading of it
        return (used, most)


def pool_metrics(engines: Mapping[str, AsyncEngine]) -> CollectorRegistry:
    """A registry of one application's pools, by name."""
    registry = CollectorRegistry()
    registry.register(PoolCollector(engines))
    return registry


class Joined(Collector):
    """Several registries as one, for servers that take one."""

    def __init__(self, *registries: Collector) -> None:
        self._registries = registries

    def collect(self) -> Iterable[Metric]:
        """The metrics of each of them."""
        for registry in self._registries:
            yield from registry.collect()


def joined(first: Collector, *registries: Collector) -> CollectorRegistry:
    """What is given and Spyne's own registry as one, the first asked before Spyne's own."""
    whole = CollectorRegistry()
    whole.register(Joined(first, REGISTRY, *registries))
    return whole


class EventLoopLag:
    """Measures how late the timers of the loop fire; the gauge holds the longest delay of the window."""

    def __init__(self, interval_seconds: float, window_seconds: float = 60.0) -> None:
        self._interval = interval_seconds
        self._recent: deque[float] = deque(maxlen=max(1, round(window_seconds / interval_seconds)))
        self._due: float | None = None

    async def look(self) -> None:
        """Measure; to be called again `interval_seconds` after this returns."""
        now = asyncio.get_running_loop().time()
        if self._due is not None:
            self._recent.append(max(0.0, now - self._due))
            EVENT_LOOP_LAG.set(max(self._recent))
        self._due = now + self._interval


def exposition(*registries: CollectorRegistry) -> bytes:
    """The text of Spyne's own registry and of the given ones, as `/metrics` answers it (`CONTENT_TYPE`)."""
    return b"".join(generate_latest(registry) for registry in (REGISTRY, *registries))
