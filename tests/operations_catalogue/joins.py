"""Joins: candidates between a table in a state and itself, and joins that were accepted from them."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from app.catalog.joins.repository import JoinWrites, stored
from app.warehouse.evidence.samples import JoinMeasure
from tests.operations_catalogue.operation import Operation, Prepared, Setting, nothing
from tests.operations_catalogue.tables import table, table_in_state

SUGGESTED: Final = "suggested"
REJECTED: Final = "rejected"
ACCEPTED: Final = "accepted"
DEPRECATED: Final = "deprecated"

_MEASURE: Final = JoinMeasure(
    left_rows=0,
    left_nulls=0,
    left_distinct=0,
    left_matched_distinct=0,
    left_orphans=0,
    right_rows=0,
    right_nulls=0,
    right_distinct=0,
    fan_out=None,
    multiplication=None,
    left_unique=True,
    right_unique=True,
    values=0,
    exact=False,
)
_RATIONALE: Final = "The matrix wants it so."


def _accepting(candidate_id: str) -> dict[str, Any]:
    return {"candidate_id": candidate_id, "rationale": _RATIONALE, "override_rationale": "There are no rows yet."}


async def _candidate_of(setting: Setting, name: str) -> str:
    """The id of a candidate of the table and itself, as a look would keep one."""
    world, id_ = setting.world, f"{name}__{name}__v"
    table_id = UUID((await world.as_admin("GET", f"/api/tables/{name}"))["id"])
    values: dict[str, Any] = {
        "id": id_,
        "left_table": name,
        "left_table_id": table_id,
        "left_columns": ["v"],
        "right_table": name,
        "right_table_id": table_id,
        "right_columns": ["id"],
        "cardinality": "n:1",
        "score": 0.9,
        "measure": stored(_MEASURE),
        "reasons": [],
        "warnings": [],
        "measured_at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    async with world.resources.database.write() as session:
        await JoinWrites(session).keep_candidates([values])
    return id_


async def _of_table(setting: Setting) -> str:
    """The id of a candidate of a table in a state."""

    async def make() -> str:
        return await _candidate_of(setting, await table_in_state(setting))

    return await setting.kept("candidate", make, setting.state)


async def _joined(setting: Setting) -> str:
    """The id of a join of a table in a state."""

    async def make() -> str:
        setting_of_use = "ACTIVE" if setting.state == "DEPRECATED" else setting.state
        name = await table(setting.world, setting_of_use)
        id_ = await _candidate_of(setting, name)
        await setting.world.as_admin("POST", "/api/joins/accept", 201, json=_accepting(id_))
        if setting.state == "DEPRECATED":
            reason = {"reason": "the matrix wants it"}
            await setting.world.as_admin("POST", f"/api/tables/{name}/deprecate", json=reason)
        return id_

    return await setting.kept("join", make, setting.state)


async def _decided(setting: Setting) -> str:
    """The id of a candidate of a table of its own, about which was decided as the setting says."""

    async def make() -> str:
        world, id_ = setting.world, await _candidate_of(setting, await table(setting.world, "ACTIVE"))
        if setting.state == REJECTED:
            await world.as_admin("POST", f"/api/joins/candidates/{id_}/reject", json={"reason": "other"})
        if setting.state in {ACCEPTED, DEPRECATED}:
            await world.as_admin("POST", "/api/joins/accept", 201, json=_accepting(id_))
        if setting.state == DEPRECATED:
            await world.as_admin("POST", f"/api/joins/{id_}/deprecate", json={"reason": "the matrix wants it"})
        return id_

    return await setting.kept("decided candidate", make, setting.state)


async def _candidates(setting: Setting) -> Prepared:
    id_ = await _of_table(setting)
    name = id_.partition("__")[0]
    params: dict[str, Any] = {"table1": name, "table2": name, "min_score": 0.5, "status": "suggested"}
    return Prepared(more={"params": params | {"accepted": "false", "limit": 200}}, mark=f'"{id_}"')


async def _joins(setting: Setting) -> Prepared:
    id_ = await _joined(setting)
    params = {"table": id_.partition("__")[0], "status": "active", "limit": 200}
    return Prepared(more={"params": params}, mark=f'"{id_}"')


async def _of_candidate(setting: Setting) -> Prepared:
    return Prepared({"id": await _of_table(setting)})


async def _of_join(setting: Setting) -> Prepared:
    return Prepared({"id": await _joined(setting)})


async def _acceptance(setting: Setting) -> Prepared:
    return Prepared(more={"json": _accepting(await _decided(setting))})


async def _rejection(setting: Setting) -> Prepared:
    body = {"reason": "not-related", "note": "Numbers that start at 1 everywhere."}
    return Prepared({"id": await _decided(setting)}, {"json": body})


async def _deprecation(setting: Setting) -> Prepared:
    return Prepared({"id": await _decided(setting)}, {"json": {"reason": "Replaced by another."}})


OPERATIONS = (
    Operation("list_joins", "GET", "/api/joins", _joins),
    Operation("list_join_candidates", "GET", "/api/joins/candidates", _candidates),
    Operation("get_join_candidate", "GET", "/api/joins/candidates/{id}", _of_candidate),
    Operation("refresh_join_candidates", "POST", "/api/joins/candidates/refresh", nothing),
    Operation("reject_join_candidate", "POST", "/api/joins/candidates/{id}/reject", _rejection),
    Operation("accept_join", "POST", "/api/joins/accept", _acceptance),
    Operation("get_join", "GET", "/api/joins/{id}", _of_join),
    Operation("deprecate_join", "POST", "/api/joins/{id}/deprecate", _deprecation),
)
