"""The engine is not taken for lost because of a probe that came before it listened."""

import asyncio
from uuid import uuid4

import asyncpg
from pgqueuer.domain.types import HealthCheckId

from app.kernel.db.connections import DatabaseUrls, driver_arguments
from app.kernel.jobs.engine import CHANNEL, configured
from app.kernel.jobs.service import ListeningDriver, WatchedQueries
from tests.waiting import eventually

TOO_SOON = 0.2
"""Seconds for which nothing listens: a probe that does not wait is sent by then."""


async def test_a_probe_waits_until_somebody_listens_and_reaches_it(urls: DatabaseUrls) -> None:
    heard: list[str | bytes | bytearray] = []
    pool = await asyncpg.create_pool(**driver_arguments(urls.app), min_size=1, max_size=2)
    try:
        driver = ListeningDriver(pool)
        queries = configured(WatchedQueries, driver)
        queries.listening = driver.listening
        probe = HealthCheckId(uuid4())
        probing = asyncio.create_task(queries.notify_health_check(probe))
        await asyncio.wait({probing}, timeout=TOO_SOON)
        assert not probing.done()
        await driver.add_listener(CHANNEL, heard.append)
        await probing
        await eventually(lambda: [text for text in heard if str(probe) in str(text)], what="the probe")
    finally:
        pool.terminate()
