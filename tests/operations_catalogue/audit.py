"""The audit log: entries under a seal and beside it."""

from tests.audit.logs import sealer
from tests.operations_catalogue.clients import client
from tests.operations_catalogue.operation import Operation, Prepared, Setting, with_json
from tests.operations_catalogue.workshop import Workshop

VERIFICATION = {
    "since": "2026-01-01T00:00:00Z",
    "until": "2099-01-01T00:00:00Z",
    "first_seal": 1,
    "last_seal": 2,
    "cursor": None,
    "checkpoint": {
        "checkpoint": 1,
        "size": 0,
        "seals": 0,
        "hash": "0" * 64,
        "time": 0,
        "public_key": "0" * 64,
        "signature": "0" * 128,
    },
}


async def entry(world: Workshop, *, sealed: bool) -> str:
    """The id of the newest row of the audit log."""
    await client(world)
    newest = (await world.as_admin("GET", "/api/audit?limit=1"))["items"][0]["id"]
    if sealed:
        await sealer(world.resources).seal_waiting()
    return str(newest)


async def _of_entry(setting: Setting) -> Prepared:
    sealed = setting.state == "sealed"
    made = await setting.world.kept(
        "audit entry", setting.state, lambda: entry(setting.world, sealed=sealed), fresh=False
    )
    return Prepared({"entry_id": made})


OPERATIONS = (
    Operation("list_audit_entries", "GET", "/api/audit"),
    Operation("get_audit_checkpoint", "GET", "/api/audit/checkpoint"),
    Operation("verify_audit_log", "POST", "/api/audit/verify", with_json(VERIFICATION)),
    Operation("get_audit_entry", "GET", "/api/audit/{entry_id}", _of_entry),
    Operation("prove_audit_entry", "GET", "/api/audit/{entry_id}/proof", _of_entry),
)
