"""One pipeline for every log of the process."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
import structlog

from app.kernel.correlation import bind, unbind
from app.kernel.telemetry.logging import StructuredHandler, configure_logging
from app.settings import ServerSettings


@pytest.fixture
def stream() -> Iterator[io.BytesIO]:
    stream = io.BytesIO()
    configure_logging(ServerSettings(), stream)
    yield stream
    configure_logging(ServerSettings(), io.BytesIO())


def fail() -> None:
    raise LookupError("token=hunter22")


def told(stream: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_level_time_and_ids(stream: io.BytesIO) -> None:
    bound = bind("mine", f"00-{'a' * 32}-{'b' * 16}-01")
    structlog.get_logger().info("batch accepted", rows=3, contract="events_v1")
    unbind(bound)
    structlog.get_logger().warning("outside")
    inside, outside = told(stream)
    assert datetime.fromisoformat(inside.pop("timestamp")).tzinfo is not None
    assert inside == {
        "event": "batch accepted",
        "rows": 3,
        "contract": "events_v1",
        "level": "info",
        "correlation_id": "mine",
        "trace_id": "a" * 32,
    }
    assert "correlation_id" not in outside


@pytest.mark.parametrize(
    "name", ["uvicorn.error", "app.kernel.http.errors", "pgqueuer", "sqlalchemy.engine.Engine", "py.warnings"]
)
def test_the_standard_library_takes_the_same_way(stream: io.BytesIO, name: str) -> None:
    extra = {"sqlstate": "55P03", "password": "hunter22", "event": "in the way", "level": "too"}
    logging.getLogger(name).warning("cannot reach %s", "postgresql://spyne:hunter22@db/x", extra=extra)
    (line,) = told(stream)
    assert line["event"] == "cannot reach postgresql://spyne:[redacted]@db/x"
    assert (line["logger"], line["level"], line["sqlstate"], line["password"]) == (
        name,
        "warning",
        "55P03",
        "[redacted]",
    )


def test_exceptions_are_told_not_printed(stream: io.BytesIO) -> None:
    try:
        fail()
    except LookupError as error:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)  # noqa: TRY400 - as uvicorn does
        logging.getLogger("app").exception("again")
        structlog.get_logger().exception("and again")
    lines = told(stream)
    assert lines[0]["event"] == "Exception in ASGI application"
    assert [line["exception"]["type"] for line in lines] == ["builtins.LookupError"] * 3
    assert b"hunter22" not in stream.getvalue()
    assert b"Traceback" not in stream.getvalue()


def test_lines_that_hold_values_are_never_written(stream: io.BytesIO) -> None:
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "::1", "GET", "/x?token=hunter22", "1.1", 200)
    logging.getLogger("sqlalchemy.engine.Engine").info("[generated] ('hunter22',)")
    logging.getLogger("httpx").info("HTTP Request: GET https://example.org/?key=hunter22")
    assert stream.getvalue() == b""


def test_levels_are_honoured(stream: io.BytesIO) -> None:
    structlog.get_logger().debug("unheard")
    logging.getLogger("app").debug("unheard")
    logging.getLogger("app").log(25, "between the levels")
    configure_logging(ServerSettings(log_level="error"), stream)
    logging.getLogger("app").warning("unheard")
    structlog.get_logger().warning("unheard")
    logging.getLogger("app").error("heard")
    assert [line["event"] for line in told(stream)] == ["between the levels", "heard"]


def test_configuring_twice_does_not_write_twice(stream: io.BytesIO) -> None:
    configure_logging(ServerSettings(), stream)
    logging.getLogger("app").info("once")
    assert len(told(stream)) == 1
    assert sum(isinstance(handler, StructuredHandler) for handler in logging.getLogger().handlers) == 1


def test_the_console_is_for_people_and_just_as_safe() -> None:
    stream = io.BytesIO()
    configure_logging(ServerSettings(log_format="console"), stream)
    structlog.get_logger().info("hello\nforged line", password="hunter22", city="Zürich")
    try:
        fail()
    except LookupError:
        structlog.get_logger().exception("failed")
    first, second, error, *frames = stream.getvalue().decode().splitlines()
    assert "hello\\nforged line" in first
    assert "Zürich" in first
    assert "failed" in second
    assert error == "builtins.LookupError token=[redacted]"
    assert all(frame.startswith("  at ") for frame in frames)
    assert b"hunter22" not in stream.getvalue()


def test_a_record_that_cannot_be_told_breaks_nothing(stream: io.BytesIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("app").info("%d", "not a number")
    logging.getLogger("app").info("still here")
    assert [line["event"] for line in told(stream)] == ["still here"]
