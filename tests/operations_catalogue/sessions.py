"""Sessions of people."""

from tests.authorization.holders import Holder
from tests.operations_catalogue.operation import OWN, OWN_OF_PERSON, Operation, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop


async def session(world: Workshop, name: str | None = None) -> tuple[str, str]:
    """Ids of a person and of a fresh session: of whoever has the name, else of somebody who is no holder."""
    asked = {"username": name or world.other_person, "password": world.login["password"]}
    answer = await world.anonymous.post("/api/sessions", json=asked)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["user_id"]), str(answer.json()["id"])


async def _name_of(world: Workshop, holder: Holder) -> str | None:
    """The name that a person logs in with; None for who has no valid credential."""
    answer = await world.anonymous.get("/api/auth/me", headers=dict(holder.headers))
    return str(answer.json()["name"]) if answer.status_code == 200 else None


async def _log_in(setting: Setting) -> Prepared:
    form = setting.world.login
    return Prepared(more={"json": {"username": form["username"], "password": form["password"]}}, bare=True)


async def _sessions(setting: Setting) -> Prepared:
    if setting.state == OWN:
        return Prepared()
    user_id, session_id = await session(setting.world)
    return Prepared(more={"params": {"user_id": user_id}}, mark=session_id)


async def _of_session(setting: Setting) -> Prepared:
    name = await _name_of(setting.world, setting.holder) if setting.state == OWN_OF_PERSON else None
    _, session_id = await session(setting.world, name)
    return Prepared({"session_id": session_id})


OPERATIONS = (
    Operation("open_session", "POST", "/api/sessions", _log_in),
    Operation("list_sessions", "GET", "/api/sessions", _sessions),
    Operation("end_session", "DELETE", "/api/sessions/{session_id}", _of_session),
)
