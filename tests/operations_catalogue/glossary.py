"""The glossary."""

from typing import Any

from tests.operations_catalogue.operation import Operation, Prepared, Setting, nothing

ENTRY: dict[str, Any] = {
    "term": "turnover",
    "meaning": "expression",
    "expression": "total amount of paid orders",
    "note": "text",
}


async def _added(setting: Setting) -> Prepared:
    made = await setting.world.as_admin("POST", "/api/glossary", 201, json=ENTRY | {"term": setting.world.name("term")})
    return Prepared({"id": made["id"]})


async def _addition(_: Setting) -> Prepared:
    return Prepared(more={"json": ENTRY})


OPERATIONS = (
    Operation("list_glossary", "GET", "/api/glossary", nothing),
    Operation("create_glossary_entry", "POST", "/api/glossary", _addition),
    Operation("revoke_glossary_entry", "DELETE", "/api/glossary/{id}", _added),
)
