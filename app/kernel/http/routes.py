"""Routes: strict parameters and JSON, and a unit of work that is run again when it loses against another."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from app.kernel import strict_json
from app.kernel.db.database import retrying
from app.kernel.http.parameters import QueryParameters, RepeatedParameter, UnknownParameter
from app.kernel.problems import InvalidRequest, Problem, UnsupportedMediaType, responses


class UnreadableBody(Problem):
    """The body is not the JSON it claims to be."""

    code, title, status = "unreadable-body", "The body cannot be read", 400


class StrictRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """The body as JSON. Raises `UnreadableBody`."""
        if not hasattr(self, "_json"):
            body = await self.body()
            long = len(body) > strict_json.LONG_BYTES
            try:
                self._json = await asyncio.to_thread(strict_json.loads, body) if long else strict_json.loads(body)
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
    """A route for what foreign servers lead a browser to: they may add parameters (RFC 6749 section 4.1.2).

    They send something that is good once, with GET; so there is no HEAD, which would use it up unseen.
    """

    ignores_unknown = True

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, unless it is only looked at."""
        if LOOKED_AT in scope:
            raise HTTPException(405, headers={"Allow": "GET"})
        await super().handle(scope, receive, send)


LOOKED_AT: Final = "spyne.looked_at"
"""In the ASGI scope of a GET that answers a HEAD: see app/middleware/equivalents.py."""


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
