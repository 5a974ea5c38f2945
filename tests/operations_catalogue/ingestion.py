"""Ingestion: batches of two rows."""

from tests.ingestion.steps import ndjson
from tests.operations_catalogue.operation import Operation, Prepared, Setting
from tests.operations_catalogue.tables import known_table, table_in_state
from tests.operations_catalogue.workshop import Workshop

NDJSON = {"Content-Type": "application/x-ndjson"}
ROWS = ndjson([(1, 0, 10), (2, 1, 20)])
ROWS_WITH_A_FAULT = ndjson([(1, 0, "ten"), (2, 1, 20)])


async def batch(world: Workshop, rows: bytes = ROWS) -> str:
    """The id of a fresh batch."""
    path = f"/api/ingestion/{await known_table(world, 'SHADOW')}_v1/batches"
    return str((await world.as_admin("POST", path, 201, content=rows, headers=NDJSON))["id"])


async def _ingestion(setting: Setting) -> Prepared:
    return Prepared({"contract_id": f"{await table_in_state(setting)}_v1"}, {"content": ROWS, "headers": NDJSON})


async def _of_batch(setting: Setting) -> Prepared:
    return Prepared({"batch_id": await setting.kept("batch", lambda: batch(setting.world))})


async def _batches(setting: Setting) -> Prepared:
    return Prepared(mark=await setting.kept("batch", lambda: batch(setting.world)))


_RESOLVED = {"lines": [1], "code": "wrong-type", "column": "v", "resolved": True, "note": "why"}


async def _resolving(setting: Setting) -> Prepared:
    made = await setting.kept("batch with a fault", lambda: batch(setting.world, ROWS_WITH_A_FAULT))
    return Prepared({"batch_id": made}, {"json": _RESOLVED})


OPERATIONS = (
    Operation("ingest_batch", "POST", "/api/ingestion/{contract_id}/batches", _ingestion),
    Operation("list_batches", "GET", "/api/ingestion/batches", _batches),
    Operation("get_batch", "GET", "/api/ingestion/batches/{batch_id}", _of_batch),
    Operation("list_quarantined_rows", "GET", "/api/ingestion/batches/{batch_id}/quarantine", _of_batch),
    Operation("export_quarantined_rows", "GET", "/api/ingestion/batches/{batch_id}/quarantine/export", _of_batch),
    Operation("resolve_quarantined_rows", "POST", "/api/ingestion/batches/{batch_id}/quarantine/resolve", _resolving),
)
