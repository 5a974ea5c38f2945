"""The one place that answers errors: RFC 9457 problems, with the correlation id."""

import logging
from typing import Any, NoReturn

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from app.kernel.correlation import correlation_id
from app.kernel.db.database import is_retryable, sqlstate
from app.kernel.db.failures import DRIVER_FAILURES
from app.kernel.http.routes import LOOKED_AT, RERUNS
from app.kernel.problems import (
    MAX_FAULTS,
    PROBLEM_JSON,
    Fault,
    InvalidRequest,
    Problem,
    Unavailable,
    fault_at,
    pointer_to,
    pointer_within,
)
from app.kernel.telemetry.metrics import OPERATIONAL_FAILURES

log = logging.getLogger(__name__)


def install_problem_handlers(app: FastAPI) -> None:
    """Make every error one kind of answer: RFC 9457, with the correlation id."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    for kind in (DBAPIError, PoolTimeout, *DRIVER_FAILURES, ConnectionError, TimeoutError):
        app.add_exception_handler(kind, _answer_operational)


def problem_response(problem: Problem) -> Response:
    """The answer for a problem."""
    return JSONResponse(
        problem.document(correlation_id()), problem.status, headers=problem.headers, media_type=PROBLEM_JSON
    )


async def _answer_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _answer_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(
        InvalidRequest(faults=[_fault(item, error.body) for item in error.errors()[: MAX_FAULTS + 1]])
    )


def _fault(item: dict[str, Any], body: Any) -> Fault:
    where, *rest = item["loc"]
    return fault_at(pointer_within(rest, body) if where == "body" else f"{where}{pointer_to(rest)}", item)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = FrameworkProblem(error)
    if problem.headers.get("Allow") == "GET" and LOOKED_AT not in request.scope:
        problem.headers["Allow"] = "GET, HEAD"  # which routes do not know of: app/middleware/equivalents.py
    return problem_response(problem)


class FrameworkProblem(Problem):
    """What the framework itself refuses, such as unknown paths and methods."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(str(error.detail), headers=error.headers)
        self.code = _HTTP_CODES.get(error.status_code, "http-error")  # type: ignore[misc]  # one class for them all
        self.title = str(error.detail)  # type: ignore[misc]
        self.status = error.status_code  # type: ignore[misc]


_HTTP_CODES = {
    400: "bad-request",
    404: "not-found",
    405: "method-not-allowed",
    413: "content-too-large",
    415: "unsupported-media-type",
}
_BAD_INPUT_CLASSES = ("22",)
"""SQLSTATE class 22, data exception: the request's value does not fit its type (PostgreSQL manual, appendix A)."""
_UNAVAILABLE_CLASSES = ("08", "40", "53", "55", "57", "25")
"""Connection, rollback, resources, lock, operator intervention, read-only server: may pass by itself."""


async def _answer_operational(request: Request, error: Exception) -> Response:
    if RERUNS in request.scope and is_retryable(error):
        raise error  # to `TransactionalRoute`; the error of its last try comes here once more
    state = sqlstate(error)
    if state is not None and state.startswith(_BAD_INPUT_CLASSES):
        return problem_response(InvalidRequest("A value does not fit its type."))
    if not _may_pass(state, error):
        _not_operational(error)
    OPERATIONAL_FAILURES.labels(state or type(error).__name__).inc()
    log.warning(
        "operational failure", extra={"sqlstate": state, "error": type(error).__name__, "path": request.url.path}
    )
    return problem_response(Unavailable("The database cannot take this right now."))


def _may_pass(state: str | None, error: Exception) -> bool:
    if state is not None:
        return state.startswith(_UNAVAILABLE_CLASSES)
    # Without a state it is a connection that broke, or a driver that is used wrongly, which is a bug.
    return not isinstance(error, DBAPIError) or error.connection_invalidated


def _not_operational(error: Exception) -> NoReturn:
    raise error
