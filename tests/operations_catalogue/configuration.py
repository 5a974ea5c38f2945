"""Configuration: one key, which an admin has decided."""

from typing import Any

from tests.operations_catalogue.operation import Operation, Prepare, Prepared, Setting

KEY = "query.preview-lifetime-seconds"


def _of_key(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        await setting.world.as_admin("PUT", f"/system/config/{KEY}", json={"value": 600})
        return Prepared({"config_key": KEY}, more)

    return prepared


_SET = _of_key(json={"value": 600, "reason": "why"})
_REVERTED = _of_key(json={"version": 1, "reason": "why"})

OPERATIONS = (
    Operation("list_configuration", "GET", "/system/config"),
    Operation("get_configuration", "GET", "/system/config/{config_key}", _of_key()),
    Operation("set_configuration", "PUT", "/system/config/{config_key}", _SET),
    Operation("reset_configuration", "DELETE", "/system/config/{config_key}", _of_key()),
    Operation("list_configuration_history", "GET", "/system/config/{config_key}/history", _of_key()),
    Operation("revert_configuration", "POST", "/system/config/{config_key}/revert", _REVERTED),
)
