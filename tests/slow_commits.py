"""A door to PostgreSQL behind which answers to COMMIT arrive late.

The moment between a commit and the news of it is where acknowledgements get lost; it lasts a millisecond, too short for
a kill to meet it reliably. Through this door it lasts as long as a test wants. Nothing else is delayed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.engine import make_url

from app.kernel.embedded import ServerAddress

COMMITTED = b"COMMIT\x00"
"""The tag of CommandComplete (PostgreSQL manual, 54.7)."""


class SlowCommits:
    """The door, while it is open."""

    def __init__(self, address: ServerAddress, port: int) -> None:
        self.port = port
        self.delay = 0.0
        """Seconds by which the answer to a COMMIT is late."""
        self.address = address
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _socket(self) -> str:
        return f"{self.address.socket_dir}/.s.PGSQL.{self.address.port}"

    def url(self, database: str) -> str:
        """The owner's SQLAlchemy URL through the door."""
        direct = make_url(self.address.url(database))
        through = direct.set(host="127.0.0.1", port=self.port, query={})
        return through.render_as_string(hide_password=False)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._socket)
        except OSError:  # the server is down
            writer.close()
            return
        try:
            await asyncio.gather(
                self._pass(reader, server_writer, late=False), self._pass(server_reader, writer, late=True)
            )
        finally:
            for each in (writer, server_writer):
                each.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, late: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if late and self.delay and COMMITTED in data:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def end(self) -> None:
        """Cut what is still connected."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def slow_commits(address: ServerAddress, port: int) -> AsyncIterator[SlowCommits]:
    """The door on a port of the loopback address."""
    door = SlowCommits(address, port)
    server = await asyncio.start_server(door.connected, "127.0.0.1", port)
    try:
        yield door
    finally:
        server.close()
        await door.end()
