"""What Prometheus is told about jobs."""

from prometheus_client import Counter, Histogram

from app.kernel.telemetry.metrics import LATENCY_BUCKETS, REGISTRY, Bounded

JOBS_ENDED = Bounded(
    Counter("spyne_job_endings_total", "Starts of jobs that ended, by how.", ("name", "ending"), registry=REGISTRY)
)
JOB_SECONDS = Bounded(
    Histogram("spyne_job_seconds", "Time that handlers took.", ("name",), registry=REGISTRY, buckets=LATENCY_BUCKETS)
)
