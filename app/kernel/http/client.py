"""The one way out: HTTP to addresses that people give us (webhooks, identity providers, contract endpoints).

The name is resolved inside the connection, every address is checked there, and the checked address itself is connected
to, so no answer of a name server given later can lead elsewhere. No message names more of a URL than its host.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Self

import httpcore
import httpx
from opentelemetry.trace import SpanKind

from app.kernel.addresses import Network, may_reach, parse
from app.kernel.problems import Problem
from app.kernel.telemetry.tracing import TRACEPARENT, TRACESTATE, Attributes, span, traceparent, tracestate

log = logging.getLogger(__name__)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, for a port, best first. Raises OSError when there is none."""

MAX_CONNECTIONS = 50

KEPT_SECONDS = 15.0
"""A connection that is kept is closed when nobody has used it for so long: then the name is resolved, and its
addresses are checked, again."""

MAX_URL_LENGTH = 4096

_RESOLVING = ThreadPoolExecutor(8, "resolve")
"""A name server that never answers holds its thread beyond every deadline; passwords and files have others."""


class OutboundRefused(Problem):
    """The service does not speak to this address."""

    code, title, status = "outbound-refused", "The service does not call this address", 422


class OutboundFailed(Problem):
    """The other side cannot be reached, or does not answer in HTTP."""

    code, title, status = "outbound-failed", "The other side did not answer properly", 502


class OutboundTooLarge(Problem):
    """The other side answered more than is taken."""

    code, title, status = "outbound-too-large", "The other side's answer is too large", 502


class OutboundTimeout(Problem):
    """The other side did not answer, whole, within the deadline."""

    code, title, status = "outbound-timeout", "The other side did not answer in time", 504


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundPolicy:
    """What may be called, how long it may take and how much it may answer."""

    schemes: frozenset[str] = frozenset({"https"})
    """`http` only where the configuration allows it."""
    networks: tuple[Network, ...] = ()
    """Networks reachable although they are not public."""
    ports: frozenset[int] | None = None
    """Ports that may be called; None is all."""
    deadline: timedelta = timedelta(seconds=15)
    """The bound of name, connection, request and the whole answer together."""
    max_body_bytes: int = 1024 * 1024
    """The bound of the answer, as sent and as decoded."""
    connections: int = MAX_CONNECTIONS
    """At once over all hosts; one more waits, within its deadline."""
    kept_connections: int = 0
    """Kept open for the next request to the same scheme, host and port: to the address that was checked for it."""

    def check(self, url: httpx.URL) -> None:
        """Return when the URL may be called, as far as that is known without resolving its host.

        Raises `OutboundRefused`: its scheme, port or length is not allowed, it has no host, or it carries a login.
        """
        if url.scheme not in self.schemes:
            raise OutboundRefused(f"Only {' and '.join(sorted(self.schemes))} URLs are called.")
        if not url.host or url.userinfo or len(str(url)) > MAX_URL_LENGTH:
            raise OutboundRefused("A URL has a host, no login, and a bounded length.")
        if self.ports is not None and _port(url) not in self.ports:
            raise OutboundRefused(f"Port {_port(url)} is not called.")


@dataclass(frozen=True, slots=True)
class OutboundAnswer:
    """What the other side answered; the body decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses that the operating system knows of."""
    found = await asyncio.get_running_loop().run_in_executor(
        _RESOLVING, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@cache
def _usual_authorities() -> ssl.SSLContext:
    """The context of the usual certificate authorities, one for all: reading these takes some 20 ms."""
    return httpx.create_ssl_context(trust_env=False)


class OutboundHttp:
    """Calls other services under a policy. An asynchronous context manager; one per process is enough."""

    def __init__(
        self, policy: OutboundPolicy, *, resolve: Resolve = system_resolver, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        """Connects to nothing yet. `ssl_context` replaces the usual certificate authorities."""
        self._policy = policy
        nothing_kept = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self.client = httpx.AsyncClient(
            transport=GuardedTransport(policy, resolve, ssl_context or _usual_authorities()),
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # noqa: S113 - the transport keeps a deadline for the whole, which these are not
            cookies=nothing_kept,
            headers={"Accept-Encoding": "gzip", "User-Agent": "spyne"},
        )
        """The client for libraries that bring their own calls; the transport guards these as well."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> OutboundAnswer:
        """The other side's answer, whatever its status: redirects are answers too.

        Raises:
            OutboundRefused: the URL or an address behind its host is not allowed.
            OutboundFailed: no connection, no valid certificate, no HTTP.
            OutboundTooLarge: the body exceeds the policy's bound.
            OutboundTimeout: the whole took longer than the policy's deadline.
        """
        response = await self.client.request(method, _parsed(url), headers=headers, content=content)
        return OutboundAnswer(response.status_code, dict(response.headers), response.content)

    async def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> tuple[int, Mapping[str, str]]:
        """Status and headers of the answer; its body is read for the connection's sake alone, and may be broken.

        Raises:
            OutboundRefused, OutboundFailed, OutboundTimeout: as `request`, before the answer's head was there.
        """
        async with self.client.stream("POST", _parsed(url), headers=headers, content=content) as response:
            with contextlib.suppress(OutboundFailed, OutboundTooLarge, OutboundTimeout):
                async for _ in response.aiter_raw():
                    pass
        return response.status_code, response.headers

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests of any httpx client under a policy.

    Each request has a connection of its own, unless the policy keeps some; a connection that is kept leads to the
    address that was checked when it was made.
    """

    def __init__(self, policy: OutboundPolicy, resolve: Resolve, ssl_context: ssl.SSLContext) -> None:
        self._policy = policy
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=policy.connections,
            max_keepalive_connections=policy.kept_connections,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=_CheckedBackend(policy, resolve),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body still to be read. Raises as `OutboundHttp.request`."""
        url = request.url
        facts: Attributes = {
            "http.request.method": request.method,
            "server.address": url.host,
            "server.port": _port(url),
        }
        with _logged(request.method, url.host), span(f"call {request.method}", SpanKind.CLIENT, facts) as opened:
            self._policy.check(url)
            carry_trace(request.headers)
            answer = await self._exchange(request)
            opened.set_attribute("http.response.status_code", answer.status_code)
            return answer

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        deadline = asyncio.get_running_loop().time() + self._policy.deadline.total_seconds()
        url = request.url
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = httpcore.Request(request.method, target, headers=request.headers.raw, content=request.stream)
        async with _bounded(deadline, url.host):
            answer = await self._pool.handle_async_request(sent)
        headers = httpx.Headers(answer.headers)
        body = _Body(answer, headers.get("content-encoding", ""), deadline, self._policy.max_body_bytes, url.host)
        for name in ("content-encoding", "content-length", "transfer-encoding"):
            headers.pop(name, None)  # they speak of the body as sent
        return httpx.Response(answer.status, headers=headers, stream=body)

    async def aclose(self) -> None:
        """Close what is open."""
        await self._pool.aclose()


class _CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects in one place. Opens no Unix sockets."""

    def __init__(self, policy: OutboundPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            addresses = [parse(text) for text in await self._resolve(host, port)]
        except (OSError, ValueError, UnicodeError) as error:
            raise OutboundFailed(f"The host {host} has no address.") from error
        if not all(may_reach(address, self._policy.networks) for address in addresses):
            raise OutboundRefused(f"The host {host} has an address that the service does not call.")
        for address in addresses:
            try:
                return await self._sockets.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise OutboundFailed(f"The host {host} does not take connections.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Body(httpx.AsyncByteStream):
    """An answer's body, decoded, within the deadline and the bound."""

    def __init__(self, answer: httpcore.Response, encoding: str, deadline: float, limit: int, host: str) -> None:
        self._answer = answer
        self._encoding = encoding.strip().lower()
        self._deadline = deadline
        self._limit = limit
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _logged("body", self._host):
            async for part in self._decoded():
                yield part

    async def _decoded(self) -> AsyncIterator[bytes]:
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise OutboundFailed(f"The host {self._host} answered in an encoding that was not asked for.")
        decode: _Identity = _Identity() if self._encoding in {"", "identity"} else _Inflating(self._limit, self._host)
        received = decoded = 0
        chunks = aiter(self._answer.aiter_stream())
        while True:
            async with _bounded(self._deadline, self._host):
                chunk = await anext(chunks, None)
            if chunk is None:
                decode.end()
                return
            received += len(chunk)
            self._check(received)
            part = decode.take(chunk)
            decoded += len(part)
            self._check(decoded)
            yield part

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise OutboundTooLarge(f"The host {self._host} answered more than {self._limit} bytes.")

    async def aclose(self) -> None:
        await self._answer.aclose()


class _Identity:
    def take(self, chunk: bytes) -> bytes:
        return chunk

    def end(self) -> None:
        pass


class _Inflating(_Identity):
    """Gzip and zlib, never more than one byte beyond the limit in memory."""

    def __init__(self, limit: int, host: str) -> None:
        self._stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: knows gzip from zlib by itself
        self._limit = limit
        self._host = host
        self._begun = False

    def take(self, chunk: bytes) -> bytes:
        self._begun = True
        try:
            return self._stream.decompress(chunk, self._limit + 1)
        except zlib.error as error:
            raise self._damaged() from error

    def end(self) -> None:
        if self._begun and not self._stream.eof:  # an answer without a body has no end either
            raise self._damaged()

    def _damaged(self) -> OutboundFailed:
        return OutboundFailed(f"The host {self._host} answered a damaged body.")


@asynccontextmanager
async def _bounded(deadline: float, host: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError as error:
        raise OutboundTimeout(f"The host {host} did not answer in time.") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, ssl.SSLError) as error:
        raise OutboundFailed(f"The host {host} cannot be reached, or does not speak HTTP as it should.") from error


def carry_trace(headers: MutableMapping[str, str]) -> None:
    """Let the trace under way go on at the other side (W3C Trace Context)."""
    parent, state = traceparent(), tracestate()
    for name, value in ((TRACEPARENT, parent), (TRACESTATE, state)):
        headers.pop(name, None)
        if value is not None:
            headers[name] = value


@contextmanager
def _logged(what: str, host: str) -> Iterator[None]:
    """Log a failure under the ids of the request or job that met it; of the URL its host alone."""
    try:
        yield
    except (OutboundRefused, OutboundFailed, OutboundTooLarge, OutboundTimeout) as error:
        log.warning("outbound call failed", extra={"call": what, "host": host, "reason": error.code})
        raise


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise OutboundRefused("This is not a URL.") from error


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
