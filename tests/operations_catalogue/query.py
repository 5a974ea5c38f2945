"""Queries: previews and executions of the holder's own where it may have some, else of an admin's."""

from tests.authorization.holders import Holder
from tests.operations_catalogue.operation import Operation, Prepared, Setting
from tests.operations_catalogue.tables import known_table, table_in_state
from tests.operations_catalogue.workshop import Workshop


async def preview(world: Workshop, holder: Holder | None) -> str:
    """The id of a fresh preview."""
    asked = {"sql": f"select id from {await known_table(world, 'ACTIVE')} limit 1"}
    if holder is not None:
        answer = await world.as_holder("/api/query/preview", asked, holder)
        if answer.status_code == 200:
            return str(answer.json()["preview_id"])
    return str((await world.as_admin("POST", "/api/query/preview", json=asked))["preview_id"])


async def execution(world: Workshop, holder: Holder | None) -> str:
    """The id of a fresh execution."""
    asked = {"preview_id": await preview(world, holder)}
    if holder is not None:
        answer = await world.as_holder("/api/query/execute", asked, holder)
        if answer.status_code == 200:
            return str(answer.json()["execution_id"])
    return str((await world.as_admin("POST", "/api/query/execute", json=asked))["execution_id"])


async def _question(setting: Setting) -> Prepared:
    name = await table_in_state(setting)
    options = {"include_deprecated": [name]} if setting.state == "DEPRECATED asked for" else {}
    asked = {"sql": f"select id from {name} limit 1", "options": options}
    return Prepared(more={"json": asked}, mark=f'"name":"{name}"')


async def _of_preview(setting: Setting) -> Prepared:
    return Prepared({"preview_id": await _previewed(setting)})


async def _execution(setting: Setting) -> Prepared:
    return Prepared(more={"json": {"preview_id": await _previewed(setting)}})


async def _previewed(setting: Setting) -> str:
    return await setting.owned("preview", lambda holder: preview(setting.world, holder))


async def _executions(setting: Setting) -> Prepared:
    return Prepared(mark=await setting.owned("execution", lambda holder: execution(setting.world, holder)))


OPERATIONS = (
    Operation("validate_query", "POST", "/api/query/validate", _question),
    Operation("preview_query", "POST", "/api/query/preview", _question),
    Operation("get_query_preview", "GET", "/api/query/previews/{preview_id}", _of_preview),
    Operation("execute_query", "POST", "/api/query/execute", _execution),
    Operation("list_query_executions", "GET", "/api/query/executions", _executions),
)
