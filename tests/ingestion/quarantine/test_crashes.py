"""Kills while refused rows come in: quarantine keeps within its bounds, and has what the reports say.

`SPYNE_TEST_CRASHES=60 python -m pytest -n0 -s tests/ingestion/quarantine/test_crashes.py` kills more often.
"""

import asyncio
import itertools
import random
from dataclasses import dataclass, field

import httpx
import pytest

from tests.ingestion.crash_place import KILLS, Place, opened
from tests.ingestion.steps import ndjson
from tests.service_processes import api_process, eventually, worker_process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 30 * KILLS)]

SENDERS = 4
REFUSED_ROWS = 7
KEPT_OF_ALL = 60
REFUSED = b"{}\n" * REFUSED_ROWS
PARTLY = ndjson([(1, 0, 1)]) + REFUSED


@dataclass
class Senders:
    """Clients that send batches of refused rows, with and without a row that is accepted, at once and for later."""

    place: Place
    url: str
    acknowledged: set[str] = field(default_factory=set)
    """Ids of batches whose sender has heard of them, were they taken or rejected."""
    enough: bool = False

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(SENDERS):
                group.create_task(self._send(number))

    async def _send(self, number: int) -> None:
        async with self.place.client(self.url) as client:
            for attempt in itertools.count(number):
                if self.enough:
                    return
                try:
                    await self._batch(client, attempt)
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    async def _batch(self, client: httpx.AsyncClient, attempt: int) -> None:
        headers = {"Content-Type": "application/x-ndjson"} | ({"Prefer": "respond-async"} if attempt % 2 else {})
        body = PARTLY if attempt % 3 else REFUSED
        answer = await client.post("/api/ingestion/events_v1/batches", content=body, headers=headers)
        said = answer.json()
        if answer.is_success:
            self.acknowledged.add(said["id"])
        elif said["code"] == "nothing-accepted":
            self.acknowledged.add(said["batch_id"])
        else:
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.05)


async def test_quarantine_keeps_within_its_bounds_and_has_what_reports_say(place: Place) -> None:
    chance = random.Random(5)
    async with api_process(place.surroundings) as api:
        await opened(place, api)
        async with place.client(api.url) as client:
            bound = {"value": KEPT_OF_ALL}
            decided = await client.put("/system/config/ingestion.max-quarantined-rows", json=bound)
            assert decided.status_code == 200, decided.text
        await api.kill()  # in force from the begin of the next process
        await api.start()
        senders = Senders(place, api.url)
        sending = asyncio.create_task(senders.run())
        for _ in range(max(2, KILLS)):
            least = len(senders.acknowledged) + chance.randrange(2, 6)
            async with worker_process(place.surroundings) as worker:
                await eventually(lambda least=least: len(senders.acknowledged) >= least, 60)  # type: ignore[misc]
                await asyncio.sleep(chance.uniform(0, 0.2))
                await asyncio.gather(worker.kill(), api.kill())
            await api.start()
        senders.enough = True
        await sending
        async with worker_process(place.surroundings):

            async def none_waits() -> bool:
                waiting = "SELECT count(*) FROM spyne.ingestion_history WHERE status = 'pending'"
                return not (await place.fetch(waiting))[0][0]

            await eventually(none_waits, 120)
    batches = await place.fetch(
        "SELECT h.id::text, h.status, h.quarantined_rows, (h.counts->>'rejected')::int AS rejected, "
        "(SELECT count(*) FROM spyne.ingestion_quarantine q WHERE q.batch_id = h.id) AS found "
        "FROM spyne.ingestion_history h"
    )
    (total,) = (await place.fetch("SELECT sum(rows)::int FROM spyne.ingestion_quarantine_totals"))[0]
    print(f"batches={len(batches)} acknowledged={len(senders.acknowledged)} kept={total}")
    assert senders.acknowledged <= {row["id"] for row in batches}, "what was acknowledged is there"
    assert {row["status"] for row in batches} == {"completed", "rejected"}
    assert {row["rejected"] for row in batches} == {REFUSED_ROWS}, "all are counted"
    assert all(row["found"] == row["quarantined_rows"] for row in batches), "reports say what is kept"
    assert sum(row["found"] for row in batches) == total == min(KEPT_OF_ALL, REFUSED_ROWS * len(batches))
