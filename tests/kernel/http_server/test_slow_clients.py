"""Slow clients in a crowd against a real process: closed in time, and nobody else waits for them.

The full figure is `python -m benchmarks.slow_clients`.
"""

import asyncio
import re
import time

import pytest

from benchmarks.slow_clients import BODIES, HEADS
from tests import loopback
from tests.kernel.http_server.conftest import Service
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

EACH = 100
CLOSED_WITHIN_SECONDS = 10.0
ENVIRONMENT = {"SERVER_MAX_IN_FLIGHT": "20"}
"""A tenth of the usual slots against an eighth of the clients of the full figure."""


async def trickle(port: int, first: bytes) -> float:
    """Seconds until the server closed the connection."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first)
    closing = asyncio.ensure_future(reader.read())
    while not closing.done():
        await asyncio.wait([closing], timeout=0.7)
        writer.write(b"a")
    closing.exception()
    writer.transport.abort()
    return time.monotonic() - begun


async def test_a_crowd_of_slow_clients(service: Service) -> None:
    crowd = [
        asyncio.create_task(trickle(service.port, kind[number % len(kind)]))
        for kind in (HEADS, BODIES)
        for number in range(EACH)
    ]
    probes: list[float] = []
    bearer = {"Authorization": f"Bearer {service.token}"}
    async with loopback.client(service.process.url, headers=bearer, timeout=5) as client:

        async def crowded() -> bool:
            found = re.search(r"^spyne_connections_open (\S+)", (await client.get(service.metrics)).text, re.MULTILINE)
            return found is not None and float(found[1]) >= len(crowd)

        await eventually(crowded, 4, what="the crowd")
        while not all(task.done() for task in crowd):
            begun = time.monotonic()
            assert (await client.get("/health/live")).status_code == 200
            probes.append(time.monotonic() - begun)
            assert (await client.get("/api/tables")).status_code == 200
            validated = await client.post("/api/query/validate", json={"sql": "SELECT 1 AS one"})
            assert validated.status_code == 200
            await asyncio.sleep(0.1)
        page = (await client.get(service.metrics)).text
    lives = [await task for task in crowd]
    assert max(lives) <= CLOSED_WITHIN_SECONDS, max(lives)
    assert min(lives) > 4
    assert sorted(probes)[int(len(probes) * 0.9)] < 0.5  # far from the target: the machine is shared with other tests
    for reason in ("head-slow", "body-slow"):
        assert f'spyne_connections_cut_total{{reason="{reason}"}} {EACH}.0' in page
