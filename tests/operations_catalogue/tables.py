"""Tables: things of which one version, the only one, is in a state."""

from datetime import timedelta
from typing import Any, Final

from app.kernel.clock import utc_now
from tests.ingestion.steps import contract
from tests.operations_catalogue.operation import CLOSED_FOR_DATA, REASON, Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

BESIDE: Final = "SHADOW beside ACTIVE"


async def table(world: Workshop, state: str) -> str:
    """The name of a fresh table of which one version, the only one, is in this state."""
    name = world.name("things")
    await world.as_admin("POST", "/api/contracts/register", 201, json=contract(name))
    first = "READ_ONLY" if state == "READ_ONLY" else "ACTIVE"
    if state not in {"SHADOW", CLOSED_FOR_DATA}:
        change = REASON | {"from_state": "SHADOW", "to_state": first}
        await world.as_admin("POST", f"/api/tables/{name}/promote", json=change)
    if state.startswith("DEPRECATED"):
        await world.as_admin("POST", f"/api/tables/{name}/deprecate", json=REASON)
    if state == BESIDE:
        await world.as_admin("POST", "/api/contracts/register", 201, json=contract(name, mode="append"))
    return name


async def known_table(world: Workshop, state: str) -> str:
    """The name of a table in this state, always the same."""
    return await world.kept("table", state, lambda: table(world, state), fresh=False)


async def table_in_state(setting: Setting) -> str:
    """The name of a table in the state of the setting."""
    state = "SHADOW" if setting.state == CLOSED_FOR_DATA else setting.state
    return await setting.kept("table", lambda: table(setting.world, state), state)


async def _of_table(setting: Setting) -> Prepared:
    name = await table_in_state(setting)
    return Prepared({"table": name}, mark='"version":2' if setting.state == BESIDE else "")


async def _tables(setting: Setting) -> Prepared:
    name = await table_in_state(setting)
    return Prepared(more={"params": {"search": name}}, mark=f'"{name}"')


def _change(body: dict[str, Any]) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"table": await table_in_state(setting)}, {"json": REASON | body})

    return prepared


async def _promotion(setting: Setting) -> Prepared:
    to_state = "READ_ONLY" if setting.state == "ACTIVE" else "ACTIVE"
    return await _change({"from_state": setting.state, "to_state": to_state, "dry_run": False})(setting)


async def _deprecation(setting: Setting) -> Prepared:
    successor = await setting.world.kept("successor", "", lambda: table(setting.world, "ACTIVE"), fresh=False)
    sunset = (utc_now() + timedelta(days=30)).isoformat()
    return await _change({"successor": successor, "sunset": sunset})(setting)


OPERATIONS = (
    Operation("list_tables", "GET", "/api/tables", _tables),
    Operation("get_table", "GET", "/api/tables/{table}", _of_table),
    Operation("get_table_state", "GET", "/api/tables/{table}/state", _of_table),
    Operation("get_table_history", "GET", "/api/tables/{table}/history", _of_table),
    Operation("list_table_versions", "GET", "/api/tables/{table}/versions", _of_table),
    Operation("get_table_profile", "GET", "/api/tables/{table}/profile", _of_table),
    Operation("promote_table", "POST", "/api/tables/{table}/promote", _promotion),
    Operation("deprecate_table", "POST", "/api/tables/{table}/deprecate", _deprecation),
    Operation("restore_table", "POST", "/api/tables/{table}/restore", _change({"to_state": "ACTIVE"})),
)
