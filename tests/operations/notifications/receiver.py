"""A receiver of webhooks in a process of its own, which verifies with the reference implementation.

`python -m tests.operations.notifications.receiver PORT SECRET [LOST]`: what it does depends on the path; LOST is the
share of messages that `/` takes and then cuts the connection instead of answering. `GET /counts` tells what came.
"""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook, WebhookVerificationError

from tests import loopback
from tests.spawning import free_port, spawned
from tests.waiting import eventually


class Counts:
    """What came."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.unverified = 0
        self.lost = 0
        self.hung = 0
        self.last: dict[str, Any] = {}


ANSWERS = {
    "/": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/redirect": b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
    "/gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    "/busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1234\r\nContent-Length: 0\r\n\r\n",
    "/broken": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 6\r\n\r\nbroken",
    "/endless": b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 200_000,
    "/missing": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
}


async def serve(port: int, secret: str, lost: float, dice: random.Random) -> None:
    """Until the process is ended."""
    counts = Counts()
    webhook = Webhook(secret) if secret else None

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                if not await exchange(reader, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        path = first.split(" ")[1]
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if path == "/counts":
            told = json.dumps(vars(counts)).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
            return True
        if webhook is not None:
            try:
                counts.last = webhook.verify(body, headers) | {"headers": headers}
            except WebhookVerificationError:
                counts.unverified += 1
                writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
                return True
        if path == "/slow":
            counts.hung += 1
            await reader.read()  # until the sender has had enough
            return False
        if path == "/":
            counts.ids[headers.get("webhook-id", "")] += 1
            if lost and dice.random() < lost:
                counts.lost += 1
                return False
        writer.write(ANSWERS.get(path, ANSWERS["/missing"]))
        await writer.drain()
        return True

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


class Receiver:
    """A running receiver."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    async def counts(self) -> Counts:
        async with loopback.client(timeout=20) as client:
            told = (await client.get(f"{self.url}/counts")).json()
        counts = Counts()
        counts.ids = Counter(told.pop("ids"))
        vars(counts).update(told)
        return counts

    async def answers(self) -> bool:
        try:
            await self.counts()
        except httpx.TransportError:
            return False
        return True


@asynccontextmanager
async def receiving(secret: str = "", lost: float = 0.0) -> AsyncIterator[Receiver]:
    """A receiver in a process of its own; killed at the end."""
    port = free_port()
    arguments = ("tests.operations.notifications.receiver", str(port), secret, str(lost))
    process = await spawned(*arguments, env=os.environ, output=Path(os.devnull))
    receiver = Receiver(port)
    try:
        await eventually(receiver.answers)
        yield receiver
    finally:
        process.kill()
        await process.ended()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), random.Random(1)))
