"""Structured logs: one JSON object (or console line) per event on standard error, with correlation id and no secrets.

Whatever logs through the standard library (uvicorn, SQLAlchemy, pgqueuer, our own modules) takes the same way. Two
lines are never written, because they hold values: uvicorn's access log (query strings) and SQLAlchemy's echo
(parameters); `app/kernel/telemetry/statements.py` logs statements instead.
"""

import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.kernel.correlation import correlation_id, trace_id
from app.kernel.redaction import describe, redact_fields
from app.settings import ServerSettings

QUIET: Final = ("asyncio", "httpx", "httpcore", "sqlalchemy", "asyncpg", "pgqueuer")
"""Loggers of libraries which say at INFO what only their authors need, some of it with values."""

_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_LEVEL_NAMES: Final = {number: name for name, number in _LEVELS.items()}
_LINE: Final = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


def configure_logging(settings: ServerSettings, stream: BinaryIO | None = None) -> None:
    """Route every log of the process through one pipeline to standard error or the stream; may be called again."""
    level = _LEVELS[settings.log_level]
    sink: BinaryIO = stream if stream is not None else sys.stderr.buffer
    structlog.configure(
        processors=[
            explain_exception,
            mask,
            structlog.processors.add_log_level,  # after the masking: what is added from here on is ours and safe
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_ids,
            render_json if settings.log_format == "json" else console_renderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(sink),
        cache_logger_on_first_use=False,  # module-level loggers must follow a later configuration
    )
    known_lines.configure(sink if settings.log_format == "json" else None, level)
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, StructuredHandler)]:
        root.removeHandler(handler)
    root.addHandler(StructuredHandler())
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    logging.getLogger("uvicorn.access").disabled = True


class KnownLines:
    """Lines of which every value is ours (methods, route templates, numbers, account names): written without masking.

    There is one for each request, and the general pipeline costs three times as much.
    """

    def __init__(self) -> None:
        self._sink: BinaryIO | None = None
        self._level = logging.INFO

    def configure(self, sink: BinaryIO | None, level: int) -> None:
        """Write JSON to the sink from this level on; without a sink lines go through the general pipeline."""
        self._sink = sink
        self._level = level

    def write(self, level: int, event: str, fields: dict[str, Any]) -> None:
        """Write one line."""
        if level < self._level:
            return
        if self._sink is None:
            structlog.get_logger().log(level, event, **fields)
            return
        line = fields | {"event": event, "level": _LEVEL_NAMES[level], "timestamp": datetime.now(UTC)}
        self._sink.write(orjson.dumps(add_ids(None, "", line), option=_LINE))
        self._sink.flush()


known_lines = KnownLines()
"""The process's own; set up by `configure_logging`."""


class StructuredHandler(logging.Handler):
    """Hands records of the standard library, their `extra` fields included, to the structured pipeline."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record as an event. Never raises."""
        try:
            fields = {name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS}
            fields["logger"] = record.name
            if record.exc_info and record.exc_info[1] is not None:
                fields["exc_info"] = record.exc_info[1]
            structlog.get_logger().bind(**fields).log(_standard_level(record.levelno), record.getMessage().strip())
        except Exception:  # noqa: BLE001 - as every handler of the standard library: a log line breaks nothing
            self.handleError(record)


def _standard_level(level: int) -> int:
    return min(max(level // 10 * 10, logging.DEBUG), logging.CRITICAL)


def add_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Add the ids of the request or job under way."""
    correlation = correlation_id()
    if correlation is not None:
        event.setdefault("correlation_id", correlation)
        trace = trace_id()
        if trace is not None:
            event.setdefault("trace_id", trace)
    return event


def explain_exception(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by what may be known of the exception."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    elif isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event["exception"] = describe(given)
    return event


def mask(_: WrappedLogger, __: str, event: EventDict) -> MutableMapping[str, Any]:
    """Mask secrets and bound sizes, anywhere in the event."""
    return redact_fields(event)


def render_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """The event as one line of JSON."""
    return orjson.dumps(event)


def console_renderer() -> Processor:
    """The line for people: aligned and, on a terminal, coloured; exceptions on lines of their own."""
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())

    def render(logger: WrappedLogger, name: str, event: EventDict) -> bytes:
        if "exception" in event:
            event["exception"] = "\n".join(_exception_lines(event["exception"]))
        return str(renderer(logger, name, event)).encode("utf-8", "backslashreplace")

    return render


def _exception_lines(described: Any) -> list[str]:
    if not isinstance(described, dict):
        return [str(described)]
    lines = [" ".join(str(described[part]) for part in ("type", "sqlstate", "message") if part in described)]
    lines.extend(f"  at {frame}" for frame in described.get("frames", ()))
    if "cause" in described:
        cause = _exception_lines(described["cause"])
        lines.extend([f"because of {cause[0]}", *cause[1:]])
    return lines
