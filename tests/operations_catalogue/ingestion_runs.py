"""Runs: their plans, on a batch that nothing has written over; a run that waits, under a contract of its own."""

import json
from typing import Any

from tests.operations_catalogue.ingestion import NDJSON, ROWS, ROWS_WITH_A_FAULT, batch
from tests.operations_catalogue.operation import REASON, Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.tables import known_table, table
from tests.operations_catalogue.workshop import Workshop

ROOT = "/api/ingestion"
PLAN = REASON | {"dry_run": True, "plan_hash": "0" * 64}
LONG_AGO, SOME_DAY = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
OBJECT = "backfill/catalogue/rows.ndjson"


async def run(world: Workshop) -> str:
    """The id of a fresh run, which no worker takes up: there is none."""
    path = f"{ROOT}/{await table(world, 'SHADOW')}_v1/batches"
    made = (await world.as_admin("POST", path, 201, content=ROWS, headers=NDJSON))["id"]
    place = f"{ROOT}/batches/{made}/rollback"
    plan = await world.as_admin("POST", place, json=REASON | {"dry_run": True})
    started = await world.as_admin("POST", place, 202, json=REASON | {"plan_hash": plan["plan_hash"]})
    return str(started["id"])


def _of_batch(rows: bytes, kind: str, **wanted: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        made = await setting.world.kept(kind, "", lambda: batch(setting.world, rows), fresh=False)
        return Prepared({"batch_id": made}, {"json": PLAN | wanted})

    return prepared


async def _replay(setting: Setting) -> Prepared:
    await setting.world.kept("batch", "", lambda: batch(setting.world), fresh=False)
    contract_id = f"{await known_table(setting.world, 'SHADOW')}_v1"
    wanted = {"contract_id": contract_id, "from": LONG_AGO, "to": SOME_DAY, "skip_missing": True}
    return Prepared(more={"json": PLAN | wanted})


async def _backfill(setting: Setting) -> Prepared:
    async def rows() -> Any:
        yield ROWS

    async def put() -> str:
        await setting.world.resources.storage.put_stream(OBJECT, rows())
        return OBJECT

    prefix = (await setting.world.kept("object", "", put, fresh=False)).rpartition("/")[0]
    source = {"kind": "object", "prefix": prefix}
    contract_id = f"{await known_table(setting.world, 'SHADOW')}_v1"
    wanted = {"contract_id": contract_id, "source": source, "from": LONG_AGO, "to": SOME_DAY, "batch_size": 100}
    return Prepared(more={"json": PLAN | wanted})


def _of_run(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"run_id": await setting.kept("ingestion run", lambda: run(setting.world))}, more)

    return prepared


async def _runs(setting: Setting) -> Prepared:
    made = await setting.kept("ingestion run", lambda: run(setting.world))
    params = {"kind": "rollback", "status": "PENDING", "limit": 500}
    return Prepared(more={"params": params}, mark=json.dumps(made))


OPERATIONS = (
    Operation(
        "roll_back_batch",
        "POST",
        f"{ROOT}/batches/{{batch_id}}/rollback",
        _of_batch(ROWS, "batch", cascade=True, then_replay=True),
    ),
    Operation(
        "replay_quarantined_rows",
        "POST",
        f"{ROOT}/batches/{{batch_id}}/quarantine/replay",
        _of_batch(ROWS_WITH_A_FAULT, "batch with an open fault", code="wrong-type", column="v"),
    ),
    Operation("replay_batches", "POST", f"{ROOT}/replay", _replay),
    Operation("backfill_table", "POST", f"{ROOT}/backfill", _backfill),
    Operation("list_ingestion_runs", "GET", f"{ROOT}/runs", _runs),
    Operation("get_ingestion_run", "GET", f"{ROOT}/runs/{{run_id}}", _of_run()),
    Operation("cancel_ingestion_run", "POST", f"{ROOT}/runs/{{run_id}}/cancel", _of_run(json=REASON)),
)
