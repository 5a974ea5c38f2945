"""uvicorn's HTTP/1.1 protocol, with deadlines: whatever does not arrive, or is not taken, in time is cut.

What of uvicorn it relies on is listed, and looked for at the start, in `fitting.py`. Nothing is written to a
connection on which an earlier answer is under way.
"""

import asyncio
import contextlib
import math
import socket
from typing import Any, Final, cast

import httptools
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.kernel.http_server.heads import MAX_FIELDS, fields_fault, target_fault
from app.kernel.http_server.limits import LINGER_SECONDS, MAX_PIPELINED, UNSENT_BYTES, UNWANTED_SECONDS
from app.kernel.http_server.refusals import (
    BodyTimeout,
    HeadTimeout,
    HeadTooLarge,
    MalformedRequest,
    Refused,
    TooManyConnections,
    answer,
)
from app.kernel.http_server.slots import SLOT
from app.kernel.http_server.watch import Watch
from app.kernel.problems import Problem
from app.kernel.telemetry.metrics import CONNECTIONS_CUT

BETWEEN: Final = 0
"""Between two requests. The parser may hold the begin of a pipelined one."""
HEAD: Final = 1
BODY: Final = 2
LEAVING: Final = 3
"""Nothing more is read from this connection; it ends with the answers under way."""

_INTERNET: Final = frozenset({socket.AF_INET, socket.AF_INET6})

log = structlog.stdlib.get_logger("spyne.access")


def arriving(watch: Watch) -> type[asyncio.Protocol]:
    """The protocol class for `uvicorn.Config(http=…)`, all connections of which are under this watch."""
    return type("WatchedHttp", (ArrivalProtocol,), {"watch": watch})


class ArrivalProtocol(HttpToolsProtocol):
    """A connection. `_due` is when its head or body must have come further, `_end` when it is over in any case."""

    watch: Watch

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = self.watch.limits
        self._time = self.loop.time
        self._stage = HEAD
        self._due = self._time() + self._limits.head_seconds
        self._end = math.inf
        self._unread = 0  # bytes of the head so far; in a body, bytes since the last one of content
        self._progress = 0  # bytes of the body since the last look
        self._probes_only = False
        self._taking_due = math.inf
        self._untaken = 0  # bytes of answers that were left here at the last look
        self._emptied = False  # whether the reader has since taken nearly all that was left

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Count the connection in, and keep what its reader does not take in this process, where it is seen."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family in _INTERNET:
            with contextlib.suppress(OSError):  # a client that has gone; a system that has no such option
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._probes_only = not self.watch.admit(self, self.connections, self.loop)  # type: ignore[arg-type]  # uvicorn's own set

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection out."""
        self.watch.is_busy(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless the connection is being left."""
        if self._stage == LEAVING:
            return
        if self._stage == BETWEEN:
            self._begin_head()
        self._unread += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._leave_after_answer()  # served as if it had not asked; what follows may be another protocol
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem if isinstance(cause, Refused) else MalformedRequest())
        else:
            if self._unread > self._limits.head_bytes and self._stage != BETWEEN:
                # In a body these are chunk extensions or trailers without end.
                self._refuse(self._head_too_large() if self._stage == HEAD else MalformedRequest())

    def on_message_begin(self) -> None:
        """The clock of a head begins with its first byte, also when that came with the request before."""
        super().on_message_begin()
        if self._stage == BETWEEN:
            self._begin_head()
            self._unread = 1  # how much of it came with the request before is not known

    def on_headers_complete(self) -> None:
        """Let the request in, if its head is well-formed; refusals leave through the parser."""
        fault = self._head_fault()
        if fault is not None:
            raise Refused(fault)
        super().on_headers_complete()
        self.headers = []  # trailers are not added to the header fields that the application has seen
        self._stage = BODY
        self._unread = self._progress = 0
        self._due = self._time() + self._limits.body_seconds
        self.watch.is_busy(self)

    def on_body(self, body: bytes) -> None:
        """Content has come: at the next look the clock goes back a little."""
        self._unread = 0
        self._progress += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._stage = BETWEEN
        super().on_message_complete()
        if self._end != math.inf:  # it was the rest of a body which nobody wanted
            self._end = math.inf
            self._due = self._time() + self.timeout_keep_alive
            self.watch.waits(self)

    def on_response_complete(self) -> None:
        """The next request is answered, or the connection waits for one; the watch keeps the time, not a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._stage == BODY:
            self._end = self._time() + UNWANTED_SECONDS
        elif self._stage == BETWEEN:
            self._due = self._time() + self.timeout_keep_alive
            self.watch.waits(self)

    def resume_writing(self) -> None:
        """Note that the reader has taken what was left, from the transport's upper mark down to the lower one."""
        self._emptied = True
        super().resume_writing()

    def look(self, now: float, elapsed: float, late: float) -> bool:
        """Cut the connection if it is beyond a deadline; called by the watch."""
        self._due += late
        if now >= self._end:
            self.transport.abort()
            return True
        if self.flow.read_paused or (self._stage == BODY and self.cycle.waiting_for_100_continue):
            self._due += elapsed - late  # it is we who keep the client waiting
        elif self._stage == BODY:
            self._due = self._limits.prolonged(self._due, now, self._progress)
            self._progress = 0
        if now >= self._due and self._cut():
            return True
        return self._look_at_reader(now, late)

    def make_room(self) -> None:
        """Close an idle connection, or one whose head is on its way."""
        CONNECTIONS_CUT.labels("room-made").inc()
        self.connections.discard(self)  # it is not to be counted until the loop has seen to its end
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # nobody would see to it that its reader goes on
        else:
            self.transport.close()

    def turn_away(self) -> None:
        """Answer 503 to whatever may come."""
        self._refuse(TooManyConnections())

    def _begin_head(self) -> None:
        self._stage = HEAD
        self._due = self._time() + self._limits.head_seconds
        self._unread = 0

    def _cut(self) -> bool:
        """End what is overdue; False when nothing is, since an answer is under way."""
        if self._stage == BODY:
            self._refuse(BodyTimeout(), cut="body-slow")
        elif self._stage == HEAD and self._unread:
            self._refuse(HeadTimeout(), cut="head-slow")
        elif self._stage == HEAD or (self._stage == BETWEEN and self.cycle.response_complete):
            # Nothing was asked, so nothing is answered.
            CONNECTIONS_CUT.labels("silent" if self._stage == HEAD else "idle").inc()
            self._stage = LEAVING
            self.transport.close()
        else:
            return False
        return True

    def _look_at_reader(self, now: float, late: float) -> bool:
        untaken = self.transport.get_write_buffer_size()
        if not untaken:
            self._taking_due = math.inf
            return False
        if self._taking_due == math.inf:
            self._taking_due = now + self._limits.patience_seconds
        else:
            self._give_slot_back()
            taken = math.inf if self._emptied else max(0, self._untaken - untaken)
            self._taking_due = self._limits.prolonged(self._taking_due + late, now, taken)
        self._untaken, self._emptied = untaken, False
        if now < self._taking_due:
            return False
        CONNECTIONS_CUT.labels("reader-slow").inc()
        self.transport.abort()
        return True

    def _give_slot_back(self) -> None:
        if self.cycle is None or not self.cycle.response_started:
            return
        slot = cast("dict[str, Any]", self.cycle.scope).get(SLOT)  # uvicorn's type of it is closed
        if slot is not None:
            slot.release()

    def _head_fault(self) -> Problem | None:
        if self._unread > self._limits.head_bytes and self._head_bytes() > self._limits.head_bytes:
            return self._head_too_large()
        if len(self.headers) > MAX_FIELDS:
            return HeadTooLarge(f"A request has at most {MAX_FIELDS} header fields.")
        fault = target_fault(self.url) or fields_fault(self.parser.get_http_version(), self.headers)
        if fault is not None:
            return MalformedRequest(fault)
        if len(self.pipeline) >= MAX_PIPELINED:
            return MalformedRequest(f"At most {MAX_PIPELINED} requests are taken ahead.")
        if self._probes_only and self.url.partition(b"?")[0] not in self._limits.probes:
            return TooManyConnections()
        return None

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _head_too_large(self) -> Problem:
        return HeadTooLarge(f"Request line and header fields have at most {self._limits.head_bytes} bytes together.")

    def _refuse(self, problem: Problem, cut: str | None = None) -> None:
        """Answer with the problem and leave; without an answer where one is under way already."""
        CONNECTIONS_CUT.labels(cut or problem.code).inc()
        if self._stage == BODY:
            self._refuse_rest(problem)
        elif self.cycle is not None and not self.cycle.response_complete:
            self._leave_after_answer()
        else:
            self._say(problem)

    def _refuse_rest(self, problem: Problem) -> None:
        """Refuse a request whose head the application has seen."""
        cycle = self.cycle
        answered = cycle.response_started or bool(self.pipeline)
        if not cycle.response_complete:
            cycle.disconnected = True  # the application learns that its client has gone
            cycle.message_event.set()
        if answered:
            self._leave()
        else:
            self._say(problem)

    def _say(self, problem: Problem) -> None:
        text, correlation = answer(problem, self.server_state.default_headers)
        log.info("request refused", status=problem.status, code=problem.code, correlation_id=correlation)
        self.transport.write(text)
        self._leave()

    def _leave_after_answer(self) -> None:
        self._stage = LEAVING
        if self.cycle is None or self.cycle.response_complete:
            self._leave()
        else:
            self.cycle.keep_alive = False  # the last one taken; uvicorn closes after it

    def _leave(self) -> None:
        """Half-close, so that what was said can be read, and close in a moment."""
        self._stage = LEAVING
        self._end = self._time() + LINGER_SECONDS
        self.watch.is_busy(self)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.transport.write_eof()
