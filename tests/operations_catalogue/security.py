"""The protection of the edge."""

from tests.operations_catalogue.operation import REASON, Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

ROOT = "/system/security"


def block(world: Workshop) -> dict[str, object]:
    """A block of an address."""
    return REASON | {"kind": "address", "target": world.address(), "expires_at": "2099-01-01T00:00:00Z"}


def action(world: Workshop) -> dict[str, object]:
    """An action that blocks an address."""
    return REASON | {"kind": "block", "target": world.address(), "event_kind": "honeypot-hit", "force": False}


def honeypot(world: Workshop) -> dict[str, object]:
    """A path that nobody honest asks for."""
    return {"kind": "route", "label": "decoy", "path": "/" + world.name("decoy")}


def _as_it_is(path: str) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared(more={"json": await setting.world.as_admin("GET", f"{ROOT}/{path}")})

    return prepared


async def _new_block(setting: Setting) -> Prepared:
    return Prepared(more={"json": block(setting.world)})


async def _of_block(setting: Setting) -> Prepared:
    made = await setting.world.as_admin("POST", f"{ROOT}/blocks", 201, json=block(setting.world))
    return Prepared({"block_id": made["id"]})


async def _new_action(setting: Setting) -> Prepared:
    return Prepared(more={"json": action(setting.world)})


async def _of_action(setting: Setting) -> Prepared:
    made = await setting.world.as_admin("POST", f"{ROOT}/actions", 201, json=action(setting.world))
    return Prepared({"action_id": made["id"]})


async def _new_honeypot(setting: Setting) -> Prepared:
    return Prepared(more={"json": honeypot(setting.world)})


async def _of_honeypot(setting: Setting) -> Prepared:
    made = await setting.world.as_admin("POST", f"{ROOT}/honeypots", 201, json=honeypot(setting.world))
    return Prepared({"honeypot_id": made["id"]})


OPERATIONS = (
    Operation("get_security_policy", "GET", f"{ROOT}/policy"),
    Operation("set_security_policy", "PUT", f"{ROOT}/policy", _as_it_is("policy")),
    Operation("get_rate_limits", "GET", f"{ROOT}/rate-limits"),
    Operation("set_rate_limits", "PUT", f"{ROOT}/rate-limits", _as_it_is("rate-limits")),
    Operation("get_security_responses", "GET", f"{ROOT}/responses"),
    Operation("set_security_responses", "PUT", f"{ROOT}/responses", _as_it_is("responses")),
    Operation("list_blocks", "GET", f"{ROOT}/blocks"),
    Operation("create_block", "POST", f"{ROOT}/blocks", _new_block),
    Operation("end_block", "DELETE", f"{ROOT}/blocks/{{block_id}}", _of_block),
    Operation("list_security_events", "GET", f"{ROOT}/events"),
    Operation("list_security_actions", "GET", f"{ROOT}/actions"),
    Operation("take_security_action", "POST", f"{ROOT}/actions", _new_action),
    Operation("undo_security_action", "POST", f"{ROOT}/actions/{{action_id}}/undo", _of_action),
    Operation("list_honeypots", "GET", f"{ROOT}/honeypots"),
    Operation("create_honeypot", "POST", f"{ROOT}/honeypots", _new_honeypot),
    Operation("remove_honeypot", "DELETE", f"{ROOT}/honeypots/{{honeypot_id}}", _of_honeypot),
)
