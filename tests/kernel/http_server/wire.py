"""Bytes on the wire: raw connections to a server, and what came back over them."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Heard:
    """What a server said until it closed the connection, or until nobody listened any more."""

    data: bytes = b""
    closed: bool = False
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def statuses(self) -> list[int]:
        """The status of every answer, 1xx too."""
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.data)]

    @property
    def problem(self) -> dict[str, Any]:
        """The last answer's body."""
        head, _, body = self.data[self.data.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
        assert b"content-type: application/problem+json" in head.lower()
        document: dict[str, Any] = json.loads(body)
        return document


async def listen(reader: asyncio.StreamReader, heard: Heard, seconds: float, *, whole: bool = False) -> Heard:
    """Hear what comes; `whole`: one whole answer with a length is enough."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            while not (whole and _is_whole(heard.data)):
                data = await reader.read(65_536)
                if not data:
                    heard.closed = True
                    break
                heard.data += data
    except TimeoutError:
        pass
    except ConnectionError:
        heard.closed = True
    heard.seconds = time.monotonic() - begun
    return heard


def _is_whole(data: bytes) -> bool:
    head, end, body = data.partition(b"\r\n\r\n")
    fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
    return bool(end) and len(body) >= int(fields.get(b"content-length", b"0"))


async def exchange(port: int, *pieces: bytes, seconds: float = 3.0, pause: float = 0.0, whole: bool = False) -> Heard:
    """Send the pieces over one connection, and hear what comes until it is closed or the time is over.

    `whole`: one whole answer with a length is enough.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = Heard()
    try:
        for index, piece in enumerate(pieces):
            if index and pause:
                await asyncio.sleep(pause)
            writer.write(piece)
            try:
                await writer.drain()
            except ConnectionError as error:
                heard.faults.append(type(error).__name__)
                break
        return await listen(reader, heard, seconds, whole=whole)
    finally:
        writer.transport.abort()
