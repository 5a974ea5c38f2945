"""A receiver of OTLP over HTTP: decodes what it is sent and keeps the spans."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Received:
    """One span."""

    name: str
    trace: str
    span: str
    parent: str
    kind: int
    failed: bool
    process: str
    attributes: dict[str, object]


@dataclass
class Receiver:
    """What came."""

    url: str = ""
    spans: list[Received] = field(default_factory=list)
    raw: bytes = b""

    def named(self, name: str) -> list[Received]:
        return [span for span in self.spans if span.name == name]

    def take(self, body: bytes) -> None:
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            facts = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    values = {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
                    self.spans.append(
                        Received(
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            span.kind,
                            span.status.code == 2,
                            facts["spyne.process"],
                            values,
                        )
                    )


Serve = Callable[[str, dict[str, str], bytes], None]
"""Takes the request line, the header fields and the body of each request."""


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.partition(":") for line in lines[1:] if line)
    return lines[0], {name.strip().lower(): value.strip() for name, _, value in fields}


@asynccontextmanager
async def http_server(serve: Serve) -> AsyncIterator[str]:
    """A URL where every request is handed to `serve(line, headers, body)`; the answer is an empty 200."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                line, headers = await _head(reader)
                serve(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def otlp_receiver() -> AsyncIterator[Receiver]:
    """A running receiver."""
    receiver = Receiver()

    def serve(line: str, headers: dict[str, str], body: bytes) -> None:
        assert line.startswith("POST /v1/traces ")
        assert headers["content-type"] == "application/x-protobuf"
        receiver.take(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)

    async with http_server(serve) as url:
        receiver.url = url
        yield receiver
