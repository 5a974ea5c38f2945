"""Over HTTP, for every mode and resolution: a plan is what the run does, and the table is as without the batch."""

from datetime import timedelta
from itertools import product

import asyncpg
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.ingestion.runs.jobs import JOBS
from app.kernel.runtime.resources import Resources
from app.warehouse.plan import Mode, Resolution
from tests.ingestion.runs.steps import REASON, applied, everything, rollback
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import START, WINDOW, Row, register, stored, taken
from tests.reference.verdicts import Observation, Rules, outcome
from tests.warehouse.relations import content_hash

pytestmark = pytest.mark.usefixtures("open_for_data")

facts = st.tuples(st.integers(1, 2), st.integers(0, 20), st.integers(1, 3))
batches_of_facts = st.lists(st.lists(facts, min_size=1, max_size=4), min_size=2, max_size=4)


@pytest.mark.parametrize(("mode", "resolution"), list(product(Mode, Resolution)))
@settings(max_examples=1, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(batches=batches_of_facts, data=st.data())
async def test_a_plan_is_what_the_run_does_and_the_batch_was_never_there(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    mode: Mode,
    resolution: Resolution,
    batches: list[list[Row]],
    data: st.DataObject,
) -> None:
    hashed = {v: await content_hash(owner, ("v", "integer", v)) for v in (1, 2, 3)}
    table = f"t{await owner.fetchval('SELECT count(*) FROM spyne.tables')}"
    contract_id = await register(engineer, table, mode.value, resolution.value)
    ids = [(await taken(engineer, contract_id, rows))["id"] for rows in batches]
    before = await everything(owner, table)
    target = data.draw(st.integers(0, len(batches) - 1))
    async with working(resources, JOBS):
        refused = await admin.post(rollback(ids[target]), json=REASON | {"dry_run": True})
        cascade = refused.status_code == 409
        if cascade:
            assert {each["id"] for each in refused.json()["batches"]} <= set(ids[target + 1 :])
        _, run = await applied(admin, rollback(ids[target]), cascade=cascade, then_replay=False)
        made = [part["batch_id"] for part in run["parts"]]
        for each in made:  # the newest is the first
            await applied(admin, rollback(each))
        assert await everything(owner, table) == before
        await applied(admin, rollback(ids[target]), cascade=cascade, then_replay=True)
    without = [
        [Observation((id_,), START + timedelta(hours=hour), hashed[v]) for id_, hour, v in rows]
        for number, rows in enumerate(batches)
        if number != target
    ]
    expected = outcome(without, Rules(mode, resolution, WINDOW))
    found = await stored(owner, table)
    assert {((id_,), START + timedelta(hours=hour)): hashed[v] for id_, hour, v in found} == expected
