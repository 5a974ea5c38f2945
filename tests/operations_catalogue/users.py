"""People and roles."""

from typing import Any

from tests.identities import PASSWORD
from tests.operations_catalogue.operation import Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop


async def person(world: Workshop) -> str:
    """The id of a fresh person."""
    made = {"username": world.name("person"), "roles": ["VIEWER"]}
    return str((await world.as_admin("POST", "/api/users", 201, json=made))["id"])


async def _users(setting: Setting) -> Prepared:
    return Prepared(mark=await setting.kept("person", lambda: person(setting.world)))


async def _new_user(setting: Setting) -> Prepared:
    name = setting.world.name("fresh")
    body = {"username": name, "roles": ["VIEWER"], "display_name": "Another", "password": PASSWORD}
    return Prepared(more={"json": body | {"email": f"{name}@example.org"}})


async def _changed_user(setting: Setting) -> Prepared:
    email = f"{setting.world.name('other')}@example.org"
    return await _of_user(json={"email": email, "display_name": "Somebody", "status": "active"})(setting)


def _of_user(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"user_id": await setting.kept("person", lambda: person(setting.world))}, more)

    return prepared


OPERATIONS = (
    Operation("list_users", "GET", "/api/users", _users),
    Operation("create_user", "POST", "/api/users", _new_user),
    Operation("get_user", "GET", "/api/users/{user_id}", _of_user()),
    Operation("change_user", "PATCH", "/api/users/{user_id}", _changed_user),
    Operation("delete_user", "DELETE", "/api/users/{user_id}", _of_user()),
    Operation("set_user_roles", "PUT", "/api/users/{user_id}/roles", _of_user(json={"roles": ["ANALYST"]})),
    Operation("set_user_password", "POST", "/api/users/{user_id}/password", _of_user(json={"password": PASSWORD})),
    Operation("list_roles", "GET", "/api/roles"),
)
