"""What nothing else answers is a 500 without details; the log has the details, without the data."""

import io
import json

import pytest
from sqlalchemy.exc import IntegrityError
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from app.kernel.telemetry.logging import configure_logging
from app.middleware.admission import Admission
from app.middleware.body_limit import BodyLimit
from app.middleware.boundary import AnswerCut, Boundary
from app.middleware.correlation import Correlation
from app.settings import ServerSettings
from tests.middleware.asgi import Answer, call


@pytest.fixture
def lines() -> io.BytesIO:
    stream = io.BytesIO()
    configure_logging(ServerSettings(), stream)
    return stream


def failing(error: BaseException) -> Boundary:
    async def inner(_: Scope, __: Receive, ___: Send) -> None:
        raise error

    return Boundary(Admission(BodyLimit(Correlation(inner), 100), 10))


async def test_an_exception_is_a_500_that_tells_nothing(lines: io.BytesIO) -> None:
    answer = await call(failing(RuntimeError("the password=hunter22 is wrong")), headers=[(b"x-request-id", b"mine")])
    assert answer.status == 500
    assert answer.problem["code"] == "internal-error"
    assert answer.problem["correlation_id"] == answer.headers["x-request-id"] == "mine"
    assert b"hunter22" not in answer.body
    (line,) = lines.getvalue().splitlines()
    logged = json.loads(line)
    assert logged["event"] == "unhandled exception"
    assert logged["correlation_id"] == "mine"
    assert logged["level"] == "error"
    assert logged["exception"]["type"] == "builtins.RuntimeError"
    assert logged["exception"]["frames"][-1].endswith(" inner")
    assert b"hunter22" not in line


async def test_parameters_of_a_statement_are_never_told(lines: io.BytesIO) -> None:
    cause = RuntimeError("Key (email)=(ann@example.org) already exists")
    cause.sqlstate = "23505"  # type: ignore[attr-defined]  # as asyncpg's errors have it
    error = IntegrityError("INSERT INTO users VALUES ($1)", ("ann@example.org",), cause)
    error.__cause__ = cause
    answer = await call(failing(error))
    assert answer.status == 500
    assert b"ann@example.org" not in lines.getvalue() + answer.body
    assert json.loads(lines.getvalue())["exception"]["sqlstate"] == "23505"


async def test_a_begun_answer_is_cut_and_the_error_logged(lines: io.BytesIO) -> None:
    async def inner(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError

    answer = Answer()
    with pytest.raises(AnswerCut) as caught:
        await call(Boundary(inner), answer=answer)
    assert caught.value.__cause__ is None
    assert not answer.complete
    assert b"unhandled exception" in lines.getvalue()


async def test_a_cancelled_request_is_not_an_error(lines: io.BytesIO) -> None:
    with pytest.raises(KeyboardInterrupt):
        await call(failing(KeyboardInterrupt()))
    assert lines.getvalue() == b""


async def test_a_client_that_left_is_not_an_error(lines: io.BytesIO) -> None:
    answer = await call(failing(ClientDisconnect()))
    assert answer.messages == []
    assert lines.getvalue() == b""


async def test_a_refusal_outside_the_access_log_writes_a_line_of_its_own(lines: io.BytesIO) -> None:
    await call(failing(RuntimeError()), "POST", headers=[(b"content-length", b"101"), (b"x-request-id", b"mine")])
    (line,) = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (line["event"], line["status"], line["correlation_id"]) == ("request refused", 413, "mine")
