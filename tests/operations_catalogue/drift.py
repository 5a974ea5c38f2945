"""Drift: reports on tables in a state, and comparisons with what contracts say."""

from typing import Any, Final

from tests.operations_catalogue.operation import Operation, Prepared, Setting
from tests.operations_catalogue.tables import table, table_in_state

OPEN: Final = "open"
ACCEPTED: Final = "accepted"

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "bigint", "nullable": False},
    {"name": "at", "type": "timestamp with time zone", "nullable": False},
    {"name": "v", "type": "integer"},
]
"""What the contracts of the catalogue say, as another system would."""


def _compared(column: str) -> dict[str, Any]:
    """A schema with one more column, and semantics that are as the contract has them."""
    added = {"name": column, "type": "int8", "nullable": True, "default": None, "checks": [{"type": "min", "value": 0}]}
    semantics = {
        "mode": "upsert",
        "idempotency_key": ["id"],
        "event_time_column": "at",
        "processing_time_column": "got",
        "dedupe_window": "5h",
        "conflict_resolution": "latest_wins",
    }
    return {"schema": {"columns": [*COLUMNS, added]}, "ingestion_semantics": semantics}


async def _report_on(setting: Setting, name: str) -> str:
    """The id of a fresh report on a table."""
    world = setting.world
    path = f"/api/contracts/{name}_v1/drift"
    return str((await world.as_admin("POST", path, json=_compared(world.name("further"))))["id"])


async def _of_table_in_state(setting: Setting) -> str:
    async def make() -> str:
        return await _report_on(setting, await table_in_state(setting))

    return await setting.kept("drift on a table", make, setting.state)


async def _decided(setting: Setting) -> str:
    """The id of a report on a table of its own, which stands as the setting says."""

    async def make() -> str:
        report = await _report_on(setting, await table(setting.world, "ACTIVE"))
        if setting.state == ACCEPTED:
            decision = {"action": "accept", "note": "the matrix wants it"}
            await setting.world.as_admin("POST", f"/api/drift/{report}/resolve", json=decision)
        return report

    return await setting.kept("drift", make, setting.state)


async def _reports(setting: Setting) -> Prepared:
    report = await _of_table_in_state(setting)
    params = {"status": "open", "severity": "COMPATIBLE"}
    return Prepared(more={"params": params | {"limit": 200}}, mark=f'"id":"{report}"')


async def _of_report(setting: Setting) -> Prepared:
    return Prepared({"report_id": await _of_table_in_state(setting)})


async def _resolving(setting: Setting) -> Prepared:
    body = {"action": "accept", "note": "Agreed with the shop."}
    return Prepared({"report_id": await _decided(setting)}, {"json": body})


async def _undoing(setting: Setting) -> Prepared:
    return Prepared({"report_id": await _decided(setting)}, {"json": {"note": "Taken on too early."}})


async def _comparison(setting: Setting) -> Prepared:
    name = await table_in_state(setting)
    more = {"json": _compared("further"), "params": {"dry_run": "false"}}
    return Prepared({"contract_id": f"{name}_v1"}, more)


OPERATIONS = (
    Operation("list_drift", "GET", "/api/drift", _reports),
    Operation("get_drift", "GET", "/api/drift/{report_id}", _of_report),
    Operation("resolve_drift", "POST", "/api/drift/{report_id}/resolve", _resolving),
    Operation("undo_drift", "POST", "/api/drift/{report_id}/undo", _undoing),
    Operation("compare_with_contract", "POST", "/api/contracts/{contract_id}/drift", _comparison),
)
