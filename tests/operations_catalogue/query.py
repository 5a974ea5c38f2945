"""Queries: previews and executions of the holder's own where it may have some, else of an admin's."""

from typing import Any

from tests.authorization.holders import Holder
from tests.operations_catalogue.operation import OWN, REASON, Operation, Prepared, Setting
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


async def correction(world: Workshop, holder: Holder | None) -> str:
    """The id of a fresh correction that waits for a decision."""
    asked = await _correction(world, holder)
    if holder is not None:
        answer = await world.as_holder("/api/query/correct", asked, holder)
        if answer.status_code == 200:
            return str(answer.json()["corrections"][0]["id"])
    asked = await _correction(world, None)
    return str((await world.as_admin("POST", "/api/query/correct", json=asked))["corrections"][0]["id"])


async def _correction(world: Workshop, holder: Holder | None) -> dict[str, Any]:
    """A correction of a question that nobody has asked before."""
    name = await known_table(world, "ACTIVE")
    question = {"query": f"how many {name} with id over {world.number()}"}
    answer = await world.as_holder("/api/query/preview", question, holder) if holder is not None else None
    if answer is None or answer.status_code != 200:
        document = await world.as_admin("POST", "/api/query/preview", json=question)
    else:
        document = answer.json()
    statement = {"kind": "sql", "sql": f"select id from {name} limit 1"}
    return {"preview_id": document["preview_id"], "corrections": [statement]}


async def _correcting(setting: Setting) -> Prepared:
    whose = setting.holder if setting.state == OWN else None
    return Prepared(more={"json": await _correction(setting.world, whose)})


async def _of_correction(setting: Setting) -> Prepared:
    id_ = await setting.owned("correction", lambda holder: correction(setting.world, holder))
    return Prepared({"id": id_}, {"json": REASON})


async def _corrections(setting: Setting) -> Prepared:
    return Prepared(mark=await setting.owned("correction", lambda holder: correction(setting.world, holder)))


OPERATIONS = (
    Operation("validate_query", "POST", "/api/query/validate", _question),
    Operation("preview_query", "POST", "/api/query/preview", _question),
    Operation("get_query_preview", "GET", "/api/query/previews/{preview_id}", _of_preview),
    Operation("execute_query", "POST", "/api/query/execute", _execution),
    Operation("correct_query", "POST", "/api/query/correct", _correcting),
    Operation("list_query_corrections", "GET", "/api/query/corrections", _corrections),
    Operation("accept_query_correction", "POST", "/api/query/corrections/{id}/accept", _of_correction),
    Operation("reject_query_correction", "POST", "/api/query/corrections/{id}/reject", _of_correction),
    Operation("revoke_query_correction", "POST", "/api/query/corrections/{id}/revoke", _of_correction),
    Operation("list_query_executions", "GET", "/api/query/executions", _executions),
)
