"""Log-in, log-out, the provider's log-in and who one is."""

from tests.authorization.matrix import ANONYMOUS, NO_TOKEN
from tests.operations_catalogue.operation import Operation, Prepared, Setting
from tests.operations_catalogue.workshop import Workshop


async def session_token(world: Workshop) -> str:
    """A token of a fresh session of somebody who holds none of the other credentials."""
    answer = await world.anonymous.post("/api/auth/token", data=world.login | {"username": world.other_person})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def _log_in(setting: Setting) -> Prepared:
    return Prepared(more={"data": setting.world.login}, bare=True)


async def _log_out(setting: Setting) -> Prepared:
    """With a token of its own for each, since the holders' are needed still."""
    if setting.holder.column in {ANONYMOUS, NO_TOKEN}:
        return Prepared()
    token = await session_token(setting.world)
    return Prepared(more={"headers": {"Authorization": f"Bearer {token}"}}, bare=True)


OPERATIONS = (
    Operation("issue_token", "POST", "/api/auth/token", _log_in),
    Operation("log_out", "POST", "/api/auth/logout", _log_out),
    Operation("get_caller", "GET", "/api/auth/me"),
    Operation("get_key_set", "GET", "/api/auth/.well-known/jwks.json"),
    Operation("begin_oidc_login", "GET", "/api/auth/oidc/login"),
    Operation("end_oidc_login", "GET", "/api/auth/oidc/callback"),
)
