"""Samples what `/metrics` shows of the service, once a minute, into `spyne_metrics`: for the service's own charts.

What is kept is bounded: names of the service's own metrics, at most `MAX_SERIES` of one process, and only what changed.
Counters are kept as what the minute added, so that sums over processes and times need no care for restarts.
"""

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from app.kernel.db.database import OperationClass
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, JobDefinition, Schedule
from app.kernel.problems import Unavailable
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import REGISTRY
from app.operations.metrics import repository
from app.operations.metrics.prometheus import refresh

SAMPLE_SECONDS: Final = 60.0
KEPT: Final = timedelta(days=30)
MAX_SERIES: Final = 5_000
"""The most series of one process; metrics bound their labels long before."""

SWEEP_JOB: Final = "operations:sweep-metrics"
PREFIX: Final = "spyne_"
_CUMULATIVE: Final = frozenset({"counter", "histogram"})
_LEFT_OUT: Final = ("_bucket", "_created", "_timestamp_seconds")
"""Charts show means; quantiles and alerts are Prometheus's."""

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """The value of a series now."""

    name: str
    labels: Labels
    value: float


class Sampler:
    """What changed in a registry since it was asked last."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._before: dict[tuple[str, Labels], float] = {}

    def changes(self) -> list[Sample]:
        """Gauges that have another value, counters with what was added; in the order of the registry."""
        found: list[Sample] = []
        for cumulative, name, labels, value in self._series():
            before = self._before.get((name, labels), 0.0)
            if value == before or len(found) == MAX_SERIES:
                continue
            self._before[name, labels] = value
            found.append(Sample(name, labels, value - before if cumulative else value))
        return found

    def _series(self) -> Iterator[tuple[bool, str, Labels, float]]:
        for metric in self._registry.collect():
            if metric.name.startswith(PREFIX):
                for sample in metric.samples:
                    if not sample.name.endswith(_LEFT_OUT):
                        labels = tuple(sorted(sample.labels.items()))
                        yield metric.type in _CUMULATIVE, sample.name, labels, float(sample.value)


async def keep(resources: Resources, process: str, samples: Iterable[Sample]) -> None:
    """Write the samples."""
    rows = [{"name": one.name, "labels": dict(one.labels), "value": one.value} for one in samples]
    if rows:
        adding = partial(repository.add, process=process, at=resources.clock(), rows=rows)
        await resources.database.run(adding, OperationClass.RECORD)


def _sampling(resources: Resources) -> AbstractAsyncContextManager[None]:
    process, sampler = str(new_id()), Sampler()
    unwritten: list[Sample] = []

    async def look() -> None:
        await refresh(resources.database)
        unwritten[:] = [*unwritten, *sampler.changes()][-MAX_SERIES:]
        with contextlib.suppress(Unavailable):  # the shield is up: samples wait
            await keep(resources, process, _merged(unwritten))
            unwritten.clear()

    return repeating("metric-samples", look, SAMPLE_SECONDS)


def _merged(samples: Iterable[Sample]) -> list[Sample]:
    """Samples, one per series: what minutes without a database added counts for the minute that is written."""
    merged: dict[tuple[str, Labels], float] = {}
    for one in samples:
        additive = one.name.endswith(("_total", "_sum", "_count"))
        merged[one.name, one.labels] = one.value + (merged.get((one.name, one.labels), 0.0) if additive else 0.0)
    return [Sample(name, labels, value) for (name, labels), value in merged.items()]


async def sweep(context: JobContext) -> None:
    """Remove samples that are older than `KEPT`, some thousand rows at a time."""
    before = context.resources.clock() - KEPT
    removed = 0
    while True:
        step = await context.apply(partial(repository.remove, before=before))
        removed += step
        await context.progress(removed=removed)
        if step < repository.SWEEP_ROWS:
            return


BACKGROUND = (BackgroundTask("metric-samples", _sampling, SAMPLE_SECONDS, in_api=True, in_worker=True),)
JOBS = (JobDefinition(name=SWEEP_JOB, handler=sweep),)
SCHEDULES = (Schedule(name="sweep-metrics", cron="41 3 * * *", job=SWEEP_JOB),)
