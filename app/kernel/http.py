"""How HTTP meets a unit of work: session dependencies, the route class, and the one place that answers errors.

Sessions are declared with `scope="function"`, so that the commit is over before the answer leaves: a commit that fails
answers 5xx.
"""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Annotated, Any, ClassVar, Final, NoReturn

import asyncpg
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from app.kernel import strict_json
from app.kernel.correlation import correlation_id
from app.kernel.database import OperationClass, ReadSession, WriteSession, is_retryable, retrying, sqlstate
from app.kernel.metrics import OPERATIONAL_FAILURES
from app.kernel.parameters import QueryParameters, RepeatedParameter, UnknownParameter
from app.kernel.problems import (
    PROBLEM_JSON,
    Fault,
    InvalidRequest,
    Problem,
    Unavailable,
    UnsupportedMediaType,
    responses,
)
from app.kernel.resources import ResourcesDep

log = logging.getLogger(__name__)


class UnreadableBody(Problem):
    """The body is not the JSON it claims to be."""

    code, title, status = "unreadable-body", "The body cannot be read", 400


class StrictRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """The body as JSON. Raises `UnreadableBody`."""
        if not hasattr(self, "_json"):
            try:
                self._json = strict_json.loads(await self.body())
            except strict_json.InvalidJsonError as error:
                raise UnreadableBody(f"The body is not valid JSON: {error}.") from error
        return self._json


class StrictRoute(APIRoute):
    """A route that takes the query parameters which it declares, each once, except for lists; no others."""

    ignores_unknown: ClassVar[bool] = False
    """Whether parameters that it does not declare are passed over."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not self.ignores_unknown:
            refusals = responses(UnknownParameter, RepeatedParameter, InvalidRequest)
            options["responses"] = refusals | (options.get("responses") or {})
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler behind the look at the query."""
        handler = super().get_route_handler()
        if self.ignores_unknown:
            return handler
        parameters = QueryParameters.of(self.dependant)

        async def run(request: Request) -> Response:
            if request.scope["query_string"]:
                parameters.check(name for name, _ in request.query_params.multi_items())
            return await handler(request)

        return run


_READING = frozenset({"GET", "HEAD"})


class TransactionalRoute(StrictRoute):
    """A route whose unit of work is run again, whole, when it loses against another transaction.

    A try is everything that FastAPI does for the request within its own scopes, up to the commit. The error handlers
    stand within it too, so they let pass what may be tried again while the scope holds `RERUNS`.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The strict handler, reading its JSON strictly, for requests whose body is not coded."""
        handler = super().get_route_handler()
        if (self.methods or set()) <= _READING:
            return handler  # no body

        async def run(request: Request) -> Response:
            _check_coding(request.headers.getlist("content-encoding"))
            strict = StrictRequest(request.scope, request.receive)
            return _Committed(await _refusing_http_errors(handler, strict))

        return run

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request in as many tries as it takes."""
        if scope["method"] in _READING:  # no transaction that could lose
            await super().handle(scope, receive, send)
            return
        serve, kept = super().handle, _KeptBody(receive)
        scope[RERUNS] = True
        try:
            await retrying(lambda: serve(scope, kept.from_the_first(), send))
        finally:
            scope.pop(RERUNS, None)


RERUNS: Final = "spyne.reruns"
"""In the ASGI scope while a lost unit of work may be run again."""


class _Committed(Response):
    """An answer: when its turn has come the unit of work is over, so nothing is run again whatever happens now."""

    def __init__(self, response: Response) -> None:
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.pop(RERUNS, None)
        await self._response(scope, receive, send)


class _KeptBody:
    """The messages of a body, received once and given to every try."""

    __slots__ = ("_messages", "_receive")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    def from_the_first(self) -> Receive:
        """Return a `receive` that begins with the first message of the body."""
        place = 0

        async def receive() -> Message:
            nonlocal place
            if place == len(self._messages):
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._messages.append(message)
            place += 1
            return self._messages[place - 1]

        return receive


def _check_coding(codings: Sequence[str]) -> None:
    """Return when the body is not coded: a coding that is passed over would make another text of it (RFC 9110, 8.4)."""
    if any(coding.strip().lower() not in {"", "identity"} for coding in codings):
        raise UnsupportedMediaType("This operation takes no content coding.", headers={"Accept-Encoding": "identity"})


class AnsweringRoute(TransactionalRoute):
    """For what foreign servers lead a browser to: they may add parameters (RFC 6749 section 4.1.2)."""

    ignores_unknown = True


async def _refusing_http_errors(
    handler: Callable[[Request], Coroutine[Any, Any, Response]], request: Request
) -> Response:
    try:
        return await handler(request)
    except HTTPException as error:
        # FastAPI wraps whatever the reading of a body raises in a 400; ours says more.
        if isinstance(error.__cause__, Problem):
            raise error.__cause__ from None
        raise


async def _reads(resources: ResourcesDep) -> AsyncIterator[ReadSession]:
    async with resources.database.read() as session:
        yield session


async def _writes(resources: ResourcesDep) -> AsyncIterator[WriteSession]:
    async with resources.database.write() as session:
        yield session


async def _controls(resources: ResourcesDep) -> AsyncIterator[WriteSession]:
    async with resources.database.write(OperationClass.CONTROL) as session:
        yield session


Reads = Annotated[ReadSession, Depends(_reads, scope="function")]
"""A read session for this request."""
Writes = Annotated[WriteSession, Depends(_writes, scope="function")]
"""A transaction for this request; refused while the shield is up."""
Controls = Annotated[WriteSession, Depends(_controls, scope="function")]
"""A transaction that switches the modes themselves; always open."""


OPERATION_CLASS = "x-operation-class"


def operation(kind: OperationClass) -> dict[str, Any]:
    """The `openapi_extra` of a route whose class is not what its method says; the shield at the door reads it."""
    return {OPERATION_CLASS: kind.value}


def declared_class(openapi_extra: dict[str, Any] | None) -> OperationClass:
    """The class that an operation declares; a write when it declares none, or one that does not exist."""
    declared = (openapi_extra or {}).get(OPERATION_CLASS)
    return next((kind for kind in OperationClass if kind.value == declared), OperationClass.WRITE)


def install_problem_handlers(app: FastAPI) -> None:
    """One answer for every error: RFC 9457, with the correlation id."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_validation)
    app.add_exception_handler(HTTPException, _answer_http)
    for kind in (DBAPIError, PoolTimeout, asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError, TimeoutError):
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
    return problem_response(InvalidRequest(faults=[_fault(item) for item in error.errors()]))


def _fault(item: dict[str, Any]) -> Fault:
    where, *rest = item["loc"]
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    pointer = f"/{path}" if where == "body" and path else ("" if where == "body" else f"{where}/{path}")
    return Fault(pointer=pointer, code=str(item["type"]).replace("_", "-"), message=str(item["msg"]))


async def _answer_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem_response(FrameworkProblem(error))


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
