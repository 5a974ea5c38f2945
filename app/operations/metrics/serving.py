"""Metrics of a process on a port of their own, for scrapers: `/metrics`, without a credential.

Metrics name tables and contracts, also those in SHADOW, so the port is on the loopback address unless a setting says
otherwise. Threads serve it: a process whose event loop is blocked, or which is full, says so all the same.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from app.kernel.db.database import Database
from app.operations.metrics.prometheus import refresh

PATHS: Final = frozenset({"/metrics", "/metrics/"})

MAX_SCRAPES: Final = 8
"""At once; scrapers are few, and each has a thread."""

SILENCE_SECONDS: Final = 10.0
"""A connection that says nothing for this long is closed."""

FACTS_SECONDS: Final = 4.0
"""A scrape waits no longer for what the database and the event loop say; `refresh` gives up sooner."""

_Environment = dict[str, Any]
_Start = Callable[[str, list[tuple[str, str]]], Any]


class Facts(Collector):
    """No metrics by itself: has the gauges of the database's facts refreshed, for the collectors after it."""

    def __init__(self, database: Database) -> None:
        """Binds to the running event loop."""
        self._database = database
        self._loop = asyncio.get_running_loop()

    def collect(self) -> Iterable[Metric]:
        """Nothing, when the gauges are fresh, or cannot be made so in time; called by threads of scrapes."""
        asked = asyncio.run_coroutine_threadsafe(refresh(self._database), self._loop)
        try:
            asked.result(FACTS_SECONDS)
        except (TimeoutError, asyncio.CancelledError):
            asked.cancel()
        return ()


class _Handler(WSGIRequestHandler):
    timeout = SILENCE_SECONDS

    def log_message(self, *_: Any) -> None:
        """Log nothing: a scrape is not worth a line."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[WSGIRequestHandler]) -> None:
        super().__init__(address, handler)
        self._places = threading.BoundedSemaphore(MAX_SCRAPES)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve the connection in a thread, or close it when there are too many."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve the connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, *_: Any) -> None:
        """Say nothing of scrapers that leave."""


def application(registry: CollectorRegistry) -> Callable[[_Environment, _Start], list[bytes]]:
    """A WSGI application that answers GET and HEAD of `/metrics`, and nothing else."""
    scrape = make_wsgi_app(registry)

    def serve(environment: _Environment, start: _Start) -> list[bytes]:
        if environment["PATH_INFO"] not in PATHS:
            start("404 Not Found", [("Content-Length", "0")])
            return [b""]
        looked_at = environment["REQUEST_METHOD"] == "HEAD"
        said: list[tuple[str, list[tuple[str, str]]]] = []
        as_get = environment | {"REQUEST_METHOD": "GET"} if looked_at else environment
        body = b"".join(scrape(as_get, lambda status, headers: said.append((status, headers))))
        status, headers = said[0]
        start(status, [*headers, ("Content-Length", str(len(body))), ("X-Content-Type-Options", "nosniff")])
        return [b"" if looked_at else body]

    return serve


@contextmanager
def metrics_served(host: str, port: int | None, registry: CollectorRegistry) -> Iterator[None]:
    """Within the block the registry is served on the port; on none when there is no port. Raises OSError."""
    if port is None:
        yield
        return
    with make_server(host, port, application(registry), _Server, _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        thread.start()
        with contextlib.ExitStack() as stack:
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            yield
