"""What goes on for notifications in a worker: delivery, woken by NOTIFY, and the measure of what waits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy.engine import make_url

from app.kernel.attendants import Attendant
from app.kernel.database import Database
from app.kernel.http_client import OutboundHttp
from app.kernel.metrics import OUTBOX_AGE
from app.kernel.resources import Resources
from app.operations.notifications.delivery import FAILURES, Delivery
from app.operations.notifications.delivery_repository import WAITING
from app.operations.notifications.repository import WAKE_CHANNEL
from app.operations.notifications.sending import Sender
from app.operations.notifications.settings import outbound_policy

MEASURE_SECONDS: Final = 5.0
LISTEN_SECONDS: Final = 5.0
"""Between two tries to listen; until then polling finds what is due."""


@asynccontextmanager
async def delivering(resources: Resources) -> AsyncIterator[None]:
    """What is due is sent while the block runs; at its end, what is under way is ended and the rest put back."""
    settings = resources.settings.notify
    policy = outbound_policy(settings)
    smtp = settings.smtp_url.get_secret_value() if settings.smtp_url else None
    stop = asyncio.Event()
    async with OutboundHttp(policy) as http:
        sender = Sender(http, policy, source=settings.source, smtp_url=smtp, clock=resources.clock)
        delivery = Delivery(resources, sender)
        beside = [
            asyncio.create_task(_listen(resources.database, delivery), name="outbox-wake"),
            asyncio.create_task(_measure(resources.database), name="outbox-age"),
        ]
        work = asyncio.create_task(delivery.run(stop), name="outbox-delivery")
        try:
            yield
        finally:
            stop.set()
            for task in beside:
                task.cancel()
            await asyncio.wait([work, *beside])
            sender.close()


async def _listen(database: Database, delivery: Delivery) -> None:
    """Wake the delivery whenever somebody commits something that is due."""

    def wake(*_: Any) -> None:
        delivery.wake()

    while True:
        with contextlib.suppress(*FAILURES):
            connection = await _connection(database)
            lost = asyncio.Event()
            connection.add_termination_listener(lambda _, lost=lost: lost.set())
            try:
                await connection.add_listener(WAKE_CHANNEL, wake)
                delivery.wake()
                await lost.wait()
            finally:
                connection.terminate()
        await asyncio.sleep(LISTEN_SECONDS)


async def _connection(database: Database) -> "asyncpg.Connection[Any]":  # quoted: generic in its stubs alone
    url = make_url(database.url)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(
        host=str(url.query.get("host", url.host)),
        port=url.port or int(str(url.query.get("port", 5432))),
        user=url.username,
        password=url.password,
        database=url.database,
        timeout=LISTEN_SECONDS,
        server_settings={"application_name": "spyne-outbox", "timezone": "UTC"},
    )
    return connection


async def measure_waiting(database: Database) -> None:
    """Put the age of the oldest message that waits into its gauge."""
    row = await database.lookups.one(WAITING, {})
    OUTBOX_AGE.set(max(0.0, float(row[0])) if row is not None else 0.0)


async def _measure(database: Database) -> None:
    while True:
        with contextlib.suppress(*FAILURES):
            await measure_waiting(database)
        await asyncio.sleep(MEASURE_SECONDS)


ATTENDANTS = (Attendant("outbox-delivery", delivering, in_worker=True),)
