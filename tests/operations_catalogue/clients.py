"""Services and their keys."""

from typing import Any

from tests.operations_catalogue.operation import Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop

CLIENT = {"roles": ["VIEWER"], "description": "text", "requests_per_minute": 60}
KEY = {"expires_at": "2099-01-01T00:00:00Z", "scopes": ["tables:read"], "label": "text"}


async def client(world: Workshop) -> str:
    """The id of a fresh client."""
    made = {"name": world.name("target"), "roles": ["VIEWER"]}
    return str((await world.as_admin("POST", "/api/clients", 201, json=made))["id"])


async def _client(setting: Setting) -> str:
    return await setting.kept("client", lambda: client(setting.world))


async def _clients(setting: Setting) -> Prepared:
    return Prepared(mark=await _client(setting))


async def _new_client(setting: Setting) -> Prepared:
    return Prepared(more={"json": {"name": setting.world.name("fresh"), **CLIENT}})


def _of_client(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"client_id": await _client(setting)}, more)

    return prepared


def _of_key(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        client_id = await _client(setting)

        async def key() -> str:
            path = f"/api/clients/{client_id}/keys"
            return str((await setting.world.as_admin("POST", path, 201, json={}))["id"])

        return Prepared({"client_id": client_id, "key_id": await setting.kept("key", key)}, more)

    return prepared


_CHANGED = _of_client(json=CLIENT | {"status": "active"})
_ROTATED = _of_key(json={"grace_seconds": 60, "expires_at": "2099-01-01T00:00:00Z"})

OPERATIONS = (
    Operation("list_clients", "GET", "/api/clients", _clients),
    Operation("create_client", "POST", "/api/clients", _new_client),
    Operation("get_client", "GET", "/api/clients/{client_id}", _of_client()),
    Operation("change_client", "PATCH", "/api/clients/{client_id}", _CHANGED),
    Operation("issue_client_key", "POST", "/api/clients/{client_id}/keys", _of_client(json=KEY)),
    Operation("rotate_client_key", "POST", "/api/clients/{client_id}/keys/{key_id}/rotate", _ROTATED),
    Operation("revoke_client_key", "DELETE", "/api/clients/{client_id}/keys/{key_id}", _of_key()),
)
