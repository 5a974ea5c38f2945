"""`/api/contracts`: register contracts and read them."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from app.catalog.contracts.answers import REGISTERED
from app.catalog.contracts.repository import CONTRACT_SORTS
from app.catalog.contracts.review import InvalidContract, review
from app.catalog.contracts.schemas import (
    ContractDocument,
    ContractSchemaDocument,
    RegisterRequest,
    RegistrationDocument,
    SchemaDifferenceDocument,
    contract_document,
    difference_document,
    registration_document,
    schema_document,
)
from app.catalog.contracts.service import (
    ContractNotFound,
    ContractReading,
    ContractService,
    NameTaken,
    SchemaVersionNotFound,
)
from app.catalog.permissions import CanRegister, CanSeeContracts
from app.kernel.http.etags import set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import InvalidCursor, PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import responses
from app.operations.modes.modes import NotIngestionReady

router = APIRouter(prefix="/api/contracts", tags=["contracts"], route_class=TransactionalRoute)

MAX_SCHEMA_VERSION = 2**31 - 1


class _Unreviewed:
    """The body as it is, documented as `RegisterRequest`: `review` looks at shape and meaning at once."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(RegisterRequest.__pydantic_core_schema__)


ReadingDep = Annotated[ContractReading, reads(ContractReading)]
ContractsDep = Annotated[ContractService, writes(ContractService)]
FromVersion = Annotated[
    int | None, Query(alias="from", ge=1, le=MAX_SCHEMA_VERSION, description="The version before `to` when absent.")
]
ToVersion = Annotated[
    int | None, Query(alias="to", ge=1, le=MAX_SCHEMA_VERSION, description="The version in force when absent.")
]
ContractId = Annotated[str, Path(max_length=128, description="`<table>_v<version>`.", examples=["customers_v1"])]


@router.post(
    "/register",
    operation_id="register_contract",
    status_code=201,
    responses=REGISTERED | responses(InvalidContract, NameTaken, NotIngestionReady),
)
async def register_contract(
    document: Annotated[Any, _Unreviewed, Body()], actor: CanRegister, contracts: ContractsDep, response: Response
) -> RegistrationDocument:
    """Register a contract. Its table begins in SHADOW: nothing is queryable until an admin promotes it.

    The same contract again answers the one that there is (200). A different one under a known table name is the next
    version, with an empty table of its own, and the answer says what differs.
    """
    registration = await contracts.register(review(document), actor)
    response.status_code = 201 if registration.made else 200
    set_etag(response, registration.contract.etag)
    response.headers["Location"] = f"/api/contracts/{registration.contract.id}"
    return registration_document(registration)


SortedPaging = Annotated[PageRequest, sorted_by(*CONTRACT_SORTS)]


@router.get("", operation_id="list_contracts", responses=responses(InvalidCursor))
async def list_contracts(
    *,
    actor: CanSeeContracts,
    contracts: ReadingDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
    table: Annotated[str | None, Query(max_length=63, description="Only contracts of this logical table.")] = None,
) -> PageDocument[ContractDocument]:
    """Every contract that the caller sees, newest first."""
    page = await contracts.page(table, paging, actor)
    return show(page, contract_document, request, response)


@router.get("/{contract_id}", operation_id="get_contract", responses=responses(ContractNotFound))
async def get_contract(
    contract_id: ContractId, actor: CanSeeContracts, contracts: ReadingDep, response: Response
) -> ContractDocument:
    """A contract."""
    contract = await contracts.get(contract_id, actor)
    set_etag(response, contract.etag)
    return contract_document(contract)


@router.get(
    "/{contract_id}/schema",
    operation_id="get_contract_schema",
    responses=responses(ContractNotFound, SchemaVersionNotFound),
)
async def get_contract_schema(
    contract_id: ContractId, actor: CanSeeContracts, contracts: ReadingDep
) -> ContractSchemaDocument:
    """The schema in force."""
    return schema_document(await contracts.schema(contract_id, None, actor))


@router.get(
    "/{contract_id}/schema/{version}",
    operation_id="get_contract_schema_version",
    responses=responses(ContractNotFound, SchemaVersionNotFound),
)
async def get_contract_schema_version(
    contract_id: ContractId,
    version: Annotated[int, Path(ge=1, le=MAX_SCHEMA_VERSION, description="Version of the schema.")],
    actor: CanSeeContracts,
    contracts: ReadingDep,
) -> ContractSchemaDocument:
    """One version of the schema."""
    return schema_document(await contracts.schema(contract_id, version, actor))


@router.get(
    "/{contract_id}/diff",
    operation_id="compare_contract_schemas",
    responses=responses(ContractNotFound, SchemaVersionNotFound),
)
async def compare_contract_schemas(
    contract_id: ContractId,
    actor: CanSeeContracts,
    contracts: ReadingDep,
    from_version: FromVersion = None,
    to_version: ToVersion = None,
) -> SchemaDifferenceDocument:
    """How one version of the schema differs from another."""
    return difference_document(await contracts.difference(contract_id, from_version, to_version, actor))
