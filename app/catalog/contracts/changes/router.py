"""`PATCH /api/contracts/{id}`: what is said about a contract, who owns it, and what becomes of rows that do not fit."""

from typing import Annotated

from fastapi import APIRouter, Response

from app.catalog.contracts.changes.schemas import ContractChange
from app.catalog.contracts.changes.service import ContractChanges
from app.catalog.contracts.review import InvalidContract
from app.catalog.contracts.router import ContractId
from app.catalog.contracts.schemas import ContractDocument, contract_document
from app.catalog.contracts.service import ContractNotFound
from app.catalog.permissions import CanRegister
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import writes
from app.kernel.problems import PreconditionFailed, responses

router = APIRouter(prefix="/api/contracts", tags=["contracts"], route_class=TransactionalRoute)

ChangesDep = Annotated[ContractChanges, writes(ContractChanges)]


@router.patch(
    "/{contract_id}",
    operation_id="change_contract",
    responses=responses(ContractNotFound, InvalidContract, PreconditionFailed),
)
async def change_contract(
    contract_id: ContractId,
    wanted: ContractChange,
    actor: CanRegister,
    changes: ChangesDep,
    response: Response,
    if_match: IfMatch = None,
) -> ContractDocument:
    """Change what is said about a contract and its columns, who owns it, and what becomes of rows that do not fit."""
    contract = await changes.change(contract_id, wanted, if_match, actor)
    set_etag(response, contract.etag)
    return contract_document(contract)
