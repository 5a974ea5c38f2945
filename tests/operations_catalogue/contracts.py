"""Contracts: seen with their tables."""

from tests.ingestion.steps import contract
from tests.operations_catalogue.operation import Operation, Prepared, Setting
from tests.operations_catalogue.tables import table_in_state

COLUMNS = [
    {"name": "id", "type": "bigint", "nullable": False},
    {"name": "at", "type": "timestamptz", "nullable": False},
    {"name": "v", "type": "integer"},
]


async def _of_contract(setting: Setting) -> Prepared:
    return Prepared({"contract_id": f"{await table_in_state(setting)}_v1"})


async def _of_schema(setting: Setting) -> Prepared:
    return Prepared({"contract_id": f"{await table_in_state(setting)}_v1", "version": "1"})


async def _contracts(setting: Setting) -> Prepared:
    name = await table_in_state(setting)
    return Prepared(more={"params": {"table": name}}, mark=f'"{name}_v1"')


async def _change(setting: Setting) -> Prepared:
    words = {"v": {"description": "How many.", "labels": ["quantity"], "sensitivity": "none"}}
    body = {
        "description": "What happened.",
        "unknown_columns": "quarantine_row",
        "type_changes": "freeze",
        "max_rejected": {"rows": 5, "share": 0.5},
        "columns": words,
    }
    return Prepared({"contract_id": f"{await table_in_state(setting)}_v1"}, more={"json": body})


async def _registration(setting: Setting) -> Prepared:
    return Prepared(more={"json": contract(setting.world.name("new"), columns=COLUMNS)})


async def _import(setting: Setting) -> Prepared:
    body = contract(setting.world.name("new"), columns=COLUMNS)
    name = body["table_name"]
    columns = [{"name": each["name"], "physicalType": each["type"]} for each in COLUMNS]
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": name, "properties": columns}],
    }
    semantics = body["ingestion_semantics"] | {"endpoint": body["endpoint"]}
    return Prepared(more={"json": {"document": document, "semantics": {name: semantics}}})


OPERATIONS = (
    Operation("list_contracts", "GET", "/api/contracts", _contracts),
    Operation("register_contract", "POST", "/api/contracts/register", _registration),
    Operation("import_contracts", "POST", "/api/contracts/import", _import),
    Operation("get_contract", "GET", "/api/contracts/{contract_id}", _of_contract),
    Operation("change_contract", "PATCH", "/api/contracts/{contract_id}", _change),
    Operation("get_contract_schema", "GET", "/api/contracts/{contract_id}/schema", _of_contract),
    Operation("get_contract_schema_version", "GET", "/api/contracts/{contract_id}/schema/{version}", _of_schema),
    Operation("compare_contract_schemas", "GET", "/api/contracts/{contract_id}/diff", _of_contract),
    Operation("export_contract", "GET", "/api/contracts/{contract_id}/odcs", _of_contract),
)
