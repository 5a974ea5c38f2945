"""Sends spans to an OTLP/HTTP receiver, from a thread of its own.

A receiver that is away costs nobody anything: the queue is bounded (`OTEL_BSP_MAX_QUEUE_SIZE`, 2,048 spans), what finds
no room is dropped, and the end of the process waits for it briefly.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from app.kernel.ids import new_id
from app.kernel.telemetry.metrics import SPANS
from app.kernel.telemetry.tracing import spans
from app.settings import TracingSettings

log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 3.0
"""At the end of the process, for what is still in the queue."""

LOG_SECONDS: Final = 60.0
"""Between two log lines about a receiver that is away."""


class CountingExporter(OTLPSpanExporter):
    """Counts what was sent and lost; the library's own lines hold addresses, and come for every try."""

    _logged_at = -LOG_SECONDS

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """What came of sending the spans; returns within the exporter's timeout."""
        result = super().export(spans)
        if result is SpanExportResult.SUCCESS:
            SPANS.labels("sent").inc(len(spans))
            return result
        SPANS.labels("lost").inc(len(spans))
        if time.monotonic() - self._logged_at >= LOG_SECONDS:
            self._logged_at = time.monotonic()
            log.warning("spans could not be sent", extra={"count": len(spans)})
        return result


@asynccontextmanager
async def exporting(settings: TracingSettings, process: str) -> AsyncIterator[None]:
    """Record and send the spans of the process (`api`, `worker`) while the block runs, if there is a receiver."""
    endpoint = settings.endpoint
    if endpoint is None:
        yield
        return
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    resource = Resource.create(
        {
            "service.name": settings.service_name,
            "service.version": version("spyne"),
            "service.instance.id": str(new_id()),
            "spyne.process": process,
        }
    )
    exporter = CountingExporter(endpoint=endpoint)
    provider = TracerProvider(ParentBasedTraceIdRatio(settings.traces_sampler_arg), resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    before, spans.tracer = spans.tracer, provider.get_tracer("spyne", version("spyne"))
    try:
        yield
    finally:
        spans.tracer = before
        await asyncio.to_thread(_end, provider, exporter)


def _end(provider: TracerProvider, exporter: CountingExporter) -> None:
    ending = threading.Thread(target=provider.shutdown, name="span-export-end", daemon=True)
    ending.start()
    ending.join(FLUSH_SECONDS)
    if ending.is_alive():
        exporter.shutdown()  # type: ignore[no-untyped-call]  # ends its tries; the rest of the queue is lost
