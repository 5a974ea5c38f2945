"""Bounds request bodies by the bytes that arrive, whatever `Content-Length` claims.

A body that is too large is answered 413 the moment that is known, and whatever the application answers afterwards is
dropped; if its answer has begun already, the connection is cut, since a begun answer can neither be changed nor pass
for a whole one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.problems import ContentTooLarge
from app.kernel.security.policy import SecurityPolicy, UploadPolicy
from app.kernel.telemetry.metrics import REQUESTS_REFUSED
from app.middleware.answers import refuse
from app.middleware.boundary import AnswerCut
from app.middleware.layer import HttpLayer


@dataclass(frozen=True, slots=True)
class BodyClass:
    """Paths with a limit of their own: those that begin with `prefix` and end with `suffix`.

    The suffix matters: a whole prefix would open every small JSON operation under it to bodies that are read into
    memory.
    """

    prefix: str
    suffix: str
    max_bytes: int
    decided: Callable[[UploadPolicy], int | None] = lambda _: None
    """The bound that the security policy sets for the class, if any; it may only lower `max_bytes`."""

    def takes(self, path: str) -> bool:
        """Whether the path is of this class."""
        return path.startswith(self.prefix) and path.endswith(self.suffix)


MAX_LENGTH_DIGITS = 18
"""A length of more digits is beyond every limit (and beyond what is worth converting)."""


def declared_length(headers: Sequence[tuple[bytes, bytes]]) -> int:
    """The largest well-formed `Content-Length` in bytes; 0 when there is none. Only good for refusing early."""
    lengths = [value for name, value in headers if name == b"content-length" and value.isdigit()]
    return max((int(value[:MAX_LENGTH_DIGITS]) for value in lengths), default=0) if lengths else 0


class _Exchange:
    """A request and its answer: counts the one, and knows how far the other has come."""

    __slots__ = ("answered", "exceeded", "limit", "raw_receive", "raw_send", "received", "scope", "started")

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self.scope = scope
        self.raw_receive = receive
        self.raw_send = send
        self.limit = limit
        self.received = 0
        self.started = False
        self.exceeded = False
        self.answered = False

    async def receive(self) -> Message:
        """The next message; raises `ContentTooLarge` once the body is beyond the limit."""
        if self.exceeded:
            raise _too_large(self.limit)
        message = await self.raw_receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            if self.received > self.limit:
                await self.exceed()
                raise _too_large(self.limit)
        return message

    async def exceed(self) -> None:
        """Answer 413, unless the application has begun to answer."""
        self.exceeded = True
        REQUESTS_REFUSED.labels("content-too-large").inc()
        if not self.started:
            self.answered = True
            await refuse(self.scope, self.raw_receive, self.raw_send, _too_large(self.limit))

    async def send(self, message: Message) -> None:
        """Pass the application's answer on, unless the request has been answered here."""
        if not self.answered:
            self.started = True
            await self.raw_send(message)


def _too_large(limit: int) -> ContentTooLarge:
    return ContentTooLarge(f"The body is larger than {limit} bytes.", limit_bytes=limit)


class BodyLimit(HttpLayer):
    """Lets no more bytes in than the path's limit."""

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        classes: Sequence[BodyClass] = (),
        policy: Callable[[], SecurityPolicy] = SecurityPolicy,
    ) -> None:
        """Takes the bound of every path, and of those with a bound of their own; the policy in force may lower them."""
        super().__init__(app)
        self._max_bytes = max_bytes
        self._classes = tuple(classes)
        self._policy = policy

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request with its body counted."""
        exchange = _Exchange(scope, receive, send, self.limit_of(scope["path"]))
        if declared_length(scope["headers"]) > exchange.limit:
            await exchange.exceed()
            return
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception:
            if not exchange.exceeded:
                raise
            if not exchange.answered:
                raise AnswerCut from None

    def limit_of(self, path: str) -> int:
        """The most bytes that a body sent to this path may have."""
        uploads = self._policy().uploads
        for kind in self._classes:
            if kind.takes(path):
                return _lower(kind.max_bytes, kind.decided(uploads))
        return _lower(self._max_bytes, uploads.max_body_bytes)


def _lower(configured: int, decided: int | None) -> int:
    return configured if decided is None or decided > configured else decided
