"""Feature flags and their evaluation."""

from typing import Any

from app.operations.flags.watch import FlagWatch
from tests.operations_catalogue.operation import Operation, Prepare, Prepared, Setting, with_json
from tests.operations_catalogue.workshop import Workshop

ASKED = {"context": {"targetingKey": "somebody"}}
SOME = {
    "name": "some",
    "when": [{"subject": "attribute", "attribute": "region", "operator": "in", "values": ["eu"]}],
    "split": [{"variant": "on", "percentage": 12.5}],
}
FLAG = {
    "variants": {"on": True, "off": False},
    "default_variant": "off",
    "off_variant": "off",
    "enabled": True,
    "rules": [SOME, {"name": "rest", "when": [], "variant": "off"}],
    "description": "text",
    "owner": "text",
    "expires_at": "2099-01-01T00:00:00Z",
}


def _new(key: str) -> dict[str, Any]:
    return FLAG | {"key": key, "type": "boolean"}


async def flag(world: Workshop) -> str:
    """The key of a fresh flag that evaluations know."""
    key = str((await world.as_admin("POST", "/system/flags", 201, json=_new(world.name("flag"))))["key"])
    await world.resources.build(FlagWatch).look()
    return key


async def _new_flag(setting: Setting) -> Prepared:
    return Prepared(more={"json": _new(setting.world.name("flag"))})


def _of_flag(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"flag_key": await setting.kept("flag", lambda: flag(setting.world))}, more)

    return prepared


_CHANGED = _of_flag(json=FLAG | {"description": "another text", "archived": False})

OPERATIONS = (
    Operation("list_flags", "GET", "/system/flags"),
    Operation("create_flag", "POST", "/system/flags", _new_flag),
    Operation("get_flag", "GET", "/system/flags/{flag_key}", _of_flag()),
    Operation("change_flag", "PATCH", "/system/flags/{flag_key}", _CHANGED),
    Operation("evaluate_flags", "POST", "/ofrep/v1/evaluate/flags", with_json(ASKED)),
    Operation("evaluate_flag", "POST", "/ofrep/v1/evaluate/flags/{flag_key}", _of_flag(json=ASKED)),
)
