"""Spans of OpenTelemetry, while there is a receiver for them (`span_export.py`); otherwise next to nothing.

A span holds names, numbers and templates of ours: no address as sent, no query string, no SQL, no message of an error.
Trace ids go along with requests, jobs and outbound calls whether spans are recorded or not.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Final

from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from app.kernel.correlation import bound_traceparent

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
MAX_TRACESTATE: Final = 512
"""Characters that a participant must be able to carry (W3C Trace Context, 3.3.1.5); longer ones are dropped."""

Attributes = Mapping[str, AttributeValue]

_NO_ATTRIBUTES: Final[Attributes] = {}
_DATABASE: Final[Attributes] = {"db.system.name": "postgresql"}


class Spans:
    """The process's tracer."""

    __slots__ = ("tracer",)

    def __init__(self) -> None:
        self.tracer: Tracer | None = None
        """None while tracing is off."""


spans = Spans()
"""The process's own; set up by `app.kernel.telemetry.span_export.exporting`."""


def remote(traceparent: str | None, tracestate: str | None = None) -> Context:
    """The context of a parent elsewhere, or without one. A state that is malformed or too long is dropped."""
    if traceparent is None:
        return Context()
    state = TraceState.from_header([tracestate]) if tracestate and len(tracestate) <= MAX_TRACESTATE else None
    parent = SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:55], 16)),
        trace_state=state,
    )
    return set_span_in_context(NonRecordingSpan(parent), Context())


def traceparent_of(span: Span) -> str | None:
    """The `traceparent` that names this span as parent; None for no span."""
    found = span.get_span_context()
    if not found.is_valid:
        return None
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags & TraceFlags.SAMPLED:02x}"


def traceparent() -> str | None:
    """What jobs and outbound calls carry: the open span, else what the request or job under way was given."""
    return (traceparent_of(get_current_span()) if spans.tracer is not None else None) or bound_traceparent()


def tracestate() -> str | None:
    """What other participants want to be carried along; None for nothing."""
    if spans.tracer is None:
        return None
    return get_current_span().get_span_context().trace_state.to_header() or None


def failed(span: Span, kind: str) -> None:
    """Mark a span as failed. `kind` is a class name or status code, never a message."""
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes = _NO_ATTRIBUTES,
    parent: Context | None = None,
) -> Iterator[Span]:
    """A span that is current within the block, and failed when the block raises; `INVALID_SPAN` while tracing is off.

    Names have few values, attributes few bytes and no secrets. Without a parent (`remote`) it is the open span.
    """
    tracer = spans.tracer
    if tracer is None:
        yield INVALID_SPAN
        return
    opened = tracer.start_span(name, parent, kind, attributes)
    token = attach(set_span_in_context(opened, parent))
    try:
        yield opened
    except BaseException as error:
        failed(opened, type(error).__name__)
        raise
    finally:
        detach(token)
        opened.end()


class _UnitOfWork:
    """A span that never becomes current: what holds a session may end in another context than it began in."""

    __slots__ = ("_span",)

    def __init__(self, opened: Span) -> None:
        self._span = opened

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            failed(self._span, kind.__name__)
        self._span.end()


_UNTRACED: Final = nullcontext()


def unit_of_work(name: str) -> AbstractContextManager[None]:
    """A span (`database read`) around one unit of work, from the wait for its connection to its end."""
    tracer = spans.tracer
    if tracer is None:
        return _UNTRACED
    return _UnitOfWork(tracer.start_span(name, None, SpanKind.CLIENT, _DATABASE))
