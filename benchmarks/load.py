"""A load generator light enough not to be what is measured: keep-alive connections, one request in flight on each."""

import asyncio
import time
from dataclasses import dataclass, field

import uvloop


@dataclass
class Tally:
    """What a run saw."""

    seconds: float = 0.0
    answers: int = 0
    failures: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.answers / self.seconds

    def percentile(self, share: float) -> float:
        """Latency in milliseconds below which this share of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class _Connection(asyncio.Protocol):
    def __init__(self, request: bytes, tally: Tally, deadline: float) -> None:
        self._request = request
        self._tally = tally
        self._deadline = deadline
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # a stream transport by construction
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end].lower()
        start = head.index(b"content-length:") + 15
        end = head.find(b"\r\n", start)
        length = int(head[start : end if end > 0 else len(head)])
        if len(self._buffer) < head_end + 4 + length:
            return
        now = time.perf_counter()
        if self._buffer.startswith(b"HTTP/1.1 200"):
            self._tally.answers += 1
            self._tally.latencies.append(now - self._sent)
        else:
            self._tally.failures += 1
        self._buffer = b""
        if now < self._deadline:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _run(port: int, request: bytes, connections: int, seconds: float) -> Tally:
    loop = asyncio.get_running_loop()
    tally = Tally()
    begin = time.perf_counter()
    made = [
        await loop.create_connection(lambda: _Connection(request, tally, begin + seconds), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    tally.seconds = time.perf_counter() - begin
    return tally


def run(port: int, path: str, headers: dict[str, str], *, connections: int = 16, seconds: float = 5.0) -> Tally:
    """Ask the same GET again and again for some seconds."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    return uvloop.run(_run(port, "\r\n".join(lines).encode(), connections, seconds))
