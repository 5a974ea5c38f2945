"""Usage of joins is counted once for each execution that was recorded, whenever the process dies.

`SPYNE_TEST_CRASHES=20 python -m pytest -n0 tests/query/joins/test_usage_kills.py` kills twenty times; the suite less.
"""

import asyncio
import os
import random
from contextlib import suppress
from functools import partial

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from tests import loopback
from tests.catalog.joins.steps import CUSTOMERS, accepted, adopted, refreshed
from tests.identities import Identities
from tests.service_processes import Surroundings, api_process
from tests.waiting import eventually

KILLS = int(os.environ.get("SPYNE_TEST_CRASHES", "3"))
CLIENTS = 4
JOINED = "SELECT o.order_id, c.name FROM orders o JOIN customers c ON c.customer_id = o.customer_id"

pytestmark = pytest.mark.timeout(120 + 30 * KILLS)

BOTH = """
SELECT (SELECT count(*) FROM spyne.query_executions e JOIN spyne.query_previews p ON p.id = e.preview_id
         WHERE jsonb_array_length(p.basis -> 'joins') = 1) AS executions,
       (SELECT count(*) FROM spyne.join_usage) AS uses,
       (SELECT count(*) FROM spyne.join_usage u
         WHERE NOT EXISTS (SELECT FROM spyne.query_executions e WHERE e.id = u.execution_id)) AS of_nothing
"""


async def asks(client: httpx.AsyncClient) -> None:
    """Preview and execute again and again, until the process is gone."""
    with suppress(httpx.HTTPError):
        while True:
            answer = await client.post("/api/query/preview", json={"sql": JOINED})
            await client.post("/api/query/execute", json={"preview_id": answer.json()["preview_id"]})


async def _used(owner: asyncpg.Connection, wanted: int) -> bool:
    return bool(await owner.fetchval("SELECT count(*) >= $1 FROM spyne.join_usage", wanted))


async def test_uses_are_the_executions_that_were_recorded(
    admin: httpx.AsyncClient,
    identities: Identities,
    owner: asyncpg.Connection,
    resources: Resources,
    surroundings: Surroundings,
) -> None:
    await adopted(admin, owner)
    await refreshed(resources)
    await accepted(admin, CUSTOMERS)
    headers = {"Authorization": f"Bearer {await identities.token('ANALYST')}"}
    before = 0
    for _ in range(KILLS):
        async with (
            api_process(surroundings) as process,
            loopback.client(process.url, headers=headers, timeout=30) as client,
        ):
            asking = [asyncio.create_task(asks(client)) for _ in range(CLIENTS)]
            wanted = before + random.randint(2, 20)
            await eventually(partial(_used, owner, wanted), 60, what=f"{wanted} uses")
            await process.kill()
            await asyncio.gather(*asking)
        found = await owner.fetchrow(BOTH)
        assert found is not None
        assert found["executions"] == found["uses"] > before
        assert found["of_nothing"] == 0
        before = found["uses"]
    usage = (await admin.get(f"/api/joins/{CUSTOMERS}")).json()["usage"]
    assert usage["executions"] == before
