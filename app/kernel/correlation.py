"""The ids that tie a request's log lines, audit rows, jobs and answers together."""

from contextvars import ContextVar, Token
from dataclasses import dataclass

_correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
_trace_id: ContextVar[str | None] = ContextVar("trace_id", default=None)


@dataclass(frozen=True, slots=True)
class Bound:
    """What `bind` replaced; `unbind` puts it back."""

    correlation: Token[str | None]
    trace: Token[str | None]


def correlation_id() -> str | None:
    """The id of the request or job under way; None outside of one."""
    return _correlation_id.get()


def trace_id() -> str | None:
    """The W3C trace id (32 hex digits) of the request or job under way; None outside of one."""
    return _trace_id.get()


def bind(correlation: str, trace: str | None = None) -> Bound:
    """Set both for the current context; answers what `unbind` needs to restore it."""
    return Bound(_correlation_id.set(correlation), _trace_id.set(trace))


def unbind(bound: Bound) -> None:
    """Restore what was bound before. To be called in the context that called `bind`."""
    _correlation_id.reset(bound.correlation)
    _trace_id.reset(bound.trace)
