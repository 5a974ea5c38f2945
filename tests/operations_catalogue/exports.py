"""Exports: of the holder's own where it may have some, else of an admin's."""

from typing import Any

from tests.authorization.holders import Holder
from tests.operations.exports.steps import made
from tests.operations_catalogue.operation import Operation, Prepare, Prepared, Setting
from tests.operations_catalogue.query import preview
from tests.operations_catalogue.tables import known_table
from tests.operations_catalogue.workshop import Workshop

ROOT = "/system/exports"


async def export(world: Workshop, holder: Holder | None) -> str:
    """The id of a fresh export, which is pending."""
    asked = {"job_type": "table", "filter_params": {"table": await known_table(world, "ACTIVE")}}
    if holder is not None:
        answer = await world.as_holder(f"{ROOT}/", asked, holder)
        if answer.status_code == 202:
            return str(answer.json()["id"])
    return str((await world.as_admin("POST", f"{ROOT}/", 202, json=asked))["id"])


async def _file(world: Workshop, holder: Holder | None) -> str:
    export_id = await export(world, holder)
    await made(world.resources, export_id)
    return export_id


async def _new_export(setting: Setting) -> Prepared:
    wanted: dict[str, Any] = {"job_type": setting.state, "filter_params": {}, "format": "ndjson"}
    if setting.state == "table":
        where = [{"column": "id", "op": "eq", "value": "1"}]
        name = await known_table(setting.world, "ACTIVE")
        wanted |= {"filter_params": {"table": name, "columns": ["id"], "where": where}, "compression": "gzip"}
    elif setting.state == "query":
        wanted |= {"filter_params": {"preview_id": await preview(setting.world, setting.holder)}}
    elif setting.state == "snapshot":
        wanted |= {"format": "tar"}
    return Prepared(more={"json": wanted})


async def _exports(setting: Setting) -> Prepared:
    mark = await setting.owned("export", lambda holder: export(setting.world, holder))
    return Prepared(more={"params": {"limit": 500}}, mark=mark)


def _of_export(**more: Any) -> Prepare:
    async def prepared(setting: Setting) -> Prepared:
        return Prepared({"export_id": await setting.owned("export", lambda who: export(setting.world, who))}, more)

    return prepared


async def _of_file(setting: Setting) -> Prepared:
    return Prepared({"export_id": await setting.owned("file", lambda holder: _file(setting.world, holder))})


_REPORTED = _of_export(json={"from_status": "pending", "to_status": "failed", "error_message": "text"})

OPERATIONS = (
    Operation("list_exports", "GET", f"{ROOT}/", _exports),
    Operation("create_export", "POST", f"{ROOT}/", _new_export),
    Operation("get_export", "GET", f"{ROOT}/{{export_id}}", _of_export()),
    Operation("download_export", "GET", f"{ROOT}/{{export_id}}/download", _of_file),
    Operation("report_export", "POST", f"{ROOT}/{{export_id}}/status", _REPORTED),
    Operation("cancel_export", "POST", f"{ROOT}/{{export_id}}/cancel", _of_export()),
)
