"""The ids that tie a request's log lines, audit rows, jobs, outbound calls and answers together."""

import secrets
from contextvars import ContextVar, Token
from dataclasses import dataclass

_correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


@dataclass(frozen=True, slots=True)
class Bound:
    """What `bind` replaced; `unbind` puts it back."""

    correlation: Token[str | None]
    parent: Token[str | None]


def correlation_id() -> str | None:
    """The id of the request or job under way; None outside of one."""
    return _correlation_id.get()


def trace_id() -> str | None:
    """The W3C trace id (32 hex digits) of the request or job under way; None outside of one."""
    parent = _traceparent.get()
    return None if parent is None else parent[3:35]


def bound_traceparent() -> str | None:
    """What `bind` was given; `app.kernel.telemetry.tracing.traceparent` knows of open spans too."""
    return _traceparent.get()


def fresh_traceparent() -> str:
    """The W3C `traceparent` of a trace that begins here and that nobody records."""
    ids = secrets.token_hex(24)
    return f"00-{ids[:32]}-{ids[32:]}-00"


def bind(correlation: str, traceparent: str | None = None) -> Bound:
    """What `unbind` needs, after both ids were set for the current context. A `traceparent` is of version 00."""
    return Bound(_correlation_id.set(correlation), _traceparent.set(traceparent))


def unbind(bound: Bound) -> None:
    """Restore what was bound before. To be called in the context that called `bind`."""
    _correlation_id.reset(bound.correlation)
    _traceparent.reset(bound.parent)
