"""Modes and maintenance windows."""

from tests.operations_catalogue.operation import CLOSED_FOR_DATA, REASON, Operation, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop


def window(world: Workshop) -> dict[str, str]:
    """A maintenance window that overlaps no other."""
    starts_at, ends_at = world.hour()
    return REASON | {"mode": "read_only", "starts_at": starts_at, "ends_at": ends_at}


async def _system_mode(setting: Setting) -> Prepared:
    return Prepared(more={"json": {"mode": "READ_ONLY" if setting.state == CLOSED_FOR_DATA else "INGESTION_READY"}})


async def _maintenance(setting: Setting) -> Prepared:
    """The mode as it is."""
    wanted = {"mode": setting.world.maintenance, "reason": "as it is", "until": "2099-01-01T00:00:00Z"}
    return Prepared(more={"json": wanted})


async def _new_window(setting: Setting) -> Prepared:
    return Prepared(more={"json": window(setting.world)})


async def _of_window(setting: Setting) -> Prepared:
    made = await setting.world.as_admin("POST", "/system/maintenance/windows", 201, json=window(setting.world))
    return Prepared({"window_id": made["id"]})


OPERATIONS = (
    Operation("get_system_mode", "GET", "/system/mode"),
    Operation("set_system_mode", "PUT", "/system/mode", _system_mode),
    Operation("get_maintenance", "GET", "/system/maintenance"),
    Operation("set_maintenance", "PUT", "/system/maintenance", _maintenance),
    Operation("list_maintenance_windows", "GET", "/system/maintenance/windows"),
    Operation("plan_maintenance_window", "POST", "/system/maintenance/windows", _new_window),
    Operation("cancel_maintenance_window", "DELETE", "/system/maintenance/windows/{window_id}", _of_window),
)
