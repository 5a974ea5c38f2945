"""What goes on for notifications in a worker: delivery, woken by NOTIFY, and the measure of what waits."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final

import asyncpg

from app.kernel.db.connections import driver_arguments
from app.kernel.db.database import Database
from app.kernel.http.client import OutboundHttp
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import OUTBOX_AGE
from app.operations.notifications.channels.channel_types import outbound_policy
from app.operations.notifications.delivery.delivery import LOOPS, Delivery
from app.operations.notifications.delivery.sending import Sender
from app.operations.notifications.outbox.messages import oldest_waiting_seconds
from app.operations.notifications.outbox.repository import WAKE_CHANNEL

MEASURE_SECONDS: Final = 5.0
WAKE: Final = "outbox-wake"
PROBE: Final = "SELECT 1"
LISTEN_SECONDS: Final = 5.0
"""Between two looks at the connection that listens; without one, polling finds what is due."""


@asynccontextmanager
async def delivering(resources: Resources) -> AsyncIterator[None]:
    """What is due is sent while the block runs; at its end, what is under way is ended and the rest put back."""
    settings = resources.settings.notify
    policy = outbound_policy(settings)
    smtp = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    async with OutboundHttp(policy) as http:
        sender = Sender(http, policy, source=settings.source, smtp_url=smtp, clock=resources.clock)
        delivery = Delivery(resources, sender)
        listening = Listening(resources.database, delivery.wake)
        try:
            async with delivery.running(), repeating(WAKE, listening.look, LISTEN_SECONDS, begin_after=0.0):
                yield
        finally:
            listening.close()
            sender.close()


class Listening:
    """Wakes the delivery whenever somebody commits something that is due."""

    def __init__(self, database: Database, wake: Callable[[], None]) -> None:
        self._database = database
        self._wake = wake
        self._connection: asyncpg.Connection[Any] | None = None

    async def look(self) -> None:
        """See to it that the connection stands: one that does not answer is given up, and the next look opens another.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: nothing is heard at the moment.
        """
        try:
            if self._connection is not None:
                await self._connection.execute(PROBE, timeout=LISTEN_SECONDS)
                return
            self._connection = await _connection(self._database)
            await self._connection.add_listener(WAKE_CHANNEL, lambda *_: self._wake())
        except BaseException:
            self.close()
            raise
        self._wake()

    def close(self) -> None:
        """Cut the connection, if there is one."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def _connection(database: Database) -> "asyncpg.Connection[Any]":  # quoted: generic in its stubs alone
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        **driver_arguments(database.url),
        timeout=LISTEN_SECONDS,
        server_settings={"application_name": "spyne-outbox", "timezone": "UTC"},
    )
    return connection


async def measure_waiting(database: Database) -> None:
    """Put the age of the oldest message that waits into its gauge."""
    OUTBOX_AGE.set(await oldest_waiting_seconds(database))


def _measuring(resources: Resources) -> AbstractAsyncContextManager[None]:
    return repeating("outbox-age", partial(measure_waiting, resources.database), MEASURE_SECONDS, begin_after=0.0)


BACKGROUND = (
    BackgroundTask("outbox-delivery", delivering, parts={**LOOPS, WAKE: LISTEN_SECONDS}, in_worker=True),
    BackgroundTask("outbox-age", _measuring, MEASURE_SECONDS, in_worker=True),
)
